/**
 * One microphone: its connection kept alive, its sound numbered and timed in a ring, measured, and what is missing told.
 *
 * Invariants (test/integration/microphone-network.test.ts, microphone-file.test.ts, besides those of its parts):
 *  C1  It never throws at its user after `start`: trouble is an event and a retry.
 *  C2  What is missing is told as a gap; silence is never put in its place.
 *  C3  Of sound nothing is dropped before the ring; what is overwritten there before it was read is counted.
 *  C4  After `stop` resolves no connection, process, timer or listener of it is left, and nothing more is told.
 *  C5  A microphone that gives nothing, or nothing that can be heard, is told as such: there is no deaf ear.
 */
import type { BackoffOptions } from '../contract.ts';
import { driverErrors } from '../errors.ts';
import { Reconnecting } from '../reconnect.ts';
import { parseMicrophoneEndpoint, type MicrophoneEndpoint } from './endpoint.ts';
import { openFile } from './file.ts';
import {
  defaultHealthOptions,
  heardSome,
  hearSecond,
  passTime,
  reasonOf,
  startHealth,
  type HealthOptions,
  type MicrophoneHealth,
} from './health.ts';
import { Hearing } from './hearing.ts';
import { openRtp, openTcp, openWavHttp } from './network.ts';
import { arecordCall, ffmpegCall, openProgram } from './programs.ts';
import type { MicrophoneCounts, MicrophoneOptions, MicrophonePorts, Told } from './ports.ts';
import type { Window } from './ring.ts';
import type { PcmFormat, SoundBlock } from './sound.ts';
import type { Source, SourceHandlers } from './source.ts';

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 10_000 };
const watchMs = 500;
/** The same is told in the log so often at most. */
const tellAgainMs = 600_000;

/** @throws DriverError DRV-530 when the endpoint cannot be used; starts nothing */
export function createMicrophone(options: MicrophoneOptions, ports: MicrophonePorts): Microphone {
  return new Microphone(parseMicrophoneEndpoint(options.endpoint), options, ports);
}

export class Microphone {
  readonly #endpoint: MicrophoneEndpoint;
  readonly #options: MicrophoneOptions;
  readonly #ports: MicrophonePorts;
  readonly #healthOptions: HealthOptions;
  readonly #life: Reconnecting<Source>;
  #hearing: Hearing | null = null;
  #health: MicrophoneHealth;
  #watchdog: NodeJS.Timeout | null = null;
  #ended = false;
  /** A file that was played: there is nothing to open again. */
  #isPlayed = false;
  #isUp = false;
  #epoch = 0;
  #samples = 0;
  #missing = 0;
  #gaps = 0;
  #droppedBefore = 0;
  #pulses = 0;
  #opened = 0;
  #triedMs = 0;
  readonly #refused = new Map<string, number>();
  readonly #told = new Map<string, number>();

  constructor(endpoint: MicrophoneEndpoint, options: MicrophoneOptions, ports: MicrophonePorts) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#ports = ports;
    const stalledMs = endpoint.kind === 'file' ? null : defaultHealthOptions.stalledMs;
    this.#healthOptions = { ...defaultHealthOptions, stalledMs, ...options.health };
    this.#health = startHealth(ports.clock.monotonicMs());
    this.#life = new Reconnecting<Source>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => {
        this.#health = startHealth(ports.clock.monotonicMs());
        this.#watchdog = setInterval(() => this.#watch(), watchMs);
      },
      open: () => (this.#isPlayed ? null : this.#open()),
      end: () => {
        this.#ended = true;
        if (this.#watchdog !== null) clearInterval(this.#watchdog);
        return undefined;
      },
    });
  }

  /** Resolves at once; sound comes when the microphone sends it. Aborting the signal is the same as `stop`. */
  start(signal: AbortSignal): Promise<void> {
    this.#life.start(signal);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  /** A window of one channel, [fromSample, toSample); null before the first sound. */
  read(channel: number, fromSample: number, toSample: number): Window | null {
    return this.#hearing?.ring.read(channel, fromSample, toSample) ?? null;
  }

  /** Monotonic ms at which a sample was; null before the first sound. */
  msOf(sample: number): number | null {
    return this.#hearing?.clock.isKnown === true ? this.#hearing.clock.msOf(sample) : null;
  }

  /** Number of the sample at a monotonic time, with its fraction; null before the first sound. */
  sampleAt(ms: number): number | null {
    return this.#hearing?.clock.isKnown === true ? this.#hearing.clock.sampleAt(ms) : null;
  }

  counts(): MicrophoneCounts {
    return {
      connected: this.#isUp,
      verdict: this.#health.verdict,
      rateHz: this.#hearing?.rateHz ?? null,
      epoch: this.#epoch,
      samples: this.#samples,
      missing: this.#missing,
      gaps: this.#gaps,
      dropped: this.#droppedBefore + (this.#hearing?.ring.dropped ?? 0),
      refused: Object.fromEntries(this.#refused),
      pulses: this.#pulses,
      reconnects: Math.max(0, this.#opened - 1),
    };
  }

  // ——— the connection ———

  #open(): Source {
    this.#triedMs = this.#ports.clock.monotonicMs();
    let isOver = false;
    const isDeaf = () => this.#ended || isOver;
    const over = (reason: string, detail?: string): void => {
      isOver = true;
      this.#lost(reason, detail);
    };
    const handlers: SourceHandlers = {
      onOpen: (format) => {
        if (isDeaf()) return;
        this.#opened += 1;
        this.#life.opened();
        this.#form(format);
        this.#link(true, 'connected');
      },
      onSound: (block) => {
        const measuredHz = isDeaf() ? null : this.#hear(block);
        if (measuredHz !== null) over('rate-wrong', `${measuredHz} samples come a second`);
      },
      onGap: (samples, why) => {
        if (!isDeaf()) this.#hearing?.gap(samples, why, this.#ports.clock.monotonicMs());
      },
      onRefused: (reason) => {
        if (!isDeaf()) this.#refuse(reason);
      },
      onClosed: over,
    };
    const { credentials = null, ca, connectTimeoutMs = 5_000, ffmpeg, arecord } = this.#options;
    const endpoint = this.#endpoint;
    switch (endpoint.kind) {
      case 'wav':
        return openWavHttp(endpoint.url, handlers, {
          credentials,
          connectTimeoutMs,
          ...(ca === undefined ? {} : { ca }),
        });
      case 'tcp':
        return openTcp(endpoint, handlers, { connectTimeoutMs });
      case 'rtp':
        return openRtp(endpoint, handlers);
      case 'file':
        return openFile(endpoint, handlers, ffmpeg);
      case 'alsa':
        return openProgram(
          [arecordCall(endpoint.device, endpoint.format, arecord), ffmpegCall(endpoint, null, ffmpeg)],
          handlers,
        );
      default:
        return openProgram([ffmpegCall(endpoint, credentials, ffmpeg)], handlers);
    }
  }

  #lost(reason: string, detail?: string): void {
    this.#isPlayed = this.#endpoint.kind === 'file' && reason === 'ended';
    if (this.#ended || this.#life.lost() === null) return;
    this.#hearing?.gap(null, 'connection-lost', this.#ports.clock.monotonicMs());
    this.#link(false, reason);
    if (this.#isPlayed) return;
    const isMissing = reason === 'program-missing';
    this.#tell(isMissing ? driverErrors.microphoneProgramMissing : driverErrors.microphoneUnreadable, reason, detail);
  }

  #link(up: boolean, reason: string): void {
    if (this.#ended || this.#isUp === up) return;
    this.#isUp = up;
    this.#ports.onEvent({ kind: 'link', ...this.#stamp(), up, reason });
  }

  #stamp(): Told {
    return { microphone: this.#options.microphone, atMs: this.#ports.clock.wallMs() };
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#tell(driverErrors.microphoneUnreadable, reason);
  }

  #tell({ code, cure }: { readonly code: string; readonly cure: string }, reason: string, detail?: string): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const toldMs = this.#told.get(reason);
    if (toldMs !== undefined && nowMs - toldMs < tellAgainMs) return;
    this.#told.set(reason, nowMs);
    const { microphone } = this.#options;
    const more = detail === undefined ? {} : { detail };
    this.#ports.log('warn', 'microphone cannot be read', { code, microphone, reason, ...more, cure });
  }

  // ——— sound ———

  /** Another form of sound has another numbering. */
  #form({ rateHz, channels }: Omit<PcmFormat, 'encoding'>): void {
    const { hasPulse = false, ringSeconds } = this.#options;
    if (this.#hearing?.rateHz === rateHz && this.#hearing.channels === channels) return;
    this.#droppedBefore += this.#hearing?.ring.dropped ?? 0;
    this.#epoch += 1;
    const epoch = this.#epoch;
    const isRateChecked = this.#endpoint.kind !== 'file';
    const hearing = new Hearing(
      { rateHz, channels, hasPulse, isRateChecked, ...(ringSeconds === undefined ? {} : { ringSeconds }) },
      {
        onSecond: (measure) => {
          const nowMs = this.#ports.clock.monotonicMs();
          const { reference = null } = this.#options;
          this.#judge(hearSecond(this.#health, measure, nowMs, reference, this.#healthOptions));
        },
        onGap: (gap) => {
          this.#gaps += 1;
          this.#missing += gap.toSample - gap.fromSample;
          this.#ports.onEvent({ kind: 'gap', ...this.#stamp(), epoch, gap });
        },
        onPulse: (atSample) => {
          this.#pulses += 1;
          this.#ports.onPulse?.(atSample, hearing.clock.msOf(atSample));
        },
      },
    );
    this.#hearing = hearing;
    this.#ports.onEvent({ kind: 'format', ...this.#stamp(), epoch, rateHz, channels });
  }

  #hear(block: SoundBlock): number | null {
    const hearing = this.#hearing;
    if (hearing === null) return null;
    const nowMs = this.#ports.clock.monotonicMs();
    this.#life.heard();
    this.#samples += block.channels[0]?.length ?? 0;
    this.#health = heardSome(this.#health, nowMs);
    const measuredHz = hearing.sound(block, nowMs);
    this.#ports.onSound(hearing.ring.endSample);
    return measuredHz;
  }

  #watch(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    this.#judge(passTime(this.#health, nowMs, this.#healthOptions));
    const { openedMs, connection } = this.#life;
    const { stalledMs } = this.#healthOptions;
    if (connection === null || stalledMs === null) return;
    // What is open and says nothing is given up, and so is what never opens, such as a program that hangs; how soon grows while
    // that does not help.
    const silentMs = nowMs - Math.max(openedMs ?? this.#triedMs, this.#health.lastSoundMs);
    if (silentMs >= this.#life.patienceMs(2 * stalledMs)) this.#lost('no-data');
  }

  #judge(after: MicrophoneHealth): void {
    const { kind } = this.#health.verdict;
    this.#health = after;
    const { verdict } = after;
    if (this.#ended || verdict.kind === kind) return;
    this.#ports.onEvent({ kind: 'health', ...this.#stamp(), verdict, reason: reasonOf(verdict) });
  }
}
