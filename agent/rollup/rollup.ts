/**
 * The minutes of one machine: readings collect in the minute of their time and each minute leaves as summary records. An
 * open minute may leave early, as rising revisions; the one that closes it seals it; late readings write another revision.
 *
 * Invariants (test/unit/rollup/):
 *  M1  Any order, repetition or lateness (within `lateS`, or `settleAfterS` where that is given) of the same readings gives the same
 *      last revision of every minute.
 *  M2  A revision is written only when something in it changed, and its number is one more than the last.
 *  M3  Deltas of consecutive minutes join: the `from` of one is the `to` of the minute before it.
 *  M4  A step of the wall clock opens a segment: the old minutes are sealed where they stand, the new ones start with what was known.
 */
import type { CounterBase, ResetSpan } from '../counters/counter.ts';
import { addReset } from '../counters/counter.ts';
import type { MachineModel, SignalModel } from '../machine.ts';
import type { DraftOf } from '../records.ts';
import type { StateTimeline } from '../states/timeline.ts';
import { columnOf, isSummarised, type Column } from './columns.ts';
import { Minute, revised } from './minute.ts';
import type { GapSpan, Point, Rank } from './sums.ts';
import { foldMinute, gapsWithout, type MinuteTotals } from './totals.ts';

export type SummaryDraft = DraftOf<'summary'> | DraftOf<'state-summary'>;

export interface RollupOptions {
  /** 60: only minutes that are over. */
  readonly openMinuteEveryS: number;
  /** Time after its end at which a minute is sealed. */
  readonly sealAfterS: number;
  /** Time after its end for which late readings still change a minute. */
  readonly lateS: number;
  /** The readings are those of the ring, which leaves out what did not change: a value holds until the next. */
  readonly byException?: boolean;
  /**
   * The readings of each signal come in order of time, and what else concerns one (a gap) is known so long after it. Then no more than
   * those of this time are kept one by one; older ones are kept as sums, and one that comes before them is refused.
   */
  readonly settleAfterS?: number;
}

export interface RollupKey {
  readonly boot: string;
  readonly segment: number;
}

const minuteMs = 60_000;

/** Minutes in a gap are kept so long, since some sources remember what happened in it. */
const keptInGapMs = 3_600_000;

export const minuteOf = (tMs: number) => Math.floor(tMs / minuteMs) * minuteMs;

export class MachineRollup {
  readonly #model: MachineModel;
  readonly #timeline: StateTimeline;
  readonly #options: RollupOptions;
  readonly #byException: boolean;
  readonly #columns: Column[];
  /** Column of each signal, or −1. */
  readonly #columnOf: number[];
  #key: RollupKey;
  #minutes: Minute[] = [];
  /** Last reading and counter base before the oldest minute that is kept. */
  #before: (Point | null)[];
  #counterIn: (CounterBase | null)[];
  /** Of each column the time of the last reading that is no longer kept by itself. */
  readonly #settledMs: number[];
  #gaps: GapSpan[] = [];
  /** By column: spans that are gaps of the machine and were read from the source's memory afterwards. */
  readonly #filled = new Map<number, readonly GapSpan[]>();
  #resets: ResetSpan[] = [];
  #openSentMs = -Infinity;
  #sealedToMs = -Infinity;
  #forgottenMs = -Infinity;
  #segmentFromMs = -Infinity;

  constructor(model: MachineModel, timeline: StateTimeline, key: RollupKey, options: RollupOptions) {
    this.#model = model;
    this.#timeline = timeline;
    this.#key = key;
    this.#options = options;
    this.#byException = options.byException === true;
    this.#columns = model.signals.filter(isSummarised).map((signal) => columnOf(signal, this.#byException));
    this.#columnOf = model.signals.map(() => -1);
    for (const [column, { signal }] of this.#columns.entries()) this.#columnOf[signal.index] = column;
    this.#before = this.#columns.map(() => null);
    this.#counterIn = this.#columns.map(() => null);
    this.#settledMs = this.#columns.map(() => -Infinity);
  }

  /** More signals, behind those there are. */
  grow(added: readonly SignalModel[]): void {
    for (const signal of added) {
      this.#columnOf.push(isSummarised(signal) ? this.#columns.length : -1);
      if (!isSummarised(signal)) continue;
      this.#columns.push(columnOf(signal, this.#byException));
      this.#before.push(null);
      this.#counterIn.push(null);
      this.#settledMs.push(-Infinity);
      for (const minute of this.#minutes) {
        minute.points.push(null);
        minute.sent.push(null);
        minute.counterOut = null;
      }
    }
  }

  /** Counting goes on from here (after a start, or with what another partial ended with). */
  setBase(signal: number, base: CounterBase): void {
    const column = this.#columnOf[signal] ?? -1;
    if (column >= 0) this.#counterIn[column] = base;
  }

  /** False when the reading's minute is no longer kept, and the reading is lost for the summaries. */
  add(signal: number, tMs: number, value: number, quality: Rank): boolean {
    const column = this.#columnOf[signal] ?? -1;
    if (column < 0) return true;
    if (tMs < this.#forgottenMs || tMs <= (this.#settledMs[column] ?? -Infinity)) return false;
    const minute = this.#minuteAt(minuteOf(tMs));
    const points = minute.pointsOf(column);
    if (!points.hasRoom) this.#settleColumn(minute, column, tMs);
    if (points.add(tMs, value, quality)) this.#touch(minute.fromMs);
    return true;
  }

  gapOpened(fromMs: number): void {
    this.#gaps.push({ fromMs, toMs: Infinity });
    this.#touch(minuteOf(fromMs));
  }
  gapClosed(fromMs: number, toMs: number): void {
    this.#gaps = this.#gaps.filter((gap) => gap.toMs !== Infinity);
    this.#gaps.push({ fromMs, toMs });
    this.#touch(minuteOf(fromMs));
  }
  /** Of this signal the source remembered what was within the span, so no gap is in it. */
  filled(signal: number, fromMs: number, toMs: number): void {
    const column = this.#columnOf[signal] ?? -1;
    if (column < 0 || !(toMs > fromMs)) return;
    const spans = this.#filled.get(column) ?? [];
    if (spans.some((span) => span.fromMs <= fromMs && span.toMs >= toMs)) return;
    this.#filled.set(column, [...spans, { fromMs, toMs }]);
    this.#touch(minuteOf(fromMs));
  }
  reset(span: ResetSpan): void {
    this.#resets = addReset(this.#resets, span);
    this.#touch(minuteOf(span.untilMs));
  }
  /** The state line was changed from `tMs` on. */
  stateChanged(tMs: number): void {
    this.#touch(minuteOf(tMs));
  }

  /** Everything before this is in summaries that were handed on, on the summaries' line; −Infinity before the first. */
  get summarisedToMs(): number {
    return Math.max(this.#openSentMs, this.#sealedToMs);
  }

  /** What is to be sent at `nowMs` on the summaries' line. */
  due(nowMs: number): SummaryDraft[] {
    this.#minutesTo(nowMs);
    const { openMinuteEveryS, sealAfterS, lateS } = this.#options;
    const drafts: SummaryDraft[] = [];
    const early = openMinuteEveryS < 60 && nowMs - this.#openSentMs >= openMinuteEveryS * 1000;
    for (const minute of this.#minutes) {
      const over = nowMs >= minute.fromMs + minuteMs + sealAfterS * 1000;
      // Late readings trickle: a sealed minute waits as long again before its next revision.
      const settled = !minute.sealed || nowMs - minute.emittedMs >= sealAfterS * 1000;
      if (over ? (minute.changed || !minute.sealed) && settled : early) {
        this.#emit(minute, nowMs, drafts);
        if (over) {
          minute.sealed = true;
          this.#sealedToMs = Math.max(this.#sealedToMs, minute.fromMs + minuteMs);
        }
      }
    }
    if (early) this.#openSentMs = nowMs;
    while (this.#minutes.length > 1 && nowMs >= (this.#minutes[0]?.fromMs ?? Infinity) + minuteMs + lateS * 1000) {
      if (this.#awaitsPast(nowMs)) break;
      this.#forgetOldest();
    }
    this.#settle(nowMs);
    return drafts;
  }

  /** A minute without a reading still has its seconds by state, also one that began after the last look and ends by the stop. */
  #minutesTo(nowMs: number): void {
    const oldestMs = this.#minutes[0]?.fromMs ?? minuteOf(nowMs);
    for (let fromMs = oldestMs; fromMs <= nowMs; fromMs += minuteMs) this.#minuteAt(fromMs);
  }

  #settle(nowMs: number): void {
    const { settleAfterS } = this.#options;
    if (settleAfterS === undefined) return;
    const beforeMs = nowMs - settleAfterS * 1000;
    for (const minute of this.#minutes) {
      if (minute.fromMs >= beforeMs) break;
      for (let column = 0; column < this.#columns.length; column++) this.#settleColumn(minute, column, nowMs);
      if (beforeMs >= minute.fromMs + minuteMs) minute.leaveRooms();
    }
  }

  /** Before a column grows and now and then: a fast signal has as much room as it needs between two settlings. */
  #settleColumn(minute: Minute, column: number, nowMs: number): void {
    const { settleAfterS } = this.#options;
    const points = minute.points[column] ?? null;
    const own = this.#columns[column];
    if (settleAfterS === undefined || points === null || own === undefined || own.counter !== null) return;
    const beforeMs = nowMs - settleAfterS * 1000;
    if (minute.fromMs >= beforeMs) return;
    const settledMs = points.settle(beforeMs, {
      fromMs: Math.max(minute.fromMs, this.#segmentFromMs),
      toMs: minute.fromMs + minuteMs,
      before: this.#pointBefore(this.#minutes.indexOf(minute), column),
      gaps: this.#gapsOf(column),
      holdMs: own.holdMs,
    });
    if (settledMs !== null) this.#settledMs[column] = settledMs;
  }

  /** The oldest minute is in a gap that the source may still fill from its memory, and is not too old for that. */
  #awaitsPast(nowMs: number): boolean {
    const oldestMs = this.#minutes[0]?.fromMs ?? nowMs;
    if (nowMs - oldestMs > keptInGapMs) return false;
    const sinceMs = nowMs - this.#options.lateS * 1000;
    return this.#gaps.some((gap) => gap.fromMs < oldestMs + minuteMs && gap.toMs > Math.max(oldestMs, sinceMs));
  }

  /** Everything as it stands: at the stop, or when a segment ends. */
  seal(nowMs: number): SummaryDraft[] {
    this.#minutesTo(nowMs);
    const drafts: SummaryDraft[] = [];
    for (const minute of this.#minutes) {
      this.#emit(minute, nowMs, drafts);
      minute.sealed = true;
    }
    return drafts;
  }

  /**
   * Goes on in another segment, in which the same instant is `shiftMs` later. Seal first. Readings of up to `underWayMs` before it
   * may still come: they count here, but the time before is the old segment's alone.
   */
  openSegment(key: RollupKey, shiftMs: number, nowMs: number, underWayMs = 0): void {
    this.#key = key;
    this.#segmentFromMs = nowMs;
    while (this.#minutes.length > 0) this.#forgetOldest();
    const move = <T extends { readonly tMs: number }>(at: T): T => ({ ...at, tMs: at.tMs + shiftMs });
    this.#before = this.#before.map((point) => (point === null ? null : move(point)));
    this.#counterIn = this.#counterIn.map((base) =>
      base === null ? null : { ...move(base), suspect: base.suspect === null ? null : move(base.suspect) },
    );
    this.#gaps = this.#gaps
      .filter((gap) => gap.toMs === Infinity)
      .map((gap) => ({ fromMs: gap.fromMs + shiftMs, toMs: Infinity }));
    this.#filled.clear();
    this.#resets = [];
    this.#openSentMs = -Infinity;
    this.#forgottenMs = nowMs - underWayMs;
    this.#settledMs.fill(-Infinity);
    this.#timeline.restart(nowMs);
  }

  #touch(fromMs: number): void {
    const newest = this.#minutes.at(-1);
    if (newest !== undefined && newest.fromMs <= fromMs) {
      if (newest.fromMs < fromMs) return;
      newest.changed = true;
      newest.counterOut = null;
      return;
    }
    for (const minute of this.#minutes) {
      if (minute.fromMs < fromMs) continue;
      minute.changed = true;
      minute.counterOut = null;
    }
  }

  #minuteAt(fromMs: number): Minute {
    const newest = this.#minutes.at(-1);
    if (newest?.fromMs === fromMs) return newest;
    let at = this.#minutes.findIndex((minute) => minute.fromMs >= fromMs);
    if (at < 0) at = this.#minutes.length;
    const known = this.#minutes[at];
    if (known?.fromMs === fromMs) return known;
    const minute = new Minute(fromMs, this.#columns.length, this.#minutes[at - 1]);
    this.#minutes.splice(at, 0, minute);
    return minute;
  }

  #emit(minute: Minute, nowMs: number, into: SummaryDraft[]): void {
    minute.changed = false;
    minute.emittedMs = nowMs;
    const at = this.#minutes.indexOf(minute);
    const toMs = Math.min(nowMs, minute.fromMs + minuteMs);
    const bases = this.#counterBases(at);
    for (const [column, { signal, holdMs, counter }] of this.#columns.entries()) {
      const points = minute.points[column] ?? null;
      const before = this.#pointBefore(at, column);
      if (points === null && before === null) continue;
      const { totals } = foldMinute(points, {
        fromMs: Math.max(minute.fromMs, this.#segmentFromMs),
        toMs,
        before,
        gaps: this.#gapsOf(column),
        holdMs,
        counter: counter === null ? null : { spec: counter, base: bases[column] ?? null, resets: this.#resets },
      });
      if (totals.samples === 0 && totals.coveredS === 0) continue;
      const draft = this.#summary(minute, signal, totals, toMs);
      const sent = revised(minute.sent[column] ?? null, draft);
      if (sent === null) continue;
      minute.sent[column] = sent;
      into.push({ ...draft, revision: sent.revision });
    }
    const { seconds, causes } = this.#timeline.fold(minute.fromMs, toMs);
    if (Object.keys(seconds).length === 0) return;
    const draft: DraftOf<'state-summary'> = {
      kind: 'state-summary',
      ...this.#identity(minute, toMs),
      seconds,
      causes,
    };
    const sent = revised(minute.stateSent, draft);
    if (sent === null) return;
    minute.stateSent = sent;
    into.push({ ...draft, revision: sent.revision });
  }

  #summary(minute: Minute, signal: SignalModel, totals: MinuteTotals, toMs: number): DraftOf<'summary'> {
    return { kind: 'summary', ...this.#identity(minute, toMs), signal: signal.name, ...totals };
  }

  #identity(minute: Minute, toMs: number) {
    return {
      machine: this.#model.setup.id,
      atMs: toMs,
      minuteMs: minute.fromMs,
      readingBoot: this.#key.boot,
      segment: this.#key.segment,
      revision: 1,
    };
  }

  #gapsOf(column: number): readonly GapSpan[] {
    return gapsWithout(this.#gaps, this.#filled.get(column) ?? []);
  }

  #pointBefore(at: number, column: number): Point | null {
    for (let i = at - 1; i >= 0; i--) {
      const last = this.#minutes[i]?.points[column]?.last();
      if (last !== undefined) return last;
    }
    return this.#before[column] ?? null;
  }

  /** Counter bases at the start of a minute: those at the end of the one before, computed where they are not known. */
  #counterBases(at: number): readonly (CounterBase | null)[] {
    if (at <= 0) return this.#counterIn;
    const minute = this.#minutes[at - 1];
    if (minute === undefined) return this.#counterIn;
    if (minute.counterOut !== null) return minute.counterOut;
    const bases = this.#counterBases(at - 1);
    minute.counterOut = this.#columns.map(({ counter, holdMs }, column) => {
      const base = bases[column] ?? null;
      if (counter === null) return null;
      return foldMinute(minute.points[column] ?? null, {
        fromMs: minute.fromMs,
        toMs: minute.fromMs + minuteMs,
        before: null,
        gaps: [],
        holdMs,
        counter: { spec: counter, base, resets: this.#resets },
      }).counterOut;
    });
    return minute.counterOut;
  }

  #forgetOldest(): void {
    const [oldest] = this.#minutes;
    if (oldest === undefined) return;
    const bases = this.#counterBases(1);
    for (let column = 0; column < this.#columns.length; column++) {
      this.#before[column] = oldest.points[column]?.last() ?? this.#before[column] ?? null;
    }
    this.#counterIn = [...bases];
    this.#minutes.shift();
    this.#forgottenMs = oldest.fromMs + minuteMs;
    this.#gaps = this.#gaps.filter((gap) => gap.toMs > this.#forgottenMs);
    this.#resets = this.#resets.filter((span) => span.untilMs > this.#forgottenMs);
    for (const [column, spans] of this.#filled) {
      const kept = spans.filter((span) => span.toMs > this.#forgottenMs);
      if (kept.length > 0) this.#filled.set(column, kept);
      else this.#filled.delete(column);
    }
    this.#timeline.forgetBefore(this.#forgottenMs);
  }
}
