/**
 * What of the readings goes to disk: changes beyond the deadband, a heartbeat point, every change of quality, the first
 * reading after a gap, every change of a counter, flag, code or text. Readings collect for some seconds and leave as one block.
 *
 * Invariants (test/unit/pipeline/ring.test.ts):
 *  F1  Between two stored points of a gauge no reading differed from the first by more than the deadband.
 *  F2  A known value has a stored point at least every heartbeat; a block ends with the last reading of its time, so a block
 *      tells until when the machine was read.
 *  F3  No more than `maxPoints` readings wait in memory; a full block leaves early.
 */
import type { Quality, Reading, Value } from '../../drivers/contract.ts';
import type { SignalModel } from '../machine.ts';
import type { RingBlock } from '../store/store.ts';
import { RingBlockWriter } from './block-writer.ts';

const maxPoints = 20_000;

export class RingFilter {
  readonly #machine: string;
  readonly #signals: readonly SignalModel[];
  readonly #value: (Value | null)[];
  readonly #quality: (Quality | null)[];
  /** Monotonic time of the last stored point. */
  readonly #storedMs: number[];
  readonly #waiting: RingBlockWriter;
  #last: Reading | null = null;
  #openedMs = 0;
  #stored = 0;

  constructor(machine: string, signals: readonly SignalModel[]) {
    this.#machine = machine;
    this.#waiting = new RingBlockWriter(machine);
    this.#signals = signals;
    this.#value = signals.map(() => null);
    this.#quality = signals.map(() => null);
    this.#storedMs = signals.map(() => -Infinity);
  }

  /** So many more signals, behind those there are; they are in the array the filter was made with. */
  grow(more: number): void {
    for (let i = 0; i < more; i++) {
      this.#value.push(null);
      this.#quality.push(null);
      this.#storedMs.push(-Infinity);
    }
  }

  /** Points handed on so far, those waiting included. */
  get stored(): number {
    return this.#stored;
  }

  /** Returns a block when this reading filled one. */
  offer(signal: SignalModel, reading: Reading): RingBlock | null {
    if (this.#waiting.points === 0 && this.#last === null) this.#openedMs = reading.monotonicMs;
    const { index } = signal;
    if (!this.#worthStoring(signal, reading)) {
      this.#last = reading;
      return null;
    }
    this.#last = null;
    this.#value[index] = reading.value;
    this.#quality[index] = reading.quality;
    this.#storedMs[index] = reading.monotonicMs;
    this.#waiting.add(reading);
    this.#stored++;
    return this.#waiting.points >= maxPoints ? this.take() : null;
  }

  /** The machine is not read from `at` on: every signal gets a bad point, so that its trend breaks there. */
  gap(at: Pick<Reading, 'sourceTimeMs' | 'receivedTimeMs' | 'monotonicMs'>, reason: string): void {
    for (const { index, name } of this.#signals) {
      if (this.#quality[index] === null || this.#quality[index] === 'bad') continue;
      if (this.#waiting.points === 0) this.#openedMs = at.monotonicMs;
      this.#waiting.add({
        ...at,
        machine: this.#machine,
        signal: name,
        quality: 'bad',
        value: null,
        reason: `gap-${reason}`,
      });
      this.#value[index] = null;
      this.#quality[index] = 'bad';
      this.#stored++;
    }
    this.#last = null;
  }

  /** True when the open block is at least this old. */
  due(monotonicMs: number, blockS: number): boolean {
    return (this.#waiting.points > 0 || this.#last !== null) && monotonicMs - this.#openedMs >= blockS * 1000;
  }

  /** The open block, closed; null when nothing was read. */
  take(): RingBlock | null {
    if (this.#last !== null) {
      this.#waiting.add(this.#last);
      this.#stored++;
    }
    this.#last = null;
    return this.#waiting.take();
  }

  #worthStoring(signal: SignalModel, reading: Reading): boolean {
    const { index, spec } = signal;
    if (this.#quality[index] !== reading.quality) return true;
    const before = this.#value[index];
    if (spec.kind !== 'gauge') {
      if (before !== reading.value) return true;
    } else if (typeof before === 'number' && typeof reading.value === 'number') {
      if (Math.abs(reading.value - before) > spec.deadband) return true;
    } else if (before !== reading.value) return true;
    const heartbeatS = spec.kind === 'gauge' || spec.kind === 'counter' ? spec.heartbeatS : 60;
    return reading.monotonicMs - (this.#storedMs[index] ?? -Infinity) >= heartbeatS * 1000;
  }
}
