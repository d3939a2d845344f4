/**
 * The last minute of a machine's sound as a picture may show it: levels of 64 bands, twice a second. That much, and no more, is ever kept of sound:
 * nobody can make words of it.
 *
 * Invariant (test/unit/senses/ear-hearing.test.ts): it holds the newest 120 pieces and no sound.
 */
import { bands } from '../../../models/voiceprint/front-end.ts';
import type { Voiceprint } from '../../../models/voiceprint/ear.ts';

export const historyBands = 64;
/** A minute of pieces. */
export const historyColumns = 120;
const joined = bands / historyBands;

export interface HistoryColumn {
  readonly atMs: number;
  /** dB, from the lowest band. */
  readonly levels: Float32Array;
  /** The same less what was taught at that speed; null where nothing was. */
  readonly off: Float32Array | null;
}

export class SoundHistory {
  #columns: HistoryColumn[] = [];

  /** @param features of one piece */
  add(atMs: number, features: Float32Array, print: Voiceprint | null): void {
    const level = (of: (band: number) => number) =>
      Float32Array.from({ length: historyBands }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < joined; k += 1) sum += of(i * joined + k) / joined;
        return sum;
      });
    const levels = level((band) => features[band] ?? 0);
    const middle = print?.gaussians[0]?.middle ?? null;
    const heard = print?.bands ?? 0;
    const off =
      middle === null ? null : level((band) => (band < heard ? (features[band] ?? 0) - (middle[band] ?? 0) : 0));
    this.#columns = [...this.#columns, { atMs, levels, off }].slice(-historyColumns);
  }

  columns(): readonly HistoryColumn[] {
    return this.#columns;
  }
}
