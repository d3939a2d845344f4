/**
 * One drive: what it is asked next, and what its answers mean for the machine as a whole. It has no timer and no line.
 *
 * Invariants:
 *  - Parameter E3 is the first thing a drive is asked, after every connection and every silence. Only a drive that answers 0 is polled, and only as
 *    long as it does: E3 is asked again every minute.
 *  - A drive with another E3 stops when nobody polls it (manual 402280, §7.5). It is not polled, its gap says why, and it is asked again after an hour at
 *    the earliest, however often the connection comes and goes in between.
 *  - A question without an answer is repeated once. A drive that answers nothing then has a gap, and is asked E3 at growing intervals until it speaks.
 *    Where drives share a line, a question waits only a few times as long as the drive's answers took.
 *  - A parameter the drive refuses costs the signals that need it, and is asked again after half a minute.
 *  - What a stall has missed is not made up for.
 *
 * Why asking E3 is no risk of its own: the drive's watch begins with the first telegram after E3 was set, and E3 is 0 when it is made. So where it is
 * not 0, a control has set it and has to feed the watch itself. Our one question an hour does not keep such a drive going, and stops it only when that control
 * had already left it before its second telegram.
 */
import { backoffDelayMs, type BackoffOptions, type DriverPorts, type Reading } from '../contract.ts';
import { bad } from '../decoded.ts';
import { driverErrors } from '../errors.ts';
import type { MachineFeed } from '../feed.ts';
import { LatenessWindow, nextDueMs } from '../modbus/schedule.ts';
import { numberOf, reasonOfError, type DriveSignal } from './decode.ts';
import type { Answer, Question } from './line.ts';

/** Communication monitoring: the drive stops when it is not asked for E3 × 10 ms. */
export const monitorParameter = 'E3';
const monitorEveryMs = 60_000;
const barredMs = 3_600_000;
/** A refused parameter is asked again after this, in ms. */
const refusedRetryMs = 30_000;
/** A question to a silent drive waits behind polls that are due so much later, in ms. */
const probeSlackMs = 1_000;
/** Shortest time a drive gets for its answer, in ms. */
const minTimeoutMs = 100;
/** Every so many questions a silent drive gets its full time: it may have become slow. */
const patience = 8;
/** "Busy" of the B18 link says nothing about the parameter. */
const busyCode = 0x1b;

export interface DriveParts {
  readonly address: number;
  readonly signals: readonly DriveSignal[];
  /** Interval of each poll class that has signals, in ms. */
  readonly intervalsMs: ReadonlyMap<string, number>;
  readonly timeoutMs: number;
  /** Other drives wait while this one is asked. */
  readonly sharesLine: boolean;
  /** Back-off of the questions to a silent drive. */
  readonly probe: BackoffOptions;
  readonly feed: MachineFeed;
  readonly ports: DriverPorts;
}

export interface Turn {
  readonly question: Question;
  /** When it should be asked, on the monotonic clock. */
  readonly dueMs: number;
  /** By which the drives of a line take turns. */
  readonly rankMs: number;
  readonly timeoutMs: number;
}

interface Poll {
  readonly parameter: string;
  readonly intervalMs: number;
  readonly signals: readonly DriveSignal[];
  dueMs: number;
  /** Asked again at once after a failure; until then as planned. */
  hasFailed: boolean;
  isRefused: boolean;
}

export class Drive {
  readonly #parts: DriveParts;
  readonly #polls: readonly Poll[];
  readonly #monitor: Poll;
  readonly #lateness = new LatenessWindow();
  /** `unknown`: E3 has to be asked first. `barred`: it was not 0. */
  #mode: 'unknown' | 'polled' | 'barred' = 'unknown';
  /** When E3 is asked while the drive is not polled. */
  #probeDueMs = 0;
  #barredUntilMs = Number.NEGATIVE_INFINITY;
  #barredReason = '';
  /** Questions without an answer since the last value. */
  #probes = 0;
  #replyMs = 0;

  constructor(parts: DriveParts) {
    this.#parts = parts;
    const polls = new Map<string, DriveSignal[]>();
    for (const signal of parts.signals) {
      const key = `${signal.pollClass} ${signal.parameter}`;
      polls.set(key, [...(polls.get(key) ?? []), signal]);
    }
    const poll = (parameter: string, intervalMs: number, signals: readonly DriveSignal[]): Poll => ({
      parameter,
      intervalMs,
      signals,
      dueMs: 0,
      hasFailed: false,
      isRefused: false,
    });
    this.#polls = [...polls.values()].flatMap((signals) => {
      const [first] = signals;
      const intervalMs = parts.intervalsMs.get(first?.pollClass ?? '');
      return first === undefined || intervalMs === undefined ? [] : [poll(first.parameter, intervalMs, signals)];
    });
    this.#monitor = poll(monitorParameter, monitorEveryMs, []);
  }

  get address(): number {
    return this.#parts.address;
  }

  get feed(): MachineFeed {
    return this.#parts.feed;
  }

  /** The connection is up: E3 is asked at once, unless the drive said before that it must be left alone. */
  connected(nowMs: number): void {
    const isBarred = nowMs < this.#barredUntilMs;
    this.#mode = isBarred ? 'barred' : 'unknown';
    this.#probeDueMs = isBarred ? this.#barredUntilMs : nowMs;
    if (isBarred) this.feed.interrupt(this.#barredReason);
  }

  /** How late polls began within the last minute. */
  lateness(nowMs: number): { readonly p50Ms: number; readonly p99Ms: number } | null {
    return this.#lateness.percentiles(nowMs);
  }

  next(): Turn {
    if (this.#mode !== 'polled') {
      const isLong = this.#probes % patience === patience - 1;
      return this.#turn(monitorParameter, this.#probeDueMs, isLong, probeSlackMs);
    }
    const poll = this.#earliest();
    return this.#turn(poll.parameter, poll.dueMs, false, 0);
  }

  #earliest(): Poll {
    let earliest = this.#monitor;
    for (const poll of this.#polls) if (poll.dueMs < earliest.dueMs) earliest = poll;
    return earliest;
  }

  #turn(parameter: string, dueMs: number, isLong: boolean, slackMs: number): Turn {
    const { address, timeoutMs, sharesLine } = this.#parts;
    const shortMs = Math.min(timeoutMs, Math.max(minTimeoutMs, 4 * this.#replyMs));
    return {
      question: { address, parameter },
      dueMs,
      rankMs: dueMs + slackMs,
      timeoutMs: sharesLine && this.#replyMs > 0 && !isLong ? shortMs : timeoutMs,
    };
  }

  /** What came of the turn `next` named. `askedMs` and `nowMs` on the monotonic clock. */
  answered(answer: Answer, askedMs: number, nowMs: number): void {
    this.feed.requested();
    if (answer.kind === 'value') this.#replyMs = nowMs - askedMs;
    else this.feed.failed();
    if (this.#mode !== 'polled') {
      this.#judgeMonitor(answer, nowMs);
      return;
    }
    const poll = this.#earliest();
    if (answer.kind === 'failed') {
      if (poll.hasFailed) this.#fallSilent(answer.reason, nowMs);
      // Due as it was, so it is repeated before anything else of this drive.
      else poll.hasFailed = true;
      return;
    }
    if (poll !== this.#monitor) this.#lateness.record(askedMs, askedMs - poll.dueMs);
    poll.hasFailed = false;
    poll.dueMs = nextDueMs(poll.dueMs, poll.intervalMs, askedMs + 1);
    if (poll === this.#monitor) this.#judgeMonitor(answer, nowMs);
    else this.#judge(poll, answer, nowMs);
  }

  #judge(poll: Poll, answer: Exclude<Answer, { kind: 'failed' }>, nowMs: number): void {
    const { feed } = this.#parts;
    const at = feed.now();
    const read = (signal: DriveSignal): Reading => {
      const decoded = answer.kind === 'value' ? signal.decode(answer.value) : bad(refusalReason(answer.code));
      return feed.reading(signal.signal, decoded, at);
    };
    feed.deliver(poll.signals.map(read), at);
    poll.isRefused = answer.kind === 'refused';
    if (!poll.isRefused) this.#probes = 0;
    else if (answer.kind === 'refused' && answer.code !== busyCode) poll.dueMs = nowMs + refusedRetryMs;
    if (this.#polls.every((one) => one.isRefused)) feed.interrupt('refused-by-drive');
  }

  #judgeMonitor(answer: Answer, nowMs: number): void {
    if (answer.kind === 'failed' || (answer.kind === 'refused' && answer.code === busyCode)) {
      this.#fallSilent(answer.kind === 'failed' ? answer.reason : refusalReason(busyCode), nowMs);
      return;
    }
    const monitor = answer.kind === 'value' ? numberOf(answer.value, 'hex') : null;
    if (monitor !== 0) {
      this.#bar(monitor, nowMs);
      return;
    }
    if (this.#mode === 'polled') return;
    this.#mode = 'polled';
    for (const poll of this.#polls) {
      poll.dueMs = nowMs;
      poll.hasFailed = false;
    }
    this.#monitor.dueMs = nowMs + monitorEveryMs;
    this.#monitor.hasFailed = false;
  }

  #bar(monitor: number | null, nowMs: number): void {
    const { feed, ports } = this.#parts;
    this.#mode = 'barred';
    this.#barredUntilMs = nowMs + barredMs;
    this.#probeDueMs = this.#barredUntilMs;
    this.#barredReason = monitor === null ? 'drive-monitor-unknown' : 'drive-would-stop-without-polls';
    const { code, cure } = driverErrors.driveMonitored;
    const stopsAfterMs = monitor === null ? null : monitor * 10;
    const fields = { code, machine: feed.machine, reason: this.#barredReason, stopsAfterMs, cure };
    ports.log('warn', 'drive is not polled', fields);
    feed.interrupt(this.#barredReason);
  }

  #fallSilent(reason: string, nowMs: number): void {
    const { feed, probe, ports } = this.#parts;
    this.#mode = 'unknown';
    this.#probeDueMs = nowMs + backoffDelayMs(probe, this.#probes, ports.random);
    this.#probes += 1;
    feed.interrupt(reason);
  }
}

function refusalReason(code: number | null): string {
  return code === null ? 'refused-by-drive' : reasonOfError(code);
}
