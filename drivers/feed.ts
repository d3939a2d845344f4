/**
 * What a driver tells about one machine: the single place where readings, gaps, link changes and discards leave it, so that
 * D3 (one open gap, closed before the next good reading) and D5 (silence after stop) hold whatever the protocol does.
 *
 * Invariants:
 *  - `gap opened` and `gap closed` alternate, and a closed one repeats the `fromMs` and the reason of the opened one.
 *  - Another reason for a gap that is open is told as `trouble`, only then and only once in a row.
 *  - No good or uncertain reading is delivered while a gap is open.
 *  - A gap begins where the machine was last read, told on the wall clock of now: a clock that was stepped since is allowed for.
 *  - After `end` nothing is delivered.
 *  - A machine that cannot be read is told of in the log once for each reason, with the cure, not at every attempt.
 */
import type { DiscardedEvent, DriverMachineHealth, DriverPorts, Reading } from './contract.ts';
import type { Decoded } from './decoded.ts';
import { driverErrors } from './errors.ts';

/** A machine that comes and goes for the same reason is told of so often at most. */
const tellAgainMs = 600_000;

/** The wall clock drifts and is slewed by less; beyond it was stepped. */
const steppedMs = 1000;
const maxConditions = 100;

/** The moment something was received, on both clocks. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class MachineFeed {
  readonly machine: string;
  readonly #ports: Pick<DriverPorts, 'clock' | 'sink' | 'log'>;
  #watchedSince: Moment | null = null;
  #ended = false;
  #gap: { readonly fromMs: number; readonly reason: string; nowReason: string } | null = null;
  /** When each reason was last told, on the monotonic clock; there are a dozen reasons. */
  readonly #told = new Map<string, number>();
  readonly #conditions = new Map<string, string | null>();
  #linkUp: boolean | null = null;
  #lastGood: Moment | null = null;
  #requests = 0;
  #failures = 0;
  #discarded = 0;
  #reconnects = 0;

  constructor(machine: string, ports: Pick<DriverPorts, 'clock' | 'sink' | 'log'>) {
    this.machine = machine;
    this.#ports = ports;
  }

  /** Watching begins: a gap that opens before any good reading counts from here. */
  begin(): void {
    this.#watchedSince ??= this.now();
  }

  /** Nothing is delivered from here on. */
  end(): void {
    this.#ended = true;
  }

  now(): Moment {
    return { wallMs: this.#ports.clock.wallMs(), monotonicMs: this.#ports.clock.monotonicMs() };
  }

  get hasGap(): boolean {
    return this.#gap !== null;
  }

  /** When the open gap began, UTC ms; null when none is open or nothing was ever read before it. */
  get gapSinceMs(): number | null {
    return this.#gap === null || this.#lastGood === null ? null : this.#gap.fromMs;
  }

  /**
   * One reading from a decoded value; `sourceTimeMs` is the receipt where the protocol has no time of its own. Written out
   * without spreads, which cost more than all decoding when a gateway makes 50,000 readings a second.
   */
  reading(signal: string, decoded: Decoded, at: Moment, sourceTimeMs: number = at.wallMs): Reading {
    const { machine } = this;
    const { wallMs: receivedTimeMs, monotonicMs } = at;
    switch (decoded.quality) {
      case 'good': {
        const { value } = decoded;
        return { machine, signal, sourceTimeMs, receivedTimeMs, monotonicMs, quality: 'good', value };
      }
      case 'uncertain': {
        const { value, reason } = decoded;
        return { machine, signal, sourceTimeMs, receivedTimeMs, monotonicMs, quality: 'uncertain', value, reason };
      }
      case 'bad': {
        const { reason } = decoded;
        return { machine, signal, sourceTimeMs, receivedTimeMs, monotonicMs, quality: 'bad', value: null, reason };
      }
    }
  }

  /** Delivers what one poll, notification or line brought; closes an open gap first if anything of it is a value. */
  deliver(readings: readonly Reading[], at: Moment): void {
    if (this.#ended || readings.length === 0) return;
    this.#contact(readings, at);
    this.#ports.sink({ kind: 'readings', machine: this.machine, readings });
  }

  /**
   * Delivers what the source remembers of the open gap, in order of time; closes the gap first, as `deliver` does.
   * @param past the span of which this is all, UTC ms
   */
  deliverPast(readings: readonly Reading[], past: { fromMs: number; toMs: number }, at: Moment): void {
    if (this.#ended || readings.length === 0) return;
    this.#contact(readings, at);
    this.#ports.sink({ kind: 'readings', machine: this.machine, readings, past });
  }

  #contact(readings: readonly Reading[], at: Moment): void {
    if (!readings.some((reading) => reading.quality !== 'bad')) return;
    if (this.#gap !== null) {
      const { fromMs, reason } = this.#gap;
      this.#gap = null;
      // A wall clock set back inside the gap must not make a span of negative length.
      const toMs = Math.max(fromMs, at.wallMs);
      this.#ports.sink({ kind: 'gap', machine: this.machine, phase: 'closed', fromMs, toMs, reason });
    }
    this.#lastGood = at;
  }

  /** Something begins or ends to hold that no value says; repeats of the same are swallowed. At most 100 hold at once. */
  condition(name: string, active: boolean, text: string | null, atMs: number = this.now().wallMs): void {
    const known = this.#conditions.get(name);
    if (this.#ended || (active ? known === text && this.#conditions.has(name) : known === undefined)) return;
    if (active && known === undefined && this.#conditions.size >= maxConditions) return this.discard('overflow', 1);
    if (active) this.#conditions.set(name, text);
    else this.#conditions.delete(name);
    this.#ports.sink({ kind: 'condition', machine: this.machine, name, active, text, atMs });
  }

  /** Names of the conditions that hold. */
  get conditions(): readonly string[] {
    return [...this.#conditions.keys()];
  }

  /** The machine cannot be read at present. Opens a gap unless one is open. `detail` is for the log alone. */
  interrupt(reason: string, detail?: string): void {
    if (this.#ended) return;
    if (this.#gap !== null) {
      this.#trouble(this.#gap, reason, detail);
      return;
    }
    const fromMs = this.#onClockOfNow(this.#lastGood ?? this.#watchedSince ?? this.now());
    this.#gap = { fromMs, reason, nowReason: reason };
    this.#ports.sink({ kind: 'gap', machine: this.machine, phase: 'opened', fromMs, toMs: null, reason });
    this.#tell(reason, detail);
  }

  /**
   * A span the machine tells of afterwards: nothing was told in it. Both times are the machine's; an open gap takes the span in.
   * @param fromMs UTC ms; null from the last good contact on
   */
  missed(fromMs: number | null, toMs: number, reason: string): void {
    if (this.#ended) return;
    if (this.#gap !== null) {
      this.#trouble(this.#gap, reason);
      return;
    }
    const { machine } = this;
    const seen = this.#lastGood ?? this.#watchedSince;
    const begin = fromMs ?? (seen === null ? toMs : this.#onClockOfNow(seen));
    this.#ports.sink({ kind: 'gap', machine, phase: 'opened', fromMs: begin, toMs: null, reason });
    this.#ports.sink({ kind: 'gap', machine, phase: 'closed', fromMs: begin, toMs: Math.max(begin, toMs), reason });
    this.#tell(reason);
  }

  /** UTC ms of a past moment, by its age where the wall clock was stepped since. */
  #onClockOfNow(then: Moment): number {
    const now = this.now();
    const byAgeMs = now.wallMs - (now.monotonicMs - then.monotonicMs);
    return Math.abs(byAgeMs - then.wallMs) > steppedMs ? byAgeMs : then.wallMs;
  }

  /** Waiting says less than what was waited for. */
  #trouble(gap: { nowReason: string }, reason: string, detail?: string): void {
    if (reason === gap.nowReason || reason === 'not-yet-connected') return;
    gap.nowReason = reason;
    this.#ports.sink({ kind: 'trouble', machine: this.machine, atMs: this.#ports.clock.wallMs(), reason });
    this.#tell(reason, detail);
  }

  /** The source's times are not used as they came; told in the log as rarely as a machine that cannot be read. */
  doubtTime(reason: string): void {
    if (this.#ended || !this.#isDue(reason)) return;
    const { code, cure } = driverErrors.sourceTimesDoubted;
    this.#ports.log('warn', 'times of the machine are corrected or replaced', {
      code,
      machine: this.machine,
      reason,
      cure,
    });
  }

  #isDue(reason: string): boolean {
    const { monotonicMs } = this.now();
    const toldMs = this.#told.get(reason);
    if (toldMs !== undefined && monotonicMs - toldMs < tellAgainMs) return false;
    this.#told.set(reason, monotonicMs);
    return true;
  }

  #tell(reason: string, detail?: string): void {
    if (!this.#isDue(reason)) return;
    const { code, cure } = driverErrors.machineUnreadable;
    const more = detail === undefined ? {} : { detail };
    this.#ports.log('warn', 'machine cannot be read', { code, machine: this.machine, reason, ...more, cure });
  }

  /** The transport came up or went down; repeats are swallowed. */
  link(up: boolean, reason: string): void {
    if (this.#ended || this.#linkUp === up) return;
    if (up && this.#linkUp !== null) this.#reconnects += 1;
    this.#linkUp = up;
    this.#ports.sink({ kind: 'link', machine: this.machine, up, atMs: this.#ports.clock.wallMs(), reason });
  }

  discard(reason: DiscardedEvent['reason'], count: number): void {
    if (this.#ended || count <= 0) return;
    this.#discarded += count;
    this.#ports.sink({ kind: 'discarded', machine: this.machine, atMs: this.#ports.clock.wallMs(), reason, count });
  }

  requested(count = 1): void {
    this.#requests += count;
  }

  failed(count = 1): void {
    this.#failures += count;
  }

  /** Health of a source that pushes: there are no polls, so no poll lateness. */
  health(): DriverMachineHealth {
    return {
      machine: this.machine,
      connected: !this.#ended && this.#linkUp === true,
      requests: this.#requests,
      failures: this.#failures,
      discarded: this.#discarded,
      reconnects: this.#reconnects,
      pollLatenessP50Ms: null,
      pollLatenessP99Ms: null,
      lastGoodMs: this.#lastGood?.wallMs ?? null,
    };
  }
}
