/** What a microphone is given, and what it tells. */
import type { BackoffOptions, DriverClock } from '../contract.ts';
import type { HealthOptions, MicrophoneReference, MicrophoneVerdict } from './health.ts';
import type { Gap } from './ring.ts';
import type { Credentials } from './source.ts';

export interface MicrophoneOptions {
  /** Name in events and the log. */
  readonly microphone: string;
  /** As `endpoint.ts` takes it. */
  readonly endpoint: string;
  readonly credentials?: Credentials;
  /** PEM, for `wav+https`; see `network.ts`. */
  readonly ca?: string;
  /** The second channel carries the pulse that comes once a revolution. Default false. */
  readonly hasPulse?: boolean;
  /** What a good microphone heard of the running machine; absent: muffled is not judged. */
  readonly reference?: MicrophoneReference;
  /** How much sound is kept. Default 30. */
  readonly ringSeconds?: number;
  readonly backoff?: BackoffOptions;
  /** How long a connection may take, in ms. Default 5000. */
  readonly connectTimeoutMs?: number;
  readonly health?: Partial<HealthOptions>;
  /** Default: those of the PATH. */
  readonly ffmpeg?: string;
  readonly arecord?: string;
}

export interface Told {
  readonly microphone: string;
  readonly atMs: number;
}
export type MicrophoneEvent =
  | (Told & { readonly kind: 'link'; readonly up: boolean; readonly reason: string })
  | (Told & { readonly kind: 'health'; readonly verdict: MicrophoneVerdict; readonly reason: string | null })
  /** What follows is numbered from 0 again: `epoch` says which numbering. */
  | (Told & { readonly kind: 'format'; readonly epoch: number; readonly rateHz: number; readonly channels: number })
  | (Told & { readonly kind: 'gap'; readonly epoch: number; readonly gap: Gap });

export interface MicrophonePorts {
  readonly clock: DriverClock;
  /** Uniform in [0, 1); used for jitter only. */
  readonly random: () => number;
  /** There is sound up to `endSample`. Called for every block: what takes long belongs elsewhere. */
  readonly onSound: (endSample: number) => void;
  /** @param monotonicMs of the pulse, by the sample clock */
  readonly onPulse?: (atSample: number, monotonicMs: number) => void;
  readonly onEvent: (event: MicrophoneEvent) => void;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export interface MicrophoneCounts {
  readonly connected: boolean;
  readonly verdict: MicrophoneVerdict;
  readonly rateHz: number | null;
  readonly epoch: number;
  /** Samples that came; that are missing, in how many gaps; that were overwritten before anybody read them. */
  readonly samples: number;
  readonly missing: number;
  readonly gaps: number;
  readonly dropped: number;
  /** Packets that were not used, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly pulses: number;
  readonly reconnects: number;
}
