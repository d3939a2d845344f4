/**
 * After a start: what the ring still knows of minutes that were open when the last process ended. Each gets one more
 * revision: the stored one, plus what the ring tells about the time after it, plus UNKNOWN for the seconds nobody can tell.
 * It keeps the boot of its readings in the key; the new process makes its own partial beside it.
 *
 * Invariants (test/unit/rollup/rebuild.test.ts):
 *  B1  Deltas join: where the rebuilt minutes of a counter end, the new process goes on counting.
 *  B2  A minute whose stored revision is newer than everything in the ring is not rebuilt.
 *  B5  Whatever the clock did between the two processes: where the computer's monotonic clock tells how long it has been, counters go
 *      on behind it as if it had not been stepped.
 *  B6  Of a boot whose clock was stepped only readings of its last segment are rebuilt, under that segment: those of before were stored at
 *      the step, whatever times they have.
 *  B7  Only the boot before this one is rebuilt: what there was of earlier ones has been told by the process after them, with its first
 *      record, or counts as counted by it.
 *  B4  Of a span in which a boot did not know the time no minute is rebuilt here, but counters go on behind it.
 *  B3  Seconds by state add up to the minute, up to the start of the new process, also in the minute of that start. Whole
 *      minutes in which no process ran have no summary at all.
 */
import type { StateSummaryRecord, SummaryRecord } from '../../cloud-bridge/contract.ts';
import { advanceCounter, type CounterBase, type ResetSpan } from '../counters/counter.ts';
import type { MachineModel, SignalModel } from '../machine.ts';
import type { StoredReading } from '../ring/block.ts';
import { MachineStateReader } from '../states/machine-state.ts';
import { StateTimeline } from '../states/timeline.ts';
import type { Recovery } from '../store/store.ts';
import { MinutePoints } from './points.ts';
import { rank, type Point } from './sums.ts';
import { addStep, foldMinute, type MinuteTotals } from './totals.ts';
import { counterSpec, isSummarised } from './columns.ts';
import { minuteOf, type SummaryDraft } from './rollup.ts';
import { tailsOf, type Tail } from './tails.ts';

const minuteMs = 60_000;

export interface RebuildOptions {
  /** UTC ms of the start of the new process. */
  readonly nowMs: number;
  readonly ringBlockS: number;
  readonly offlineAfterS: number;
}

export interface Rebuilt {
  readonly drafts: readonly SummaryDraft[];
  /** Where counting goes on from, by signal number, in UTC ms on the clock of the new process. */
  readonly bases: ReadonlyMap<number, CounterBase>;
  /** Blocks that could not be read; their span is a hole. */
  readonly damagedBlocks: number;
}

export function rebuildMachine(model: MachineModel, recovery: Recovery, options: RebuildOptions): Rebuilt {
  const { tails, damagedBlocks } = tailsOf(model, recovery, options.nowMs);
  // The last block, not the latest time: one in which the clock was stepped has times of both clocks.
  const newestMs = recovery.ringTail.at(-1)?.toMs ?? -Infinity;
  const drafts: SummaryDraft[] = [];
  const bases = new Map<number, CounterBase>();
  for (const tail of tails) {
    if (!isLast(tail, recovery)) continue;
    if (tail.endMs < tail.datedMs) {
      countThrough(model, recovery, tail, bases);
      continue;
    }
    for (const fromMs of minutesOf(tail, newestMs, tail.boot === recovery.previousBoot ? options.nowMs : null)) {
      const limitMs = Math.min(fromMs + minuteMs, Math.max(tail.limitMs, tail.endMs));
      // Into a minute behind all readings nothing is counted; had no other been rebuilt, what they count would be nobody's.
      if (fromMs <= tail.endMs) drafts.push(...summaries(model, recovery, tail, fromMs, limitMs, bases));
      const state = stateSummary(model, recovery, tail, fromMs, limitMs, options);
      if (state !== null) drafts.push(state);
    }
    goOnBehindStored(model, recovery, tail, bases);
  }
  return { drafts, bases, damagedBlocks };
}

/**
 * B7. A tail of a boot that did not know the time is counted through all the same. Where the journal knows of no boot before, each tail
 * is all there is.
 */
function isLast({ boot, endMs, datedMs }: Tail, { previousBoot }: Recovery): boolean {
  return previousBoot === null || boot === previousBoot || endMs < datedMs;
}

/** B1. What the process told of a minute after the last block on the disk is counted: it is not counted again. */
function goOnBehindStored(model: MachineModel, recovery: Recovery, tail: Tail, bases: Map<number, CounterBase>): void {
  const { boot, segment, shiftMs } = tail;
  const own = recovery.openSummaries.filter(
    (s) => s.machine === model.setup.id && s.readingBoot === boot && s.segment === segment,
  );
  for (const signal of model.signals) {
    if (counterSpec(signal) === null) continue;
    for (const { counter } of own.filter((s) => s.signal === signal.name)) {
      const tMs = (counter?.toMs ?? -Infinity) + shiftMs;
      if (counter !== null && tMs > (bases.get(signal.index)?.tMs ?? -Infinity))
        bases.set(signal.index, { tMs, value: counter.to, suspect: null });
    }
  }
}

/** Where counters stand at the end of a tail whose minutes are not rebuilt. */
function countThrough(model: MachineModel, recovery: Recovery, tail: Tail, bases: Map<number, CounterBase>): void {
  for (const signal of model.signals) {
    const spec = counterSpec(signal);
    if (spec === null) continue;
    const own = tail.readings.filter((reading) => reading.signal === signal.name);
    const base = baseFor(recovery, model, signal, undefined, bases, tail);
    const counting = countOn(own, base, spec, Infinity, Infinity);
    if (counting !== null) bases.set(signal.index, movedBy(counting.base, tail.shiftMs));
  }
}

/** Minutes a tail can tell of; the last one also of the seconds before the new process in the minute of its start. */
function minutesOf(tail: Tail, newestMs: number, startMs: number | null): number[] {
  const minutes: number[] = [];
  // The tail begins somewhere within a minute that is not wholly in it; only whole ones are touched.
  const firstMs = Math.max(
    minuteOf(newestMs) - minuteMs,
    tail.firstMinuteMs ?? -Infinity,
    minuteOf(tail.readings[0]?.sourceTimeMs ?? -Infinity),
    // Whatever the two clocks of a step say, the ring's tail has two minutes.
    minuteOf(tail.endMs) - minuteMs,
    tail.datedMs === -Infinity ? -Infinity : minuteOf(tail.datedMs),
  );
  for (let fromMs = firstMs; fromMs <= minuteOf(tail.endMs); fromMs += minuteMs) minutes.push(fromMs);
  const ofStartMs = startMs === null ? null : minuteOf(startMs);
  if (ofStartMs !== null && ofStartMs > minuteOf(tail.endMs)) minutes.push(ofStartMs);
  return minutes;
}

function summaries(
  model: MachineModel,
  recovery: Recovery,
  tail: Tail,
  fromMs: number,
  limitMs: number,
  bases: Map<number, CounterBase>,
): SummaryDraft[] {
  const drafts: SummaryDraft[] = [];
  for (const signal of model.signals.filter(isSummarised)) {
    const stored = recovery.openSummaries.find(
      (record) => keyMatches(record, model, tail, fromMs) && record.signal === signal.name,
    );
    const spec = counterSpec(signal);
    const own = tail.readings.filter((reading) => reading.signal === signal.name);
    const base = spec === null ? null : baseFor(recovery, model, signal, stored, bases, tail);
    const cutMs = Math.max(stored?.atMs ?? fromMs, tail.datedMs);
    const points = new MinutePoints();
    let before: Point | null = null;
    for (const reading of own) {
      const point: Point = {
        tMs: reading.sourceTimeMs,
        value: typeof reading.value === 'number' ? reading.value : NaN,
        rank: rank[reading.quality],
      };
      if (point.tMs <= cutMs && (stored !== undefined || point.tMs < Math.max(fromMs, tail.datedMs))) before = point;
      else if (point.tMs < fromMs + minuteMs) points.add(point.tMs, point.value, point.rank);
    }
    const counting = countOn(own, base, spec, fromMs + minuteMs, stored === undefined ? cutMs : -Infinity);
    if (counting !== null) bases.set(signal.index, movedBy(counting.base, tail.shiftMs));
    // A reading of the very millisecond in which a revision was written, or a segment began, is in none yet.
    const countsMore = (counting?.totals?.toMs ?? -Infinity) >= cutMs;
    if ((tail.endMs <= cutMs || limitMs <= cutMs) && !countsMore) continue;
    const { totals } = foldMinute(points, {
      fromMs: cutMs,
      toMs: Math.min(limitMs, tail.endMs),
      before,
      gaps: [],
      // Unchanged readings are not in the ring: a value holds until the next point; bad points mark where it does not.
      holdMs: Infinity,
      counter: null,
    });
    const sum = added(stored, { ...totals, counter: counting?.totals ?? null });
    if (sum.samples === 0 && sum.coveredS === 0 && sum.counter === null) continue;
    drafts.push({ kind: 'summary', ...identity(model, tail, fromMs, limitMs, stored), signal: signal.name, ...sum });
  }
  return drafts;
}

/** Counts on through the ring's points up to `untilMs`. Steps that end before `fromMs` belong to a minute that is stored. */
function countOn(
  readings: readonly StoredReading[],
  base: CounterBase | null,
  spec: ReturnType<typeof counterSpec>,
  untilMs: number,
  fromMs: number,
): { base: CounterBase; totals: MinuteTotals['counter'] } | null {
  if (spec === null) return null;
  let at = base;
  let totals: MinuteTotals['counter'] = null;
  const resets: ResetSpan[] = [];
  for (const { sourceTimeMs: tMs, value, quality } of readings) {
    if (tMs >= untilMs || typeof value !== 'number' || quality !== 'good') continue;
    const next = advanceCounter(spec, at, { tMs, value }, resets);
    at = next.base;
    if (next.step !== null && tMs >= fromMs) totals = addStep(totals, next.step);
  }
  return at === null ? null : { base: at, totals };
}

/** Where counting goes on, on the tail's clock: behind the stored revision, else where the minute or boot before ended, else the last summary. */
function baseFor(
  recovery: Recovery,
  model: MachineModel,
  signal: SignalModel,
  stored: SummaryRecord | undefined,
  bases: ReadonlyMap<number, CounterBase>,
  { shiftMs }: Tail,
): CounterBase | null {
  if (stored?.counter) return { tMs: stored.counter.toMs, value: stored.counter.to, suspect: null };
  const before = bases.get(signal.index);
  if (before !== undefined) return movedBy(before, -shiftMs);
  const last = recovery.lastCounters.find((c) => c.machine === model.setup.id && c.signal === signal.name);
  return last === undefined ? null : { tMs: last.atMs - shiftMs, value: last.value, suspect: null };
}

/** On another clock. */
function movedBy({ tMs, value, suspect }: CounterBase, shiftMs: number): CounterBase {
  return {
    tMs: tMs + shiftMs,
    value,
    suspect: suspect === null ? null : { tMs: suspect.tMs + shiftMs, value: suspect.value },
  };
}

function added(stored: SummaryRecord | undefined, more: MinuteTotals): MinuteTotals {
  if (stored === undefined) return more;
  return {
    samples: stored.samples + more.samples,
    good: stored.good + more.good,
    sum: stored.sum + more.sum,
    integral: stored.integral + more.integral,
    coveredS: stored.coveredS + more.coveredS,
    min: lesser(stored.min, more.min, Math.min),
    max: lesser(stored.max, more.max, Math.max),
    first: stored.first ?? more.first,
    last: more.last ?? stored.last,
    counter: joined(stored.counter, more.counter),
  };
}

function joined(a: MinuteTotals['counter'], b: MinuteTotals['counter']): MinuteTotals['counter'] {
  if (a === null || b === null) return a ?? b;
  return {
    delta: a.delta + b.delta,
    uncertainty: a.uncertainty + b.uncertainty,
    from: a.from,
    fromMs: a.fromMs,
    to: b.to,
    toMs: b.toMs,
    wraps: a.wraps + b.wraps,
    resets: a.resets + b.resets,
  };
}

function lesser(a: number | null, b: number | null, pick: (a: number, b: number) => number): number | null {
  return a === null || b === null ? (a ?? b) : pick(a, b);
}

function stateSummary(
  model: MachineModel,
  recovery: Recovery,
  tail: Tail,
  fromMs: number,
  limitMs: number,
  options: RebuildOptions,
): SummaryDraft | null {
  const stored = recovery.openStateSummaries.find((record) => keyMatches(record, model, tail, fromMs));
  const isLast = tail.boot === recovery.previousBoot;
  // A minute that was sealed is whole; of other boots than the last one the process after them has seen to it.
  if (stored !== undefined && (stored.atMs >= limitMs || (tail.endMs <= stored.atMs && !isLast))) return null;
  const [first] = tail.readings;
  const earlier = first !== undefined && first.sourceTimeMs < fromMs;
  const cutMs = Math.max(stored?.atMs ?? (earlier ? fromMs : (first?.sourceTimeMs ?? fromMs)), tail.datedMs);
  // Nothing of this minute is the boot's own.
  if (cutMs >= limitMs) return null;
  const more = replayStates(model, tail, options).fold(cutMs, limitMs);
  return {
    kind: 'state-summary',
    ...identity(model, tail, fromMs, limitMs, stored),
    seconds: addedSeconds(stored?.seconds ?? {}, more.seconds),
    causes: addedSeconds(stored?.causes ?? {}, more.causes),
  };
}

/** The states the ring's readings tell; UNKNOWN in holes between blocks and after the last reading. */
function replayStates(model: MachineModel, tail: Tail, options: RebuildOptions): StateTimeline {
  const reader = new MachineStateReader(model.setup.profile, model.setup.firmware);
  const startMs = tail.readings[0]?.sourceTimeMs ?? tail.firstMinuteMs ?? tail.endMs;
  const timeline = new StateTimeline({ tMs: startMs, state: 'UNKNOWN', cause: null });
  // A block holds its first change and its last reading, so blocks of an unchanged machine lie up to two blocks apart.
  const holeMs = (2 * options.ringBlockS + 1) * 1000;
  let heardMs = startMs;
  let gapMs: number | null = null;
  for (const [i, reading] of tail.readings.entries()) {
    const tMs = reading.sourceTimeMs;
    if (reading.reason?.startsWith('gap-') === true) {
      gapMs ??= tMs;
      reader.forget();
      timeline.set(gapMs, 'UNKNOWN', null);
      continue;
    }
    if (gapMs !== null) {
      if (tMs - gapMs >= options.offlineAfterS * 1000) timeline.set(gapMs, 'OFFLINE', null);
      gapMs = null;
    } else if (tMs - heardMs > holeMs) timeline.set(heardMs, 'UNKNOWN', null);
    heardMs = tMs;
    reader.put(reading.signal, reading.value);
    // All readings of one instant together are one picture of the machine.
    if (tail.readings[i + 1]?.sourceTimeMs === tMs) continue;
    const { state, cause } = reader.verdict();
    timeline.set(tMs, state, cause);
  }
  timeline.set(tail.endMs, 'UNKNOWN', null);
  return timeline;
}

function addedSeconds<K extends string>(
  a: Readonly<Partial<Record<K, number>>>,
  b: Readonly<Partial<Record<K, number>>>,
): Record<K, number> {
  const sum = { ...a } as Record<K, number>;
  for (const [key, seconds] of Object.entries(b) as [K, number][]) {
    // Whole milliseconds, so that sixty seconds stay sixty.
    sum[key] = Math.round(((sum[key] ?? 0) + seconds) * 1000) / 1000;
  }
  return sum;
}

function keyMatches(
  record: SummaryRecord | StateSummaryRecord,
  model: MachineModel,
  tail: Tail,
  fromMs: number,
): boolean {
  return (
    record.machine === model.setup.id &&
    record.readingBoot === tail.boot &&
    record.segment === tail.segment &&
    record.minuteMs === fromMs
  );
}

function identity(
  model: MachineModel,
  tail: Tail,
  fromMs: number,
  limitMs: number,
  stored: SummaryRecord | StateSummaryRecord | undefined,
) {
  return {
    machine: model.setup.id,
    atMs: Math.round(limitMs),
    minuteMs: fromMs,
    readingBoot: tail.boot,
    segment: tail.segment,
    revision: (stored?.revision ?? 0) + 1,
  };
}
