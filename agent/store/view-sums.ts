/**
 * What the views Floor and Machine show of minutes and readings: bands of a curve, states over time, stops by cause, and the
 * sums of a day. Pure.
 *
 * Invariants (test/unit/store/view-sums.test.ts):
 *  V1  A band holds every extreme of its rows, however wide its steps; a step without a good value is a hole.
 *  V2  The seconds of a step, those unknown included, add up to its length: what no minute tells is unknown, never a state.
 *  V3  Stops lose no second: those by cause, those without one, those that run, idle and are unknown add up to the span.
 *  V4  Of an hour that was folded, and in which a span begins or ends, nothing is told that may belong to another span: its time is unknown,
 *      and what its counters went on by is uncertainty.
 */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { TrendPoint } from './history.ts';
import { hourMs, minuteMs, startOf } from './hours.ts';
import type { PackedRows, SignalRow, StateRow } from './packing.ts';

export type SecondsByState = Readonly<Partial<Record<MachineState, number>>>;

/** Lowest, mean and highest of each step of a curve; null: no good value in it. */
export interface Band {
  /** `ring`: single readings; `minutes`: their summaries. */
  readonly source: 'ring' | 'minutes';
  readonly stepMs: number;
  /** Starts of the steps, UTC milliseconds. Of a hole its first step alone is listed. */
  readonly t: readonly number[];
  readonly low: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export interface TimelineStep {
  readonly atMs: number;
  /** States but UNKNOWN. */
  readonly seconds: SecondsByState;
  /** No minute tells, or the state was not known. */
  readonly unknownS: number;
}
export interface Timeline {
  readonly stepMs: number;
  /** Up to where minutes are closed; what comes after is not unknown but not told yet. */
  readonly toMs: number;
  readonly steps: readonly TimelineStep[];
}

/** Changes into a state that is a stop, from the journal. */
export interface StopCount {
  readonly to: MachineState;
  readonly cause: string | null;
  readonly count: number;
}
export interface Stop {
  /** null: the machine did not tell. */
  readonly cause: string | null;
  readonly seconds: number;
  readonly count: number;
}
export interface Stops {
  readonly fromMs: number;
  readonly toMs: number;
  /** The longest first. */
  readonly stops: readonly Stop[];
  readonly runS: number;
  /** Idle without a cause. */
  readonly idleS: number;
  /** Offline, unknown, or no minute tells. */
  readonly unknownS: number;
}

export interface MachineToday {
  readonly machine: string;
  /** What each counter went on by, and how far that may be off. */
  readonly counters: readonly { readonly signal: string; readonly delta: number; readonly uncertainty: number }[];
  readonly seconds: SecondsByState;
  readonly unknownS: number;
  readonly samples: number;
  readonly good: number;
}

/** Minutes that end so shortly before the end of a span are the newest there can be. */
export const newestMs = 3 * minuteMs;
const maxStops = 40;
const maxCounters = 32;
/** Values are stored at least this often, so a value stands no longer without another. */
export const heartbeatMs = 61_000;

/** Length of the steps in which a span makes at most `points`; whole minutes where `ofMinutes`. */
export function stepOf(spanMs: number, points: number, ofMinutes: boolean): number {
  const plain = Math.max(1, Math.ceil(spanMs / Math.max(1, points)));
  return ofMinutes ? Math.max(1, Math.ceil(plain / minuteMs)) * minuteMs : plain;
}

interface Extent {
  low: number;
  high: number;
  /** Sum of values times weight. */
  sum: number;
  weight: number;
}
function add(extents: Map<number, Extent>, atMs: number, part: Extent): void {
  const known = extents.get(atMs);
  if (known === undefined) extents.set(atMs, { ...part });
  else {
    known.low = Math.min(known.low, part.low);
    known.high = Math.max(known.high, part.high);
    known.sum += part.sum;
    known.weight += part.weight;
  }
}

/** @param rows minutes of one signal, of each key the one that stands */
export function bandOfMinutes(rows: readonly SignalRow[], fromMs: number, toMs: number, stepMs: number): Band {
  const extents = new Map<number, Extent>();
  for (const { minuteMs: atMs, min, max, integral, coveredS, sum, good } of rows) {
    if (min === null || max === null) continue;
    const isCovered = coveredS > 0;
    if (!isCovered && good === 0) continue;
    const [total, weight] = isCovered ? [integral, coveredS] : [sum, good];
    add(extents, startOf(atMs, stepMs), { low: min, high: max, sum: total, weight });
  }
  return bandOf('minutes', extents, startOf(fromMs, stepMs), toMs, stepMs);
}

/** @param points readings in order of time; the first may lie before `fromMs` and stands until the next */
export function bandOfReadings(points: readonly TrendPoint[], fromMs: number, toMs: number, stepMs: number): Band {
  const firstMs = startOf(fromMs, stepMs);
  const extents = new Map<number, Extent>();
  for (const [index, { atMs, value, quality }] of points.entries()) {
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number' || quality === 'bad') continue;
    const one = { low: number, high: number, sum: number, weight: 1 };
    // Stored by exception: it stands until the next reading, in every step between.
    const untilMs = Math.min(points[index + 1]?.atMs ?? Infinity, atMs + heartbeatMs, toMs + 1);
    for (let at = Math.max(firstMs, startOf(atMs, stepMs)); at < untilMs; at += stepMs) add(extents, at, one);
  }
  return bandOf('ring', extents, firstMs, toMs, stepMs);
}

function bandOf(
  source: Band['source'],
  extents: ReadonlyMap<number, Extent>,
  firstMs: number,
  toMs: number,
  stepMs: number,
): Band {
  const t: number[] = [];
  const low: (number | null)[] = [];
  const mean: (number | null)[] = [];
  const high: (number | null)[] = [];
  let isHole = false;
  for (let atMs = firstMs; atMs <= toMs; atMs += stepMs) {
    const found = extents.get(atMs);
    if (found === undefined && isHole) continue;
    isHole = found === undefined;
    t.push(atMs);
    low.push(found?.low ?? null);
    high.push(found?.high ?? null);
    mean.push(found === undefined ? null : Math.min(found.high, Math.max(found.low, found.sum / found.weight)));
  }
  return { source, stepMs, t, low, mean, high };
}

const secondsOf = (row: StateRow): Record<string, number> => JSON.parse(row.seconds) as Record<string, number>;
const causesOf = (row: StateRow): Record<string, number> => JSON.parse(row.causes) as Record<string, number>;
const total = (seconds: Readonly<Record<string, number>>): number =>
  Object.values(seconds).reduce((sum, one) => sum + one, 0);

/** Where a span ends for who reads minutes: the newest may not be closed yet. */
export function closedTo(rows: readonly { readonly minuteMs: number }[], toMs: number): number {
  const lastMs = rows.reduce((last, row) => Math.max(last, row.minuteMs + minuteMs), 0);
  return lastMs < toMs && lastMs >= toMs - newestMs ? lastMs : toMs;
}

/** @param rows seconds by state of one machine's minutes, of each key the one that stands */
export function timelineOf(rows: readonly StateRow[], fromMs: number, toMs: number, stepMs: number): Timeline {
  const endMs = closedTo(rows, toMs);
  const byStep = Map.groupBy(rows, (row) => startOf(row.minuteMs, stepMs));
  const steps: TimelineStep[] = [];
  for (let atMs = startOf(fromMs, stepMs); atMs < endMs; atMs += stepMs) {
    const lengthS = (Math.min(atMs + stepMs, endMs) - Math.max(atMs, fromMs)) / 1000;
    const seconds: Record<string, number> = {};
    for (const row of byStep.get(atMs) ?? []) {
      if (row.minuteMs < startOf(fromMs, minuteMs) || row.minuteMs >= endMs) continue;
      for (const [state, s] of Object.entries(secondsOf(row))) seconds[state] = (seconds[state] ?? 0) + s;
    }
    steps.push({ atMs, ...withUnknown(seconds, lengthS) });
  }
  return { stepMs, toMs: endMs, steps };
}

/** Seconds of a span by state; what they leave of its length is unknown. Too many (a clock that was set back) are shared out. */
function withUnknown(
  seconds: Readonly<Record<string, number>>,
  lengthS: number,
): { readonly seconds: SecondsByState; readonly unknownS: number } {
  const { UNKNOWN: _, ...known } = seconds;
  const sum = total(known);
  const share = sum > lengthS ? lengthS / sum : 1;
  const shared = Object.fromEntries(Object.entries(known).map(([state, s]) => [state, s * share]));
  return { seconds: shared, unknownS: Math.max(0, lengthS - sum * share) };
}

const standing: readonly MachineState[] = ['STOP_MATERIAL', 'FAULT', 'SETUP', 'MAINTENANCE'];
/** Whether a change into this state is a stop: idle is one where the machine says why. */
export const isStop = ({ to, cause }: Pick<StopCount, 'to' | 'cause'>): boolean =>
  standing.includes(to) || (to === 'IDLE' && cause !== null);

/** Tells how long a machine stood in a row, by cause; what is left of it was idle without a cause, or ran. */
function stoodOf(
  row: StateRow,
  put: (cause: string | null, seconds: number) => void,
): { readonly idleS: number; readonly runS: number } {
  const seconds = secondsOf(row);
  const stoodS = standing.reduce((sum, state) => sum + (seconds[state] ?? 0), 0);
  // Causes first in what stands, then in what is idle, and at last (a warning) in what runs.
  let freeS = stoodS + (seconds['IDLE'] ?? 0) + (seconds['RUN'] ?? 0);
  let toldS = 0;
  for (const [cause, s] of Object.entries(causesOf(row))) {
    const takenS = Math.min(s, freeS);
    freeS -= takenS;
    toldS += takenS;
    put(cause, takenS);
  }
  if (stoodS > toldS) put(null, stoodS - toldS);
  const beyondS = Math.max(0, toldS - stoodS);
  const idleS = Math.max(0, (seconds['IDLE'] ?? 0) - beyondS);
  const runS = Math.max(0, (seconds['RUN'] ?? 0) - Math.max(0, beyondS - (seconds['IDLE'] ?? 0)));
  return { idleS, runS };
}

/** @param rows as for `timelineOf` */
export function stopsOf(rows: readonly StateRow[], counts: readonly StopCount[], fromMs: number, toMs: number): Stops {
  const endMs = closedTo(rows, toMs);
  const found = new Map<string | null, { seconds: number; count: number }>();
  const put = (cause: string | null, seconds: number, count: number) => {
    const known = found.get(cause) ?? { seconds: 0, count: 0 };
    found.set(cause, { seconds: known.seconds + seconds, count: known.count + count });
  };
  const sums = { run: 0, idle: 0 };
  for (const row of rows) {
    const { idleS, runS } = stoodOf(row, (cause, s) => put(cause, s, 0));
    sums.idle += idleS;
    sums.run += runS;
  }
  for (const count of counts) if (isStop(count)) put(count.cause, 0, count.count);
  const stops = [...found]
    .map(([cause, { seconds, count }]) => ({ cause, seconds, count }))
    .sort((a, b) => b.seconds - a.seconds || b.count - a.count || String(a.cause).localeCompare(String(b.cause)));
  const shown = stops.slice(0, maxStops);
  const stoppedS = stops.reduce((sum, { seconds }) => sum + seconds, 0);
  const unknownS = Math.max(0, (endMs - fromMs) / 1000 - stoppedS - sums.idle - sums.run);
  return { fromMs, toMs: endMs, stops: shown, runS: sums.run, idleS: sums.idle, unknownS };
}

/** What of a machine's day, or another span, is added up so far. */
export interface DaySums {
  readonly counters: Map<string, { delta: number; uncertainty: number }>;
  readonly seconds: Record<string, number>;
  /** Seconds it stood by cause; null: the machine did not tell. */
  readonly stops: Map<string | null, number>;
  samples: number;
  good: number;
  /** End of the newest minute. */
  toMs: number;
  /** Starts of the folded hours that lie in the span in part (V4). */
  readonly cutHours: Set<number>;
}
export const noSums = (): DaySums => ({
  counters: new Map(),
  seconds: {},
  stops: new Map(),
  samples: 0,
  good: 0,
  toMs: 0,
  cutHours: new Set(),
});

/**
 * Rows of one machine in [fromMs, toMs), of each key the one that stands.
 * @param of what a row sums up: a minute, or the minutes of an hour from the first of them on (`hours.ts`)
 */
export function sumsOf(
  { signals, states }: PackedRows,
  fromMs: number,
  toMs: number,
  of: 'minute' | 'hour' = 'minute',
): DaySums {
  const sums = noSums();
  const within = (row: { readonly minuteMs: number }) => row.minuteMs >= fromMs && row.minuteMs < toMs;
  /** A folded hour begins with its first minute, and ends at the latest with the hour. */
  const isCut = ({ minuteMs: atMs }: { readonly minuteMs: number }) => {
    const endMs = startOf(atMs, hourMs) + hourMs;
    return of === 'hour' && atMs < toMs && endMs > fromMs && (atMs < fromMs || endMs > toMs);
  };
  for (const row of [...signals, ...states].filter(isCut)) {
    sums.cutHours.add(startOf(row.minuteMs, hourMs));
    if ('delta' in row && row.delta !== null)
      countUp(sums, row.signal, 0, Math.abs(row.delta) + (row.uncertainty ?? 0));
  }
  for (const row of signals.filter((one) => within(one) && !isCut(one))) {
    sums.samples += row.samples;
    sums.good += row.good;
    if (row.delta !== null) countUp(sums, row.signal, row.delta, row.uncertainty ?? 0);
  }
  for (const row of states.filter((one) => within(one) && !isCut(one))) {
    sums.toMs = Math.max(sums.toMs, row.minuteMs + minuteMs);
    for (const [state, s] of Object.entries(secondsOf(row))) sums.seconds[state] = (sums.seconds[state] ?? 0) + s;
    stoodOf(row, (cause, s) => standUp(sums, cause, s));
  }
  return sums;
}
export function countUp(sums: DaySums, signal: string, delta: number, uncertainty: number): void {
  const known = sums.counters.get(signal) ?? { delta: 0, uncertainty: 0 };
  sums.counters.set(signal, { delta: known.delta + delta, uncertainty: known.uncertainty + uncertainty });
}
function standUp(sums: DaySums, cause: string | null, s: number): void {
  sums.stops.set(cause, (sums.stops.get(cause) ?? 0) + s);
}
export function addSums(into: DaySums, more: DaySums): void {
  for (const [signal, { delta, uncertainty }] of more.counters) countUp(into, signal, delta, uncertainty);
  for (const [state, s] of Object.entries(more.seconds)) into.seconds[state] = (into.seconds[state] ?? 0) + s;
  for (const [cause, s] of more.stops) standUp(into, cause, s);
  into.samples += more.samples;
  into.good += more.good;
  into.toMs = Math.max(into.toMs, more.toMs);
  for (const hour of more.cutHours) into.cutHours.add(hour);
}

/** Seconds of [fromMs, toMs) that lie in folded hours of which only a part does. */
export function cutSecondsOf({ cutHours }: DaySums, fromMs: number, toMs: number): number {
  const shared = [...cutHours].map((hour) => Math.min(hour + hourMs, toMs) - Math.max(hour, fromMs));
  return shared.reduce((sum, ms) => sum + Math.max(0, ms), 0) / 1000;
}

/**
 * A machine's day as it is told: of its counters the first so many by name, and unknown what no minute tells.
 * @param isOver the span ended long enough ago that none of its minutes is still to come
 */
export function todayOf(machine: string, sums: DaySums, fromMs: number, toMs: number, isOver = false): MachineToday {
  const endMs = isOver ? toMs : closedTo([{ minuteMs: sums.toMs - minuteMs }], toMs);
  const counters = [...sums.counters]
    .map(([signal, counted]) => ({ signal, ...counted }))
    .sort((a, b) => (a.signal < b.signal ? -1 : 1))
    .slice(0, maxCounters);
  const { samples, good } = sums;
  return { machine, counters, ...withUnknown(sums.seconds, Math.max(0, endMs - fromMs) / 1000), samples, good };
}
