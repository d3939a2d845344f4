/**
 * What the bridge keeps of the commands it sends. `sqlite-book.ts` keeps it for one bridge, `postgres-book.ts` for
 * workers that share a database.
 *
 * Promises (test/unit/bridge/commands.test.ts):
 *  C1  A counter is given out once and rises, also after a crash, a restored backup and a lost book: it never lies below the
 *      milliseconds of the clock.
 *  C2  A command is durable, with its counter, who asked for it and its signed bytes, before `add` resolves.
 *  C3  It is answered at most once.
 *  C4  While `inTurn` runs, nobody else who shares the book is in `inTurn` for this gateway. A gateway refuses a counter below one
 *      it has seen, so commands must reach the broker in the order of their counters.
 */
import type { Awaitable } from '../store/bridge-store.ts';

export interface NewOrder {
  readonly gateway: string;
  readonly id: string;
  readonly kind: string;
  /** JSON text of an object. */
  readonly body: string;
  /** Name of the API key it was asked with. */
  readonly by: string;
  readonly atMs: number;
  readonly notAfterMs: number;
}

export interface Order extends NewOrder {
  readonly counter: number;
  /** null: there is no answer. */
  readonly ok: boolean | null;
  readonly code: string | null;
  /** JSON text of an object; null while there is no answer, and of old ones. */
  readonly result: string | null;
  readonly answeredMs: number | null;
}

export interface OrderAnswer {
  readonly gateway: string;
  readonly id: string;
  readonly counter: number;
  /** SHA-256 of the signed bytes. */
  readonly command: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly result: string;
  readonly atMs: number;
}

export interface OrderPage {
  readonly gateway?: string | undefined;
  readonly id?: string | undefined;
  /** Only those before this one, by counter. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface CommandBook {
  /** `seal` makes the signed bytes with the counter that is given out. Rejects with nothing stored. */
  add(
    order: NewOrder,
    seal: (counter: number) => Buffer,
  ): Awaitable<{ readonly order: Order; readonly payload: Buffer }>;
  /** Signed bytes of what this gateway has not answered and still may at `nowMs`, oldest first. */
  open(gateway: string, nowMs: number): Awaitable<readonly Buffer[]>;
  /** False: it is no answer to a command that waits for one. */
  answer(answer: OrderAnswer): Awaitable<boolean>;
  /** Newest first. */
  page(page: OrderPage): Awaitable<readonly Order[]>;
  /**
   * Runs `work` once it is this gateway's turn. It must end within 10 s: the turn of one that hangs is given away. Rejects as
   * `work` does, or where the turn did not come in time.
   */
  inTurn<T>(gateway: string, work: () => Promise<T>): Promise<T>;
  close(): Awaitable<void>;
}

/** One after the other, whatever becomes of the one before. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
