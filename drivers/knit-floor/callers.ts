/**
 * Connections whose machine is not known yet: they collect what was heard until the number in it is unmistakable.
 *
 * Invariants:
 *  - A caller is named once or refused once, and after `end` or `stop` neither.
 *  - No more is kept of a caller than the few bytes a number can be found in; no more callers wait than `maxWaiting`.
 */
import { speaker } from './number.ts';

const maxWaiting = 16;
/** After this pause the number is over. */
const numberPauseMs = 150;
const nameWithinMs = 5_000;
const tellAgainMs = 600_000;
const maxTold = 100;

export interface CallersOptions {
  readonly numbers: readonly number[];
  /** `rest`: what came behind the number. */
  readonly named: (number: number, rest: Uint8Array, caller: Caller) => void;
  readonly refused: (why: 'unknown' | 'ambiguous' | 'silent' | 'too-many', text: string, caller: Caller) => void;
}

export interface Caller {
  /** Address, for the log. */
  from: string;
  /** Null until it is known. */
  readonly number: number | null;
  readonly hangUp: () => void;
  /** What comes after the number goes here. */
  onBytes: (bytes: Uint8Array) => void;
  receive(bytes: Uint8Array): void;
  /** The connection is gone. */
  end(): void;
}

export class Callers {
  readonly #options: CallersOptions;
  readonly #waiting = new Set<Caller>();
  readonly #told = new Map<string, number>();
  #stopped = false;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
    for (const caller of this.#waiting) caller.end();
  }

  /** Whether this was not told within the last ten minutes; tells it. */
  isNews(what: string, monotonicMs: number): boolean {
    const before = this.#told.get(what);
    if (before !== undefined && monotonicMs - before < tellAgainMs) return false;
    if (this.#told.size >= maxTold) this.#told.clear();
    this.#told.set(what, monotonicMs);
    return true;
  }

  take(hangUp: () => void): Caller {
    const { numbers, named, refused } = this.#options;
    let text = '';
    let pieces = 0;
    let number: number | null = null;
    let over = false;
    let pauseTimer: NodeJS.Timeout | null = null;
    const settle = (): void => {
      over = true;
      if (pauseTimer !== null) clearTimeout(pauseTimer);
      clearTimeout(patience);
      this.#waiting.delete(caller);
    };
    const refuse = (why: 'unknown' | 'ambiguous' | 'silent' | 'too-many'): void => {
      if (over) return;
      settle();
      refused(why, text.slice(0, 16).replaceAll(/[^\x20-\x7e]/g, '?'), caller);
      hangUp();
    };
    const judge = (hasPaused: boolean): void => {
      const found = speaker({ text, isWhole: pieces === 1, hasPaused }, numbers);
      switch (found.kind) {
        case 'wait':
          return;
        case 'machine':
          settle();
          number = found.number;
          named(found.number, Buffer.from(text.slice(found.used), 'latin1'), caller);
          return;
        case 'unknown':
        case 'ambiguous':
          refuse(found.kind);
      }
    };
    const caller: Caller = {
      from: 'unknown',
      get number() {
        return number;
      },
      hangUp,
      onBytes: () => {},
      receive: (bytes) => {
        if (number !== null) {
          caller.onBytes(bytes);
          return;
        }
        if (over || bytes.length === 0) return;
        text += Buffer.from(bytes).toString('latin1');
        pieces += 1;
        if (pauseTimer !== null) clearTimeout(pauseTimer);
        pauseTimer = setTimeout(() => judge(true), numberPauseMs);
        judge(false);
      },
      end: () => {
        if (!over) settle();
      },
    };
    const patience = setTimeout(() => refuse(text === '' ? 'silent' : 'ambiguous'), nameWithinMs);
    this.#waiting.add(caller);
    if (this.#stopped) caller.end();
    else if (this.#waiting.size > maxWaiting) refuse('too-many');
    return caller;
  }
}
