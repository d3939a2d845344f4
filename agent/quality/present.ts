/**
 * The last known value of every signal of one machine, by signal number. A value is known from a good or uncertain reading
 * until a bad reading or a gap takes it away; what is not known is null, never an old number.
 */
import type { Quality, Value } from '../../drivers/contract.ts';
import type { Instant } from '../rules/conditions.ts';

export interface Known {
  readonly value: Value | null;
  readonly quality: Quality | 'none';
  readonly reason: string | null;
  readonly sourceTimeMs: number | null;
}

export class Present {
  readonly #value: (Value | null)[];
  readonly #quality: (Quality | 'none')[];
  readonly #reason: (string | null)[];
  readonly #sourceTimeMs: number[];
  readonly #changedWallMs: number[];
  readonly #changedMonotonicMs: number[];
  /** A change was seen since the value became known. */
  readonly #changeSeen: boolean[];

  constructor(signals: number) {
    this.#value = Array.from({ length: signals }, () => null);
    this.#quality = Array.from({ length: signals }, () => 'none' as const);
    this.#reason = Array.from({ length: signals }, () => null);
    this.#sourceTimeMs = Array.from({ length: signals }, () => -Infinity);
    this.#changedWallMs = Array.from({ length: signals }, () => 0);
    this.#changedMonotonicMs = Array.from({ length: signals }, () => 0);
    this.#changeSeen = Array.from({ length: signals }, () => false);
  }

  /** So many more signals, behind those there are. */
  grow(more: number): void {
    for (let i = 0; i < more; i++) {
      this.#value.push(null);
      this.#quality.push('none');
      this.#reason.push(null);
      this.#sourceTimeMs.push(-Infinity);
      this.#changedWallMs.push(0);
      this.#changedMonotonicMs.push(0);
      this.#changeSeen.push(false);
    }
  }

  /** Takes a reading; false when it is not newer than the one known, and then nothing changes. */
  put(
    index: number,
    value: Value | null,
    quality: Quality,
    reason: string | null,
    sourceTimeMs: number,
    wallMs: number,
    monotonicMs: number,
  ): boolean {
    if (sourceTimeMs <= (this.#sourceTimeMs[index] ?? -Infinity)) return false;
    const before = this.#value[index] ?? null;
    if (value !== before) {
      this.#changeSeen[index] = before !== null && value !== null;
      this.#changedWallMs[index] = wallMs;
      this.#changedMonotonicMs[index] = monotonicMs;
    }
    this.#value[index] = value;
    this.#quality[index] = quality;
    this.#reason[index] = reason;
    this.#sourceTimeMs[index] = sourceTimeMs;
    return true;
  }

  value(index: number): Value | null {
    return this.#value[index] ?? null;
  }

  changed(index: number): { at: Instant; seen: boolean } | null {
    if (this.value(index) === null) return null;
    return {
      at: { wallMs: this.#changedWallMs[index] ?? 0, monotonicMs: this.#changedMonotonicMs[index] ?? 0 },
      seen: this.#changeSeen[index] ?? false,
    };
  }

  known(index: number): Known {
    const sourceTimeMs = this.#sourceTimeMs[index] ?? -Infinity;
    return {
      value: this.value(index),
      quality: this.#quality[index] ?? 'none',
      reason: this.#reason[index] ?? null,
      sourceTimeMs: Number.isFinite(sourceTimeMs) ? sourceTimeMs : null,
    };
  }

  /** The machine is not read: no value is known, for this reason. */
  forget(reason: string): void {
    for (let i = 0; i < this.#value.length; i++) {
      this.#value[i] = null;
      this.#changeSeen[i] = false;
      if (this.#quality[i] !== 'none') {
        this.#quality[i] = 'bad';
        this.#reason[i] = reason;
      }
    }
  }

  /** The wall clock was stepped: the times of what is known move along, so that a reading from before it stays the older one. */
  shift(shiftMs: number): void {
    for (let i = 0; i < this.#sourceTimeMs.length; i++) {
      this.#sourceTimeMs[i] = (this.#sourceTimeMs[i] ?? -Infinity) + shiftMs;
      this.#changedWallMs[i] = (this.#changedWallMs[i] ?? 0) + shiftMs;
    }
  }
}
