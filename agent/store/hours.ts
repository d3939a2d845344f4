/**
 * Rows of one key, and minutes folded into hours. Pure.
 *
 * A folded hour is a row like any other: its minute is the first it holds, and its sums are those of all its minutes. So sums, means
 * (sum / good, integral / coveredS), extremes, counts and seconds by state come out the same for every span of whole hours.
 *
 * Invariants (test/unit/store/hours.test.ts):
 *  O1  Of one key the row with the highest (revision, boot, n) counts, in whatever order they come.
 *  O2  Folding loses and adds nothing: samples, good, sum, integral, covered seconds, counts and seconds by state add up to the same.
 */
import type { PackedRows, SignalRow, StateRow } from './packing.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
export const startOf = (atMs: number, spanMs: number): number => Math.floor(atMs / spanMs) * spanMs;

type Row = SignalRow | StateRow;
const keyOf = (row: Row): string =>
  `${row.minuteMs}~${row.machine}~${'signal' in row ? row.signal : ''}~${row.readingBoot}~${row.segment}`;

/** True when `a` stands and `b` does not. */
function wins(a: Row, b: Row): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  if (a.boot !== b.boot) return a.boot > b.boot;
  return a.n > b.n;
}

/** The row that stands of each key. */
export function standing<T extends Row>(rows: Iterable<T>): T[] {
  const found = new Map<string, T>();
  for (const row of rows) {
    const key = keyOf(row);
    const before = found.get(key);
    if (before === undefined || wins(row, before)) found.set(key, row);
  }
  return [...found.values()];
}

/** Both together, of each key the row that stands. */
export function together(a: PackedRows, b: PackedRows): PackedRows {
  return { signals: standing([...a.signals, ...b.signals]), states: standing([...a.states, ...b.states]) };
}

/** Minutes of any number of machines as hours: one row for each key and UTC hour. It takes the identity of its first minute. */
export function foldHours({ signals, states }: PackedRows): PackedRows {
  const groupOf = (row: Row): string => `${startOf(row.minuteMs, hourMs)}~${keyOf({ ...row, minuteMs: 0 })}`;
  const inOrder = <T extends Row>(rows: readonly T[]): T[] => standing(rows).sort((a, b) => a.minuteMs - b.minuteMs);
  return {
    signals: [...Map.groupBy(inOrder(signals), groupOf).values()].map(foldSignal),
    states: [...Map.groupBy(inOrder(states), groupOf).values()].map(foldState),
  };
}

function foldSignal(rows: readonly SignalRow[]): SignalRow {
  const [first] = rows as [SignalRow, ...SignalRow[]];
  const sum = (of: (row: SignalRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const known = (of: (row: SignalRow) => number | null): number[] => rows.map(of).filter((value) => value !== null);
  const extreme = (values: readonly number[], of: (...values: number[]) => number) =>
    values.length === 0 ? null : of(...values);
  const counted = rows.filter((row) => row.delta !== null);
  const [start, end] = [counted[0], counted.at(-1)];
  const total = (of: (row: SignalRow) => number | null) =>
    start === undefined ? null : counted.reduce((sum, row) => sum + (of(row) ?? 0), 0);
  return {
    ...first,
    revision: Math.max(...rows.map((row) => row.revision)),
    atMs: Math.max(...rows.map((row) => row.atMs)),
    samples: sum((row) => row.samples),
    good: sum((row) => row.good),
    sum: sum((row) => row.sum),
    integral: sum((row) => row.integral),
    coveredS: sum((row) => row.coveredS),
    min: extreme(
      known((row) => row.min),
      Math.min,
    ),
    max: extreme(
      known((row) => row.max),
      Math.max,
    ),
    first: known((row) => row.first)[0] ?? null,
    last: known((row) => row.last).at(-1) ?? null,
    delta: total((row) => row.delta),
    uncertainty: total((row) => row.uncertainty),
    from: start?.from ?? null,
    to: end?.to ?? null,
    fromMs: start?.fromMs ?? null,
    toMs: end?.toMs ?? null,
    wraps: total((row) => row.wraps),
    resets: total((row) => row.resets),
  };
}

function foldState(rows: readonly StateRow[]): StateRow {
  const [first] = rows as [StateRow, ...StateRow[]];
  return {
    ...first,
    revision: Math.max(...rows.map((row) => row.revision)),
    atMs: Math.max(...rows.map((row) => row.atMs)),
    seconds: added(rows.map((row) => row.seconds)),
    causes: added(rows.map((row) => row.causes)),
  };
}

/** JSON objects of numbers, added up. */
function added(texts: readonly string[]): string {
  const sums: Record<string, number> = {};
  for (const text of texts) {
    for (const [name, seconds] of Object.entries(JSON.parse(text) as Record<string, number>)) {
      sums[name] = (sums[name] ?? 0) + seconds;
    }
  }
  return JSON.stringify(sums);
}
