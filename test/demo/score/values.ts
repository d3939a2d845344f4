/**
 * Every stored gauge, flag, code and word against what the machine showed: one wrong address, bit, word order, scale or sign
 * shows here. Counters are judged by what they conserve.
 */
import type { StoredPoint, TruthLine, ValueRow } from './report.ts';

/** A reading may be this old when it is stored (a slow reply), and the clock edges this far apart, ms. */
const olderMs = 3000;
const newerMs = 150;
/** A flag, code or word that stood for so long in all must have been read: polls come four times a second. */
const mustBeSeenMs = 2000;

interface Shown {
  readonly t: number;
  readonly value: unknown;
}

export function judgeValues(
  truth: readonly TruthLine[],
  stored: (machine: string, signal: string) => readonly StoredPoint[],
): { rows: ValueRow[]; problems: string[] } {
  const shownBy = new Map<string, { machine: string; signal: string; isStatus: boolean; shown: Shown[] }>();
  const endMs = truth.at(-1)?.t ?? 0;
  for (const line of truth) {
    if (line.kind !== 'gauge' && line.kind !== 'status') continue;
    const signal = String(line.data['signal']);
    const key = `${line.machine} ${signal}`;
    let entry = shownBy.get(key);
    if (entry === undefined) {
      entry = { machine: line.machine, signal, isStatus: line.kind === 'status', shown: [] };
      shownBy.set(key, entry);
    }
    entry.shown.push({ t: line.t, value: line.data['value'] });
  }
  const rows: ValueRow[] = [];
  const problems: string[] = [];
  for (const { machine, signal, isStatus, shown } of shownBy.values()) {
    let checked = 0;
    let wrong = 0;
    let example: string | null = null;
    for (const point of stored(machine, signal)) {
      if (!point.good) continue;
      checked += 1;
      if (wasShown(shown, point.tMs, point.value)) continue;
      wrong += 1;
      example ??= `${String(point.value)} at ${new Date(point.tMs).toISOString()}`;
    }
    if (isStatus && checked > 0) {
      const read = new Set(stored(machine, signal).map((point) => point.value));
      for (const [value, ms] of standingMs(shown, awayOf(truth, machine), endMs)) {
        if (ms >= mustBeSeenMs && !read.has(value as StoredPoint['value']))
          problems.push(
            `${machine} ${signal}: showed ${String(value)} for ${(ms / 1000).toFixed(1)} s and was never read so`,
          );
      }
    }
    rows.push({ machine, signal, checked, wrong, example });
    if (checked === 0) problems.push(`${machine} ${signal}: no good reading was stored`);
    if (wrong > 0)
      problems.push(`${machine} ${signal}: ${wrong} of ${checked} readings were never true, such as ${example ?? ''}`);
  }
  return { rows, problems };
}

/** Was `value` on show at some time in [t − olderMs, t + newerMs]? `shown` is in time order; a value stands until the next. */
function wasShown(shown: readonly Shown[], t: number, value: StoredPoint['value']): boolean {
  let low = 0;
  let high = shown.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shown[middle]?.t ?? Infinity) <= t + newerMs) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0; i -= 1) {
    const entry = shown[i];
    if (entry === undefined) return false;
    if (isSame(entry.value, value)) return true;
    if (entry.t < t - olderMs) return false;
  }
  return false;
}

function isSame(shown: unknown, read: StoredPoint['value']): boolean {
  if (typeof shown !== 'number' || typeof read !== 'number') return shown === read;
  return Math.abs(shown - read) <= 1e-6 * Math.max(1, Math.abs(read));
}

/** Spans in which nobody could reach the machine, by its truth. */
function awayOf(truth: readonly TruthLine[], machine: string): [fromMs: number, toMs: number][] {
  const states = truth.filter((line) => line.kind === 'state' && line.machine === machine);
  return states.flatMap((line, i): [number, number][] =>
    line.data['state'] === 'OFFLINE' ? [[line.t, states[i + 1]?.t ?? Infinity]] : [],
  );
}

/** How long each value stood in all while the machine could be reached, ms. */
function standingMs(
  shown: readonly Shown[],
  away: readonly [fromMs: number, toMs: number][],
  endMs: number,
): Map<unknown, number> {
  const total = new Map<unknown, number>();
  for (const [i, { t, value }] of shown.entries()) {
    const untilMs = shown[i + 1]?.t ?? endMs;
    const hiddenMs = away.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, untilMs) - Math.max(from, t)), 0);
    total.set(value, (total.get(value) ?? 0) + Math.max(0, untilMs - t - hiddenMs));
  }
  return total;
}
