/**
 * One round of polls of one machine: what is due is read block by block, a refused block is searched for the address that
 * refuses, and every signal gets a value or a reason.
 *
 * Invariants:
 *  - A request without an answer is repeated once; after the second the round is over when nothing was answered at all.
 *  - An address the machine refuses costs the signal that needs it, not its neighbours: the block is halved until the refused
 *    address stands alone (`refusals.ts`), which is then asked at most every 30 s, one of them in a round; the others are read
 *    together. A search adds at most 64 requests to a round.
 *  - The connection may go while an answer is awaited: then the round ends and its readings are nobody's.
 */
import type { Reading } from '../contract.ts';
import { bad } from '../decoded.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import type { Asker } from './asker.ts';
import type { Bus } from './bus.ts';
import type { SignalItem } from './decode.ts';
import { fresh, type Part, type PollClass } from './parts.ts';
import type { Reply } from './pdu.ts';
import { splitBlock } from './plan.ts';
import type { Cut, Refusals } from './refusals.ts';

/** A refused address is asked again after this, in ms; addresses do not come and go by the second. */
export const refusedRetryMs = 30_000;
/** A block that fails while others answer is left out for a time that doubles from here, in ms. */
const failedRetryMs = 1_000;
/** Requests that finding refused addresses may add to one round; the search goes on in the next. */
const maxSplits = 64;

export interface CycleParts {
  readonly timeoutMs: number;
  readonly asker: Asker;
  readonly refusals: Refusals;
  readonly feed: MachineFeed;
  readonly monotonicMs: () => number;
  /** False once this bus is no longer the machine's. */
  readonly isUp: () => boolean;
}

export class Cycle {
  readonly #parts: CycleParts;
  readonly #bus: Bus;
  /** When the earliest of its polls was due. */
  readonly #dueMs: number;
  readonly readings: Reading[] = [];
  firstGood: Moment | null = null;
  isAnswered = false;
  hasFailed = false;
  lastReason = 'timeout';
  #splits = 0;

  constructor(parts: CycleParts, bus: Bus, dueMs: number) {
    this.#parts = parts;
    this.#bus = bus;
    this.#dueMs = dueMs;
  }

  /** Reads the parts of a class. false: the connection is gone or the machine answers nothing; the round is over. */
  async poll(one: PollClass): Promise<boolean> {
    const { isUp, refusals, monotonicMs } = this.#parts;
    const open = [...one.parts];
    const done: Part[] = [];
    /** Asked as a trial in this round: behind the others, so that each has its turn. */
    const tried: Part[] = [];
    let trials = 1;
    for (let part = open.shift(); part !== undefined; part = open.shift()) {
      const wasBad = part.status === 'bad';
      if (wasBad && (monotonicMs() < part.restUntilMs || (part.isRefused && trials === 0))) {
        this.#reject(part);
        done.push(part);
        continue;
      }
      if (part.isRefused) trials -= 1;
      const reply = await this.#ask(part);
      if (!isUp()) return false;
      if (reply.kind === 'exception' && isRefusal(reply.code)) {
        const halves = splitBlock(part.block);
        if (halves !== null) {
          one.isChanged = true;
          this.isAnswered = true;
          if (this.#splits < maxSplits) {
            const cut: Cut<SignalItem> = { block: part.block, halves, goods: 0 };
            this.#splits += 1;
            open.unshift(fresh(halves[0], cut), fresh(halves[1], cut));
          } else {
            part.status = 'open';
            part.reason = `modbus-exception-${reply.code}`;
            this.#reject(part);
            done.push(part);
          }
          continue;
        }
      }
      this.#judge(part, reply);
      (wasBad ? tried : done).push(part);
      if (reply.kind === 'failed' && !this.isAnswered) {
        one.parts = [...done, ...open, ...tried];
        return false;
      }
      if (reply.kind === 'data') {
        one.isChanged ||= wasBad;
        const { cut } = part;
        part.cut = null;
        if (cut !== null && (cut.goods += 1) === 2 && (await this.#isConfirmed(cut))) {
          refusals.learn(cut);
          // What waits may be too long by what is known now.
          const waiting = open.splice(0).flatMap((next) => (next.status === 'bad' ? [next] : this.#planned(next)));
          open.push(...waiting);
        }
        if (!isUp()) return false;
      }
    }
    one.parts = tried.length === 0 ? done : [...done, ...tried];
    one.settle(refusals);
    return true;
  }

  /** Both halves of a refused block work: whether the block is refused still. */
  async #isConfirmed(cut: Cut<SignalItem>): Promise<boolean> {
    const { asker, timeoutMs, monotonicMs, isUp } = this.#parts;
    const reply = await asker.ask(this.#bus, cut.block, timeoutMs, monotonicMs());
    return isUp() && reply.kind === 'exception' && isRefusal(reply.code);
  }

  #planned(part: Part): Part[] {
    const blocks = this.#parts.refusals.plan(part.block.items);
    return blocks.length === 1 ? [part] : blocks.map((block) => fresh(block));
  }

  /** One request, repeated once where that can help. */
  async #ask(part: Part): Promise<Reply> {
    const { asker, timeoutMs, monotonicMs, isUp } = this.#parts;
    // A search and a trial wait behind the polls of the others, or their old deadline would let them go first again and again.
    const isPoll = part.status !== 'bad' && part.cut === null;
    const waitMs = asker.pollMs;
    const reply = await asker.ask(this.#bus, part.block, waitMs, isPoll ? this.#dueMs : monotonicMs());
    if (!isUp() || reply.kind === 'data') return reply;
    // What rested was asked as a trial; and once something has failed the others on the bus have waited long enough.
    const isWorthRepeating = part.status !== 'bad' && !this.hasFailed;
    if (!isWorthRepeating || (reply.kind === 'exception' && (isRefusal(reply.code) || reply.code === 1))) return reply;
    return asker.ask(this.#bus, part.block, Math.min(timeoutMs, 2 * waitMs), monotonicMs());
  }

  #judge(part: Part, reply: Reply): void {
    const { feed, monotonicMs } = this.#parts;
    if (reply.kind === 'data') {
      this.isAnswered = true;
      part.status = 'good';
      part.isRefused = false;
      part.failures = 0;
      const at = feed.now();
      for (const item of part.block.items) {
        const decoded = item.decode(reply.data, item.address - part.block.address);
        if (decoded.quality !== 'bad') this.firstGood ??= at;
        this.readings.push(feed.reading(item.signal, decoded, at));
      }
      return;
    }
    const isRefused = reply.kind === 'exception' && (isRefusal(reply.code) || reply.code === 1);
    part.reason = reply.kind === 'exception' ? `modbus-exception-${reply.code}` : reply.reason;
    part.status = 'bad';
    part.isRefused = isRefused;
    part.failures += 1;
    const restMs = isRefused ? refusedRetryMs : Math.min(refusedRetryMs, failedRetryMs * 2 ** (part.failures - 1));
    part.restUntilMs = monotonicMs() + restMs;
    this.hasFailed ||= reply.kind === 'failed';
    // Exceptions 10 and 11 come from a gateway that got no answer from the machine (§7).
    this.isAnswered ||= reply.kind === 'exception' && reply.code !== 10 && reply.code !== 11;
    if (reply.kind === 'exception' && (reply.code === 10 || reply.code === 11)) this.hasFailed = true;
    this.lastReason = part.reason;
    this.#reject(part);
  }

  /** Its signals are bad, and say why. */
  #reject(part: Part): void {
    const { feed } = this.#parts;
    const at = feed.now();
    for (const item of part.block.items) this.readings.push(feed.reading(item.signal, bad(part.reason), at));
  }
}

/** Illegal data address, illegal data value: an address in the block is none (§7). */
export function isRefusal(code: number): boolean {
  return code === 2 || code === 3;
}
