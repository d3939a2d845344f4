/**
 * Polls one machine: what is due, how it is read, and what its answers mean for the machine as a whole.
 *
 * Invariants:
 *  - At most one request of a machine is under way, so that machines on one bus take turns.
 *  - A request without an answer is repeated once. A machine that answers nothing then has a gap, and is asked no more than one
 *    short question at growing intervals until it speaks: a dead machine must not cost the others their polls. Where they share a
 *    line, already the first request it does not answer waits only a few times as long as its answers took, the repetition twice that.
 *  - An address the machine refuses costs the signal that needs it, not its neighbours: the block is halved until the refused
 *    address stands alone (`refusals.ts`), which is then asked at most every 30 s, one of them in a cycle; the others are read together.
 *  - What a stall has missed is not made up for.
 */
import { backoffDelayMs, type BackoffOptions, type DriverPorts, type Reading } from '../contract.ts';
import { bad } from '../decoded.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import type { Bus } from './bus.ts';
import type { SignalItem } from './decode.ts';
import { fresh, PollClass, type Part } from './parts.ts';
import type { ReadRequest, Reply } from './pdu.ts';
import { functionOfTable, splitBlock, type Block, type PlanLimits } from './plan.ts';
import { Refusals, type Cut } from './refusals.ts';
import { LatenessWindow, nextDueMs } from './schedule.ts';

export interface PollerParts {
  readonly unit: number;
  readonly items: readonly SignalItem[];
  readonly limits: PlanLimits;
  /** Interval of each poll class that has items, in ms. */
  readonly intervalsMs: ReadonlyMap<string, number>;
  readonly timeoutMs: number;
  /** Other machines wait while this one is asked. */
  readonly sharesLine: boolean;
  /** Back-off of the questions to a silent machine. */
  readonly probe: BackoffOptions;
  readonly feed: MachineFeed;
  readonly ports: DriverPorts;
  /** Called at every answer, good or exception. */
  readonly onAnswer: () => void;
}

/** A refused address is asked again after this, in ms; addresses do not come and go by the second. */
const refusedRetryMs = 30_000;
/** A block that fails while others answer is left out for a time that doubles from here, in ms. */
const failedRetryMs = 1_000;
/** Requests that finding refused addresses may add to one cycle; the search goes on in the next. */
const maxSplitsPerCycle = 64;
/** A question to a silent machine waits behind polls that are due so much later, in ms. */
const probeSlackMs = 1_000;
/** Shortest time a silent machine gets for its answer, in ms. */
const minProbeTimeoutMs = 250;

interface Cycle {
  /** When the earliest of its polls was due. */
  dueMs: number;
  readonly readings: Reading[];
  firstGood: Moment | null;
  isAnswered: boolean;
  hasFailed: boolean;
  splits: number;
  lastReason: string;
}

export class Poller {
  readonly #parts: PollerParts;
  readonly #classes: PollClass[] = [];
  readonly #lateness = new LatenessWindow();
  #bus: Bus | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Questions to the silent machine so far; null while it is polled. */
  #silentProbes: number | null = null;
  /** What the silent machine is asked. */
  #probeBlock: Block<SignalItem> | null = null;
  readonly #refusals: Refusals;
  /** Until then a machine that refused every address is not searched again. */
  #refusedUntilMs = 0;
  #replyMs = 0;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.limits);
    for (const [name, intervalMs] of parts.intervalsMs) {
      const items = parts.items.filter((item) => item.pollClass === name);
      if (items.length > 0) this.#classes.push(new PollClass(items, intervalMs));
    }
  }

  /** The connection is up: polls begin at once. */
  connected(bus: Bus): void {
    this.#bus = bus;
    this.#silentProbes = null;
    this.#replyMs = 0;
    this.#refusals.forget();
    this.#restart();
    this.#schedule();
  }

  /** The connection is down or the driver stops. */
  disconnected(): void {
    this.#bus = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** How late polls began within the last minute. */
  lateness(): { readonly p50Ms: number; readonly p99Ms: number } | null {
    return this.#lateness.percentiles(this.#nowMs());
  }

  #nowMs(): number {
    return this.#parts.ports.clock.monotonicMs();
  }

  /** Everything is asked as planned again, at once. */
  #restart(): void {
    const nowMs = this.#nowMs();
    for (const one of this.#classes) one.restart(this.#refusals, nowMs);
    this.#probeBlock = this.#classes[0]?.parts[0]?.block ?? null;
  }

  #schedule(): void {
    const dueMs = Math.min(...this.#classes.map((one) => one.dueMs));
    if (Number.isFinite(dueMs)) this.#after(dueMs - this.#nowMs(), (bus) => this.#poll(bus));
  }

  /** Runs `step` later unless the connection has changed by then. Whatever it throws is a defect, and is told, not thrown (D1). */
  #after(delayMs: number, step: (bus: Bus) => Promise<void>): void {
    const bus = this.#bus;
    if (bus === null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        step(bus).catch((error: unknown) => {
          this.#parts.ports.log('error', 'poll failed', { machine: this.#parts.feed.machine, error: String(error) });
          if (this.#bus === bus) this.#fallSilent('internal-error');
        });
      },
      Math.max(0, Math.ceil(delayMs)),
    );
  }

  async #poll(bus: Bus): Promise<void> {
    const startMs = this.#nowMs();
    // Timers may fire a fraction of a millisecond early.
    const due = this.#classes.filter((one) => one.dueMs - startMs < 1);
    const dueMs = Math.min(...due.map((one) => one.dueMs));
    for (const one of due) {
      this.#lateness.record(startMs, startMs - one.dueMs);
      one.dueMs = nextDueMs(one.dueMs, one.intervalMs, startMs + 1);
    }
    const cycle: Cycle = {
      dueMs,
      readings: [],
      firstGood: null,
      isAnswered: false,
      hasFailed: false,
      splits: 0,
      lastReason: 'timeout',
    };
    for (const one of due) {
      if (!(await this.#pollClass(bus, one, cycle))) break;
    }
    if (this.#bus !== bus) return;
    const { feed } = this.#parts;
    if (cycle.readings.length > 0) feed.deliver(cycle.readings, cycle.firstGood ?? feed.now());
    if (!cycle.isAnswered && cycle.hasFailed) this.#fallSilent(cycle.lastReason);
    else if (this.#classes.every((one) => one.isAllBad)) {
      if (this.#isRefusing()) this.#refusedUntilMs = this.#nowMs() + refusedRetryMs;
      this.#fallSilent(cycle.lastReason);
    } else {
      this.#silentProbes = null;
      this.#schedule();
    }
  }

  /** Reads the parts of a class. false: the connection is gone or the machine answers nothing; the cycle is over. */
  async #pollClass(bus: Bus, one: PollClass, cycle: Cycle): Promise<boolean> {
    const open = [...one.parts];
    const done: Part[] = [];
    /** Asked as a trial in this cycle: behind the others, so that each has its turn. */
    const tried: Part[] = [];
    let trials = 1;
    for (let part = open.shift(); part !== undefined; part = open.shift()) {
      const wasBad = part.status === 'bad';
      if (wasBad && (this.#nowMs() < part.restUntilMs || (part.isRefused && trials === 0))) {
        this.#reject(part, cycle);
        done.push(part);
        continue;
      }
      if (part.isRefused) trials -= 1;
      const reply = await this.#ask(bus, part, cycle);
      if (this.#bus !== bus) return false;
      if (reply.kind === 'exception' && isRefusal(reply.code)) {
        const halves = splitBlock(part.block);
        if (halves !== null) {
          one.isChanged = true;
          cycle.isAnswered = true;
          if (cycle.splits < maxSplitsPerCycle) {
            const cut: Cut<SignalItem> = { block: part.block, halves, goods: 0 };
            cycle.splits += 1;
            open.unshift(fresh(halves[0], cut), fresh(halves[1], cut));
          } else {
            part.status = 'open';
            part.reason = `modbus-exception-${reply.code}`;
            this.#reject(part, cycle);
            done.push(part);
          }
          continue;
        }
      }
      this.#judge(part, reply, cycle);
      (wasBad ? tried : done).push(part);
      if (reply.kind === 'failed' && !cycle.isAnswered) {
        one.parts = [...done, ...open, ...tried];
        return false;
      }
      if (reply.kind === 'data') {
        one.isChanged ||= wasBad;
        const { cut } = part;
        part.cut = null;
        if (cut !== null && (cut.goods += 1) === 2 && (await this.#isConfirmed(bus, cut))) {
          this.#refusals.learn(cut);
          // What waits may be too long by what is known now.
          const waiting = open.splice(0).flatMap((next) => (next.status === 'bad' ? [next] : this.#planned(next)));
          open.push(...waiting);
        }
        if (this.#bus !== bus) return false;
      }
    }
    one.parts = tried.length === 0 ? done : [...done, ...tried];
    one.settle(this.#refusals);
    return true;
  }

  /** Both halves of a refused block work: whether the block is refused still. */
  async #isConfirmed(bus: Bus, cut: Cut<SignalItem>): Promise<boolean> {
    const reply = await this.#request(bus, cut.block, this.#parts.timeoutMs, this.#nowMs());
    return this.#bus === bus && reply.kind === 'exception' && isRefusal(reply.code);
  }

  #planned(part: Part): Part[] {
    const blocks = this.#refusals.plan(part.block.items);
    return blocks.length === 1 ? [part] : blocks.map((block) => fresh(block));
  }

  /** One request, repeated once where that can help. */
  async #ask(bus: Bus, part: Part, cycle: Cycle): Promise<Reply> {
    const { timeoutMs } = this.#parts;
    // A search and a trial wait behind the polls of the others, or their old deadline would let them go first again and again.
    const isPoll = part.status !== 'bad' && part.cut === null;
    const waitMs = this.#parts.sharesLine && this.#replyMs > 0 ? this.#shortMs() : timeoutMs;
    const reply = await this.#request(bus, part.block, waitMs, isPoll ? cycle.dueMs : this.#nowMs());
    if (this.#bus !== bus || reply.kind === 'data') return reply;
    // What rested was asked as a trial; and once something has failed the others on the bus have waited long enough.
    const isWorthRepeating = part.status !== 'bad' && !cycle.hasFailed;
    if (!isWorthRepeating || (reply.kind === 'exception' && (isRefusal(reply.code) || reply.code === 1))) return reply;
    return this.#request(bus, part.block, Math.min(timeoutMs, 2 * waitMs), this.#nowMs());
  }

  async #request(bus: Bus, block: Block<SignalItem>, timeoutMs: number, deadlineMs: number): Promise<Reply> {
    const { unit, feed, onAnswer } = this.#parts;
    const request: ReadRequest = { unit, fn: functionOfTable[block.table], address: block.address, count: block.count };
    const startMs = this.#nowMs();
    feed.requested();
    const reply = await bus.read(request, timeoutMs, deadlineMs);
    if (reply.kind === 'data') {
      this.#replyMs = this.#nowMs() - startMs;
      this.#refusals.worked(block.table, block.count);
    } else feed.failed();
    if (reply.kind !== 'failed') onAnswer();
    return reply;
  }

  #judge(part: Part, reply: Reply, cycle: Cycle): void {
    if (reply.kind === 'data') {
      cycle.isAnswered = true;
      part.status = 'good';
      part.isRefused = false;
      part.failures = 0;
      const at = this.#parts.feed.now();
      for (const item of part.block.items) {
        const decoded = item.decode(reply.data, item.address - part.block.address);
        if (decoded.quality !== 'bad') cycle.firstGood ??= at;
        cycle.readings.push(this.#parts.feed.reading(item.signal, decoded, at));
      }
      return;
    }
    const isRefused = reply.kind === 'exception' && (isRefusal(reply.code) || reply.code === 1);
    part.reason = reply.kind === 'exception' ? `modbus-exception-${reply.code}` : reply.reason;
    part.status = 'bad';
    part.isRefused = isRefused;
    part.failures += 1;
    const restMs = isRefused ? refusedRetryMs : Math.min(refusedRetryMs, failedRetryMs * 2 ** (part.failures - 1));
    part.restUntilMs = this.#nowMs() + restMs;
    cycle.hasFailed ||= reply.kind === 'failed';
    // Exceptions 10 and 11 come from a gateway that got no answer from the machine (§7).
    cycle.isAnswered ||= reply.kind === 'exception' && reply.code !== 10 && reply.code !== 11;
    if (reply.kind === 'exception' && (reply.code === 10 || reply.code === 11)) cycle.hasFailed = true;
    cycle.lastReason = part.reason;
    this.#reject(part, cycle);
  }

  /** Its signals are bad, and say why. */
  #reject(part: Part, cycle: Cycle): void {
    const at = this.#parts.feed.now();
    for (const item of part.block.items) {
      cycle.readings.push(this.#parts.feed.reading(item.signal, bad(part.reason), at));
    }
  }

  /** The machine answers, but has none of the addresses it is asked. */
  #isRefusing(): boolean {
    return this.#classes.every((one) => one.isAllRefused);
  }

  #fallSilent(reason: string): void {
    const { feed, probe, ports } = this.#parts;
    feed.interrupt(reason);
    const probes = this.#silentProbes ?? 0;
    this.#silentProbes = probes + 1;
    this.#after(backoffDelayMs(probe, probes, ports.random), (bus) => this.#probe(bus, probes, reason));
  }

  /** A few times as long as its last answer took, waiting for its turn included, in ms. */
  #shortMs(): number {
    return Math.min(this.#parts.timeoutMs, Math.max(minProbeTimeoutMs, 4 * this.#replyMs));
  }

  async #probe(bus: Bus, probes: number, reason: string): Promise<void> {
    const block = this.#probeBlock;
    if (block === null) return;
    // Short, so that others on the bus hardly notice; at times as long as any request, for a machine that became slow.
    const { timeoutMs, sharesLine } = this.#parts;
    const patience = sharesLine ? 8 : 4;
    const askedMs = probes % patience === patience - 1 ? timeoutMs : this.#shortMs();
    const reply = await this.#request(bus, block, askedMs, this.#nowMs() + probeSlackMs);
    if (this.#bus !== bus) return;
    if (reply.kind === 'failed') {
      this.#fallSilent(reason);
      return;
    }
    if (reply.kind === 'exception' && isRefusal(reply.code) && this.#isRefusing()) {
      // Searching takes two requests a signal: not after every probe of a machine with another map.
      if (this.#nowMs() < this.#refusedUntilMs) {
        this.#fallSilent(reason);
        return;
      }
    }
    this.#restart();
    await this.#poll(bus);
  }
}

/** Illegal data address, illegal data value: an address in the block is none (§7). */
function isRefusal(code: number): boolean {
  return code === 2 || code === 3;
}
