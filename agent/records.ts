/** Gives records their number. One maker per boot: numbers rise by one and are never used twice (contract C1). */
import type { WireRecord } from '../cloud-bridge/contract.ts';

type Draft<T> = T extends WireRecord ? Omit<T, 'n' | 'v'> : never;
/** A record that has no number yet. */
export type RecordDraft = Draft<WireRecord>;
export type DraftOf<K extends WireRecord['kind']> = Extract<RecordDraft, { kind: K }>;

export class RecordMaker {
  #last = 0;

  make(draft: RecordDraft): WireRecord {
    this.#last++;
    return { n: this.#last, v: 1, ...draft };
  }

  get made(): number {
    return this.#last;
  }
}
