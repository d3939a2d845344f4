/**
 * One occurrence of a machine, whichever way it is heard: by its levels or by its rounds. What is told first is told; the other way says nothing
 * besides, and the occurrence ends when neither is odd any more. Pure.
 *
 * Invariant (test/unit/senses/ear-telling.test.ts):
 *  W1  Of any order of beginnings and ends by both ways, beginnings and ends that are told alternate, and an end is that of the beginning told.
 */
import type { HearingTold } from './hearing.ts';

/** By which an occurrence was told. */
export const paths = ['levels', 'rounds'] as const;
export type Path = (typeof paths)[number];

export class Telling {
  readonly #odd = new Set<Path>();
  #sinceMs: number | null = null;

  /** What is to be told of what one way says. */
  pass<T extends HearingTold>(path: Path, told: readonly T[]): readonly T[] {
    return told.flatMap((one): T[] => {
      if (one.kind === 'judged') return [one];
      if (one.kind === 'began') {
        this.#odd.add(path);
        if (this.#sinceMs !== null) return [];
        this.#sinceMs = one.sinceMs;
        return [one];
      }
      this.#odd.delete(path);
      const since = this.#sinceMs;
      if (since === null || this.#odd.size > 0) return [];
      this.#sinceMs = null;
      return [{ ...one, sinceMs: since }];
    });
  }
}
