/**
 * One machine of the knit floor: from its bytes to readings, whatever they came over. No socket and no timer of its own.
 *
 * Invariants (besides D1 … D7):
 *  - Readings of one signal have rising source times, also where several came in one packet: a lamp that went on and off within a
 *    millisecond ends off.
 *  - Counts begin at 0 and never fall. Where rounds may have been missed (a gap, a damaged message), the next count says so.
 *  - A round with a speed the machine cannot have gives a bad speed, and its count is uncertain.
 */
import type { Reading } from '../contract.ts';
import { decodeNumber, good, type Decoded } from '../decoded.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import type { FloorMessageName } from '../profiles/pushed.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { FloorParser, type FloorMessage, type Parsed, type RawSpeeds } from './messages.ts';

/** More messages than this in a second are no machine; their readings would run ahead of the clock. */
const maxAheadMs = 1000;

export class FloorMachine {
  readonly feed: MachineFeed;
  readonly #signals = new Map<FloorMessageName, { readonly signal: string; readonly spec: SignalSpec }[]>();
  readonly #speeds: RawSpeeds;
  #parser: FloorParser;
  readonly #lastSourceMs = new Map<string, number>();
  #rounds = 0;
  #presses = 0;
  /** Something may have been missed since the last count that was told. */
  #missedRounds = false;
  #missedPresses = false;
  #lifeMonotonicMs = 0;
  #heardNoise = false;

  constructor(profile: Profile, feed: MachineFeed) {
    this.feed = feed;
    for (const [signal, spec] of Object.entries(profile.signals)) {
      if (!('message' in spec.from)) continue;
      const same = this.#signals.get(spec.from.message) ?? [];
      same.push({ signal, spec });
      this.#signals.set(spec.from.message, same);
    }
    this.#speeds = rawSpeeds(this.#signals.get('speed')?.[0]?.spec);
    this.#parser = new FloorParser(this.#speeds);
  }

  /** Monotonic time of the last sign of life. */
  get lifeMonotonicMs(): number {
    return this.#lifeMonotonicMs;
  }
  /** Something came since, but nothing that is a message. */
  get heardNoise(): boolean {
    return this.#heardNoise;
  }
  /** A pause tells something: where messages begin, or that one is not ended. */
  get waitsForPause(): boolean {
    return this.#parser.isInside || this.#parser.isUncertain;
  }

  /** The silence is measured from here. */
  beginLife(monotonicMs: number): void {
    this.#lifeMonotonicMs = monotonicMs;
    this.#heardNoise = false;
  }

  /** Another connection: what the old one left begun is nothing. */
  connected(): void {
    this.#tell(this.#parser.abandon());
    this.#missed();
  }

  /** The machine said its number, or whatever else shows that it is there. */
  signOfLife(): void {
    this.#deliver([{ kind: 'alive' }]);
  }

  /** False when the machine says more than any machine does: the connection should be closed. */
  receive(bytes: Uint8Array): boolean {
    this.#heardNoise = true;
    return this.#tell(this.#parser.push(bytes));
  }

  /** Nothing has come for a while, but what had begun may still be ended. */
  pause(): void {
    this.#tell(this.#parser.pause());
  }
  /** Nothing has come for so long that what had begun is lost. */
  abandon(): void {
    this.#tell(this.#parser.abandon());
  }

  /** The machine cannot be read; rounds may go by. */
  interrupt(reason: string): void {
    this.#missed();
    this.feed.interrupt(reason);
  }

  #missed(): void {
    this.#missedRounds = true;
    this.#missedPresses = true;
  }

  #tell({ messages, damaged }: Parsed): boolean {
    if (damaged > 0) {
      this.#missed();
      this.feed.failed(damaged);
      this.feed.discard('garbage', damaged);
    }
    return this.#deliver(messages);
  }

  #deliver(messages: readonly FloorMessage[]): boolean {
    if (messages.length === 0) return true;
    const at = this.feed.now();
    const readings: Reading[] = [];
    let inTime = true;
    for (const message of messages) {
      for (const [name, decoded] of this.#told(message)) inTime = this.#read(readings, name, decoded, at) && inTime;
      // Whatever a machine says, it is there.
      if (message.kind !== 'alive' && readings.length === 0)
        inTime = this.#read(readings, 'alive', good(true), at) && inTime;
    }
    if (!inTime) this.feed.discard('overflow', 1);
    this.#lifeMonotonicMs = at.monotonicMs;
    this.#heardNoise = false;
    this.feed.deliver(readings, at);
    return inTime;
  }

  #told(message: FloorMessage): [FloorMessageName, Decoded | number][] {
    switch (message.kind) {
      case 'lamp':
        return [[message.lamp, good(message.on)]];
      case 'round': {
        this.#rounds += 1;
        const isPossible = message.raw >= this.#speeds.lowest && message.raw <= this.#speeds.highest;
        // Four digits behind a 7 that is none: the round may be none, too.
        if (!isPossible) this.#missed();
        const missed = this.#missedRounds;
        this.#missedRounds = !isPossible;
        return [
          ['speed', message.raw],
          ['rounds', counted(this.#rounds, missed)],
        ];
      }
      case 'button': {
        this.#presses += 1;
        const missed = this.#missedPresses;
        this.#missedPresses = false;
        return [['presses', counted(this.#presses, missed)]];
      }
      case 'alive':
        return [['alive', good(true)]];
    }
  }

  #read(readings: Reading[], name: FloorMessageName, value: Decoded | number, at: Moment): boolean {
    let inTime = true;
    for (const { signal, spec } of this.#signals.get(name) ?? []) {
      const last = this.#lastSourceMs.get(signal) ?? -Infinity;
      // After a step of the wall clock the times begin anew.
      const sourceMs = last - at.wallMs > 2 * maxAheadMs ? at.wallMs : Math.max(at.wallMs, last + 1);
      if (sourceMs - at.wallMs > maxAheadMs) {
        inTime = false;
        continue;
      }
      this.#lastSourceMs.set(signal, sourceMs);
      const decoded = typeof value === 'number' ? decodeNumber(spec, value) : value;
      readings.push(this.feed.reading(signal, decoded, at, sourceMs));
    }
    return inTime;
  }
}

function counted(count: number, missed: boolean): Decoded {
  return missed ? { quality: 'uncertain', value: count, reason: 'messages-missed' } : good(count);
}

/** The four digits of a speed that lies in the range of its signal. */
export function rawSpeeds(spec: SignalSpec | undefined): RawSpeeds {
  if (spec?.range === undefined) return { lowest: 0, highest: 9999 };
  const raw = spec.range.map((limit) => (limit - spec.offset) / spec.scale).sort((a, b) => a - b);
  return { lowest: Math.max(0, Math.ceil(raw[0] ?? 0)), highest: Math.min(9999, Math.floor(raw[1] ?? 9999)) };
}
