/**
 * The lines of a machine that wait to be told. A machine hands over at once what it recorded in a week; the event loop must stay free.
 *
 * Invariants:
 *  - Lines are told in their order; none is begun later than 5 ms into a turn.
 *  - No more than `maxQueued` lines wait; what came last of more is dropped and counted.
 *  - Between a late line and the next that waits a millisecond passes: late events are ordered by their receipt, and no two may have
 *    the same.
 *  - What is asked to wait for the end of the queue comes behind every line that was there.
 *  - After `stop` nothing is told, and no timer is left.
 */

const maxQueued = 20_000;
/** From here on it asks for no more. */
const enoughQueued = 2_000;
/** Lines of one turn; the event loop is free again in between. */
const linesPerTurn = 200;
const turnMs = 5;

export interface LineQueueParts {
  readonly monotonicMs: () => number;
  /** True when the line was late. */
  readonly tell: (line: string) => boolean;
  /** True when behind the last line something is left that is told by `tellRest`. */
  readonly hasRest: () => boolean;
  readonly tellRest: () => void;
}

export class LineQueue {
  readonly #parts: LineQueueParts;
  #lines: string[] = [];
  #told = 0;
  #turn: NodeJS.Timeout | NodeJS.Immediate | null = null;
  readonly #atTheEnd: (() => void)[] = [];
  #isStopped = false;

  constructor(parts: LineQueueParts) {
    this.#parts = parts;
  }

  get hasEnough(): boolean {
    return this.#waiting >= enoughQueued;
  }

  get #waiting(): number {
    return this.#lines.length - this.#told;
  }

  /** Puts lines in; `work` tells them. Returns how many were dropped. */
  put(lines: readonly string[]): number {
    for (const line of lines) this.#lines.push(line);
    const dropped = Math.max(0, this.#waiting - maxQueued);
    this.#lines.length -= dropped;
    return dropped;
  }

  /** Tells what waits, now and in as many turns as it needs. */
  work(): void {
    if (this.#turn === null && !this.#isStopped) this.#takeTurn();
  }

  whenEmpty(then: () => void): void {
    if (this.#turn === null) then();
    else this.#atTheEnd.push(then);
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#isStopped = true;
    this.#lines = [];
    this.#told = 0;
    if (this.#turn === null) return;
    // One of the two it is; the other call does nothing.
    clearTimeout(this.#turn as NodeJS.Timeout);
    clearImmediate(this.#turn as NodeJS.Immediate);
    this.#turn = null;
  }

  #takeTurn(): void {
    const { monotonicMs, tell, hasRest, tellRest } = this.#parts;
    this.#turn = null;
    const untilMs = monotonicMs() + turnMs;
    for (let lines = 0; this.#waiting > 0; lines += 1) {
      if (lines >= linesPerTurn || monotonicMs() > untilMs) {
        this.#turn = setImmediate(() => this.#takeTurn());
        break;
      }
      const wasLate = tell(this.#lines[this.#told] ?? '');
      // Whoever was told may have stopped all.
      if (this.#isStopped) return;
      this.#told += 1;
      if (!wasLate || this.#waiting === 0) continue;
      this.#turn = setTimeout(() => this.#takeTurn(), 1);
      break;
    }
    if (this.#waiting === 0 || this.#told > enoughQueued) {
      this.#lines.splice(0, this.#told);
      this.#told = 0;
    }
    if (this.#turn === null && hasRest()) {
      this.#turn = setTimeout(() => {
        this.#turn = null;
        tellRest();
        this.work();
      }, 2);
    }
    if (this.#turn === null) for (const then of this.#atTheEnd.splice(0)) then();
  }
}
