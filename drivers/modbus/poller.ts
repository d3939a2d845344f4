/**
 * Polls one machine: what is due, and what its answers mean for the machine as a whole. How one round is read is in `cycle.ts`.
 *
 * Invariants:
 *  - At most one request of a machine is under way, so that machines on one bus take turns.
 *  - A machine that answers nothing has a gap, and is asked no more than one short question at growing intervals until it
 *    speaks: a dead machine must not cost the others their polls. Where they share a line, already the first request it does
 *    not answer waits only a few times as long as its answers took, the repetition twice that.
 *  - What a stall has missed is not made up for.
 */
import { backoffDelayMs, type BackoffOptions, type DriverPorts } from '../contract.ts';
import type { MachineFeed } from '../feed.ts';
import { Asker } from './asker.ts';
import type { Bus } from './bus.ts';
import { Cycle, isRefusal, refusedRetryMs } from './cycle.ts';
import type { SignalItem } from './decode.ts';
import { PollClass } from './parts.ts';
import type { Block, PlanLimits } from './plan.ts';
import { Refusals } from './refusals.ts';
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

/** A question to a silent machine waits behind polls that are due so much later, in ms. */
const probeSlackMs = 1_000;

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
  readonly #asker: Asker;
  /** Until then a machine that refused every address is not searched again. */
  #refusedUntilMs = 0;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.limits);
    const { unit, timeoutMs, sharesLine, feed, onAnswer } = parts;
    const monotonicMs = (): number => this.#nowMs();
    this.#asker = new Asker({ unit, timeoutMs, sharesLine, feed, refusals: this.#refusals, monotonicMs, onAnswer });
    for (const [name, intervalMs] of parts.intervalsMs) {
      const items = parts.items.filter((item) => item.pollClass === name);
      if (items.length > 0) this.#classes.push(new PollClass(items, intervalMs));
    }
  }

  /** The connection is up: polls begin at once. */
  connected(bus: Bus): void {
    this.#bus = bus;
    this.#silentProbes = null;
    this.#asker.restart();
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
    const { timeoutMs, feed } = this.#parts;
    const [asker, refusals] = [this.#asker, this.#refusals];
    const cycle = new Cycle(
      { timeoutMs, asker, refusals, feed, monotonicMs: () => this.#nowMs(), isUp: () => this.#bus === bus },
      bus,
      dueMs,
    );
    for (const one of due) {
      if (!(await cycle.poll(one))) break;
    }
    if (this.#bus !== bus) return;
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

  async #probe(bus: Bus, probes: number, reason: string): Promise<void> {
    const block = this.#probeBlock;
    if (block === null) return;
    // Short, so that others on the bus hardly notice; at times as long as any request, for a machine that became slow.
    const { timeoutMs, sharesLine } = this.#parts;
    const patience = sharesLine ? 8 : 4;
    const askedMs = probes % patience === patience - 1 ? timeoutMs : this.#asker.shortMs;
    const reply = await this.#asker.ask(bus, block, askedMs, this.#nowMs() + probeSlackMs);
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
