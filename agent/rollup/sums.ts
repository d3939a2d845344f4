/** What the readings of one signal within one minute add up to while they are gone through in order of time, and how that is kept. */
/** Quality by rank: of two readings of one time the better one counts. */
export const rank = { bad: 0, uncertain: 1, good: 2 } as const;
export type Rank = (typeof rank)[keyof typeof rank];

export interface Point {
  readonly tMs: number;
  /** NaN for a bad reading. */
  readonly value: number;
  readonly rank: Rank;
}

/** A span in which the machine was not read; `toMs` is Infinity while it lasts. */
export interface GapSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Numbers of a row of `Sums`. */
const sumsWidth = 11;

export interface FoldSpan {
  /** The span to account for: a minute, or what of it has passed. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The last reading before `fromMs`. */
  readonly before: Point | null;
  readonly gaps: readonly GapSpan[];
  /** How long a value holds without another reading; Infinity where the source reports changes only. */
  readonly holdMs: number;
}

/** The sums of a minute while its readings are gone through in order of time. */
export class Running {
  samples = 0;
  good = 0;
  sum = 0;
  integralMs = 0;
  coveredMs = 0;
  /** NaN before the first good reading, as are the three below. */
  min = NaN;
  max = NaN;
  first = NaN;
  last = NaN;
  /** The reading whose value holds now. */
  #heldMs: number;
  #heldValue: number;

  /** @param before the last reading before the minute */
  constructor(before: Point | null) {
    this.#heldMs = before?.tMs ?? NaN;
    this.#heldValue = before?.rank === rank.good ? before.value : NaN;
  }

  /** Writes itself into `sumsWidth` numbers from `at` on. */
  save(into: Float64Array, at: number): void {
    const { samples, good, sum, integralMs, coveredMs, min, max, first, last } = this;
    const all = [samples, good, sum, integralMs, coveredMs, min, max, first, last, this.#heldMs, this.#heldValue];
    into.set(all, at);
  }

  /** What `save` wrote. */
  static saved(from: Float64Array, at: number): Running {
    const running = new Running(null);
    const number = (i: number) => from[at + i] ?? NaN;
    running.samples = number(0);
    running.good = number(1);
    running.sum = number(2);
    running.integralMs = number(3);
    running.coveredMs = number(4);
    running.min = number(5);
    running.max = number(6);
    running.first = number(7);
    running.last = number(8);
    running.#heldMs = number(9);
    running.#heldValue = number(10);
    return running;
  }

  take(tMs: number, value: number, quality: Rank, input: Omit<FoldSpan, 'before'>): void {
    this.hold(tMs, input);
    this.samples++;
    this.#heldMs = tMs;
    this.#heldValue = NaN;
    if (quality !== rank.good) return;
    this.#heldValue = value;
    if (this.good === 0) this.min = this.max = this.first = value;
    this.good++;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    this.last = value;
  }

  /** The value that holds, held until the next reading or for as long as it may. */
  hold(nextMs: number, { fromMs, toMs, holdMs, gaps }: Omit<FoldSpan, 'before'>): void {
    if (Number.isNaN(this.#heldValue)) return;
    const until = Math.min(nextMs, this.#heldMs + holdMs, gapAfter(gaps, this.#heldMs), toMs);
    const ms = until - Math.max(this.#heldMs, fromMs);
    if (!(ms > 0)) return;
    this.coveredMs += ms;
    this.integralMs += this.#heldValue * ms;
  }
}

/** The sums of the settled readings of one minute, a row for each signal: as objects they would take three times the room. */
export class Sums {
  readonly #rows: number;
  /** Null while nothing was settled; the first number of a row, how many readings were, is 0 where none was. */
  #numbers: Float64Array | null = null;

  constructor(rows: number) {
    this.#rows = rows;
  }

  has(row: number): boolean {
    return row < this.#rows;
  }

  read(row: number): Running | null {
    const at = row * sumsWidth;
    return this.#numbers === null || this.#numbers[at] === 0 ? null : Running.saved(this.#numbers, at);
  }

  write(row: number, running: Running): void {
    this.#numbers ??= new Float64Array(this.#rows * sumsWidth);
    running.save(this.#numbers, row * sumsWidth);
  }
}

/** Where a value of `tMs` stops to hold because the machine was not read: the first instant ≥ tMs inside a gap. */
function gapAfter(gaps: readonly GapSpan[], tMs: number): number {
  let first = Infinity;
  for (const gap of gaps) if (gap.toMs > tMs) first = Math.min(first, Math.max(gap.fromMs, tMs));
  return first;
}
