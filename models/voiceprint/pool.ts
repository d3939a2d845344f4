/**
 * Pieces of half a second pooled into one sample. A sewing machine runs for seconds at a time, so what is judged is made of several short
 * runs at one speed: evidence of bursts adds up before it is held against the machine, because the chance of the features shrinks with every
 * piece while a fault in them stays. Pure.
 *
 * Invariants (test/unit/models/voiceprint-pool.test.ts):
 *  P1  Pooling equal pieces gives that piece; the order of pieces is of no matter.
 *  P2  A sample holds pieces of one speed band only, and none older than `oldestMs` before its newest.
 *  P3  What is dropped because it waited too long for company is counted.
 */
import { mean } from '../statistics/metrics.ts';
import { parts } from './ear.ts';
import { bands } from './front-end.ts';
import { speedBandOf } from './gate.ts';

/** Pieces of a sample: four seconds of running, as docs/models/voiceprint.md was measured on clips of two to ten. */
export const piecesASample = 8;
/** A piece that waited so long was made in another state of the machine: warm where it is cold now. */
const oldestMs = 600_000;

/**
 * Mean of features as the graph gives them, `parts` × `bands` numbers: of levels (part 0, dB) the mean, of changes (20 log₁₀ of a mean
 * change) that of the mean of the changes.
 */
export function pooled(pieces: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(parts * bands);
  for (const piece of pieces) {
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + fromDb(piece[i] ?? 0, i);
  }
  return Float32Array.from(sum, (value, i) => {
    const middle = value / pieces.length;
    return i < bands ? middle : 20 * Math.log10(middle);
  });
}

const fromDb = (value: number, i: number) => (i < bands ? value : 10 ** (value / 20));

export interface Piece {
  /** Of its end. */
  readonly atMs: number;
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  readonly features: Float32Array;
}

export interface Pool {
  /** By speed band, oldest first; fewer than `piecesASample` each. */
  readonly waiting: ReadonlyMap<number, readonly Piece[]>;
  readonly dropped: number;
}

export const emptyPool: Pool = { waiting: new Map(), dropped: 0 };

/** A sample that is whole, of one speed. */
export interface Sample {
  readonly fromMs: number;
  readonly toMs: number;
  /** Mean of its pieces. */
  readonly speed: number;
  readonly features: Float32Array;
}

export function addPiece(pool: Pool, piece: Piece): { readonly pool: Pool; readonly sample: Sample | null } {
  const band = speedBandOf(piece.speed);
  const before = pool.waiting.get(band) ?? [];
  const fresh = before.filter(({ atMs }) => piece.atMs - atMs <= oldestMs);
  const dropped = pool.dropped + before.length - fresh.length;
  const all = [...fresh, piece];
  const waiting = new Map(pool.waiting);
  if (all.length < piecesASample) {
    waiting.set(band, all);
    return { pool: { waiting, dropped }, sample: null };
  }
  waiting.delete(band);
  const [first = piece] = all;
  const sample = {
    fromMs: first.atMs,
    toMs: piece.atMs,
    speed: mean(all.map(({ speed }) => speed)),
    features: pooled(all.map(({ features }) => features)),
  };
  return { pool: { waiting, dropped }, sample };
}
