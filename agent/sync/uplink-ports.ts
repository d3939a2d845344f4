/** What the uplink is given and what it gives; `uplink.ts` is the work between. */
import type { KeyObject } from 'node:crypto';
import type { BatchBody, Lane } from '../../cloud-bridge/contract.ts';
import type { BackoffOptions } from '../../drivers/contract.ts';
import type { UplinkView } from '../live.ts';
import type { BatchKey, OutboxStore } from '../store/outbox.ts';
import type { Outage } from './outage.ts';

/**
 * Longer than a minute, so that the next one comes in time, and shorter than what makes a record backlog. One machine with 24 signals sends
 * 2,900 bytes for two minutes in one batch and 3,700 in two: names repeat, and header, signature and answer are there once.
 */
export const minutePairMs = 75_000;

export interface UplinkOptions {
  readonly site: string;
  readonly gateway: string;
  readonly boot: string;
  readonly previousBoot: string | null;
  readonly agentVersion: string;
  /** mqtts://host:port, or mqtt:// to loopback. */
  readonly url: string;
  /** Further brokers, tried in this order when the one before fails. */
  readonly moreUrls?: readonly string[];
  readonly password: string | null;
  /** PEM text. */
  readonly ca?: string | null;
  readonly gatewayKey: KeyObject;
  /** Read anew at every connection, because the renewal replaces them. Absent: `gatewayKey` and no certificate. */
  readonly identity?: () => Identity;
  /** Started with the first connection. */
  readonly renewal?: (onRenewed: () => void) => { start(): void; stop(): void };
  readonly bridgeKey: KeyObject;
  readonly store: OutboxStore;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly random: () => number;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** How far the wall clock can be trusted; goes into every batch. */
  readonly clockState: () => BatchBody['clock'];
  /** Why nothing may be sealed or sent at present; null: nothing is in the way. Asked until it is null once. Absent: null. */
  readonly waitsFor?: () => string | null;
  readonly ackTimeoutMs?: number;
  readonly outageAfterMs?: number;
  readonly keepaliveS?: number;
  readonly lingerMs?: number;
  /** The minutes of few signals wait so long for the next minute (see `TakeRequest`). Absent: they do not. */
  readonly minuteLingerMs?: number;
  readonly backlogAfterMs?: number;
  readonly slots?: Partial<Record<Lane, number>>;
  readonly reconnect?: BackoffOptions;
  /** Takes a command, with the session of the connection it came by. Absent: commands are not listened to. Never rejects. */
  readonly onCommand?: (
    payload: Buffer,
    session: { readonly id: string; readonly sinceMs: number },
  ) => Promise<{ readonly answer: string | null; readonly renewSession: boolean }>;
  /** From a connection to a later broker until the first is tried again, ms. */
  readonly returnMs?: (random: number) => number;
  /** Called for the opening and the end of every outage, to be kept as an event. */
  readonly onOutage?: (outage: Outage) => void;
  /** The bridge refused a batch for good: a person has to look. */
  readonly onDeadLetter?: (letter: BatchKey & { readonly code: string | null }) => void;
}

export interface Identity {
  readonly gatewayKey: KeyObject;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

/** Beyond the outbox: counted since the start. */
export interface UplinkCounters {
  readonly sent: number;
  readonly invalidAcks: number;
  readonly connections: number;
  readonly outage: boolean;
}
export interface Uplink {
  /** Resolves when it works towards the bridge, connected or not; connects and reconnects until `stop` or the abort of `signal`. Throws AgentError for an address that cannot be used. */
  start(signal: AbortSignal): Promise<void>;
  /** From now on nothing lingers for company: what waits is sealed and sent at once. For the moment before `stop`. */
  hurry(): void;
  /** Resolves within 1 s. May be called twice. */
  stop(): Promise<void>;
  view(): UplinkView;
  counters(): UplinkCounters;
}
