/**
 * Which cloth was looked at. Frame by frame where the camera looked; out of it stretches of the roll, each with the share of its width that
 * nobody looked at. Pure but for what it remembers: the rows of the roll that a camera may still come back to.
 *
 * A camera before a tube sees a small part of it at a time, and only what its pictures reach is looked at: at 12 pictures a second of 57 mm,
 * 35 1/min and 2.03 m round the tube a little more than half.
 *
 * Invariants (test/unit/models/vision-seen-cloth.test.ts):
 *  L1  Stretches follow each other without a hole and without overlap, from the first frame's cloth on.
 *  L2  The share that is told is the one that was not looked at, to a sector and a row.
 *  L3  Cloth between two frames that no frame shows is a stretch with share 1, with the reason why the frames in between showed nothing.
 *  L4  Memory is bounded, whatever places the frames have; a place that jumps is told as such and begins anew.
 */
import type { RollGap } from './roll-map.ts';

/** Where one frame looked. */
export interface SeenView {
  /** Of the roll, mm. */
  readonly alongFromMm: number;
  readonly alongToMm: number;
  /** Left edge and width as shares of the web's width; round a tube from anywhere, any whole number added. */
  readonly acrossFrom: number;
  readonly acrossShare: number;
}

export type UnseenReason = RollGap['reason'];

export interface SeenStretch {
  readonly fromMm: number;
  readonly toMm: number;
  /** Share of the width that was not looked at; 0: all of it was. */
  readonly unseen: number;
  /** Why, where something was not. */
  readonly reason: UnseenReason | null;
}

export interface SeenReport {
  /** The newest cloth, mm; it may be part of no stretch yet. */
  readonly newestMm: number;
  /** true: places have nothing to do with those of the report before; so it is in the first. */
  readonly isAnew: boolean;
  readonly stretches: readonly SeenStretch[];
}

const rowMm = 10;
const sectors = 256;
/** Views of more than this are no views of cloth. */
const mostRows = 2_048;
/** Cloth does not pass by so much between two frames that show it, nor goes back so far: another zero, or a counter that fell. */
const mostJumpMm = 100_000;
const mostBackMm = 1_000;
/** With more than this not looked at nothing was. */
const nothing = 0.95;
const mostStretches = 64;
const mostReasons = 64;

interface Excuse {
  readonly fromMm: number;
  readonly toMm: number;
  readonly reason: UnseenReason;
}

export class SeenCloth {
  /** Sectors looked at, by number of the row. */
  readonly #rows = new Map<number, Uint8Array>();
  /** The first row that is not final. */
  #next: number | null = null;
  #newestMm = 0;
  #fromMm = 0;
  #isAnew = true;
  #missed: UnseenReason | null = null;
  #excuses: Excuse[] = [];
  #done: SeenStretch[] = [];

  /** A frame in which cloth was judged. Frames come in their order. */
  looked({ alongFromMm, alongToMm, acrossFrom, acrossShare }: SeenView): void {
    if (![alongFromMm, alongToMm, acrossFrom, acrossShare].every(Number.isFinite) || alongToMm < alongFromMm) return;
    const jump = this.#next === null ? 0 : alongToMm - this.#newestMm;
    if (this.#next !== null && (jump > mostJumpMm || jump < -mostBackMm)) this.#beginAnew();
    const isFirst = this.#next === null;
    this.#next ??= rowFrom(alongFromMm);
    if (this.#missed !== null && !isFirst) {
      this.#excuses = [
        ...this.#excuses,
        { fromMm: Math.min(this.#fromMm, alongFromMm), toMm: alongToMm, reason: this.#missed },
      ].slice(-mostReasons);
    }
    this.#missed = null;
    this.#newestMm = isFirst ? alongToMm : Math.max(this.#newestMm, alongToMm);
    this.#fromMm = alongFromMm;
    this.#mark(alongFromMm, alongToMm, acrossFrom, acrossShare);
    this.#finish(rowFrom(alongFromMm));
  }

  /** A frame that showed nothing, and why. */
  missed(reason: UnseenReason): void {
    this.#missed = reason;
  }

  /** What has become final since the last time; null before the first frame. */
  take(): SeenReport | null {
    if (this.#next === null) return null;
    const report = { newestMm: this.#newestMm, isAnew: this.#isAnew, stretches: this.#done };
    this.#done = [];
    this.#isAnew = false;
    return report;
  }

  #beginAnew(): void {
    this.#rows.clear();
    this.#next = null;
    this.#excuses = [];
    // What was final before belongs to other places than what follows.
    this.#done = [];
    this.#isAnew = true;
  }

  #mark(fromMm: number, toMm: number, acrossFrom: number, acrossShare: number): void {
    const last = Math.min(rowFrom(toMm), rowFrom(fromMm) + mostRows);
    const share = Math.min(Math.max(acrossShare, 0), 1);
    // A sector is looked at when its middle is: as many are told too much as too little.
    const first = Math.ceil(acrossFrom * sectors - 0.5);
    const count = share === 1 ? sectors : Math.ceil((acrossFrom + share) * sectors - 0.5) - first;
    for (let row = Math.max(rowFrom(fromMm), this.#next ?? 0); row < last; row += 1) {
      const seen = this.#rows.get(row) ?? new Uint8Array(sectors);
      this.#rows.set(row, seen);
      for (let i = 0; i < count; i += 1) seen[(((first + i) % sectors) + sectors) % sectors] = 1;
    }
  }

  /** Rows before `until` are not shown any more. */
  #finish(until: number): void {
    const begin = this.#next ?? until;
    if (until <= begin) return;
    let at = begin;
    for (const row of [...this.#rows.keys()].filter((number) => number < until).sort((a, b) => a - b)) {
      const seen = this.#rows.get(row);
      this.#rows.delete(row);
      if (seen === undefined || row < at) continue;
      if (row > at) this.#stretch(at, row, 1);
      this.#stretch(row, row + 1, 1 - seen.reduce((sum, one) => sum + one, 0) / sectors);
      at = row + 1;
    }
    if (at < until) this.#stretch(at, until, 1);
    this.#next = until;
    this.#excuses = this.#excuses.filter(({ toMm }) => toMm >= until * rowMm);
  }

  #stretch(fromRow: number, toRow: number, unseen: number): void {
    const [fromMm, toMm] = [fromRow * rowMm, toRow * rowMm];
    const excuse = this.#excuses.findLast((one) => one.fromMm < toMm && one.toMm > fromMm);
    const reason = unseen === 0 ? null : (excuse?.reason ?? 'overload');
    const last = this.#done.at(-1);
    if (last !== undefined && (isAlike(last, { unseen, reason }) || this.#done.length >= mostStretches)) {
      this.#done[this.#done.length - 1] = together(last, { fromMm, toMm, unseen, reason });
    } else {
      this.#done.push({ fromMm, toMm, unseen, reason });
    }
  }
}

/** The first row whose middle lies at or beyond this place. */
const rowFrom = (mm: number): number => Math.ceil(mm / rowMm - 0.5);

/** Stretches that may be told as one: both looked at, if in part, or both not at all and for the same reason. */
export function isAlike(a: Pick<SeenStretch, 'unseen' | 'reason'>, b: Pick<SeenStretch, 'unseen' | 'reason'>): boolean {
  const [aNot, bNot] = [a.unseen > nothing, b.unseen > nothing];
  return aNot === bNot && (!aNot || a.reason === b.reason);
}

/** One stretch of two that follow each other. */
export function together(a: SeenStretch, b: SeenStretch): SeenStretch {
  const [aMm, bMm] = [a.toMm - a.fromMm, b.toMm - b.fromMm];
  const mm = aMm + bMm;
  const unseen = mm === 0 ? Math.max(a.unseen, b.unseen) : (a.unseen * aMm + b.unseen * bMm) / mm;
  const worse = b.unseen * bMm > a.unseen * aMm ? b : a;
  return { fromMm: a.fromMm, toMm: b.toMm, unseen, reason: worse.reason ?? a.reason ?? b.reason };
}
