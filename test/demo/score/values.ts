/**
 * Every stored gauge, flag, code and word against what the machine showed: one wrong address, bit, word order, scale or sign
 * shows here. Counters are judged by what they conserve.
 */
import type { StoredPoint, TruthLine, ValueRow } from './report.ts';

/** A reading may be this old when it is stored (a slow reply), and the clock edges this far apart, ms. */
const olderMs = 3000;
const newerMs = 150;

interface Shown {
  readonly t: number;
  readonly value: unknown;
}

export function judgeValues(
  truth: readonly TruthLine[],
  stored: (machine: string, signal: string) => readonly StoredPoint[],
): { rows: ValueRow[]; problems: string[] } {
  const shownBy = new Map<string, { machine: string; signal: string; shown: Shown[] }>();
  for (const line of truth) {
    if (line.kind !== 'gauge' && line.kind !== 'status') continue;
    const signal = String(line.data['signal']);
    const key = `${line.machine} ${signal}`;
    let entry = shownBy.get(key);
    if (entry === undefined) shownBy.set(key, (entry = { machine: line.machine, signal, shown: [] }));
    entry.shown.push({ t: line.t, value: line.data['value'] });
  }
  const rows: ValueRow[] = [];
  const problems: string[] = [];
  for (const { machine, signal, shown } of shownBy.values()) {
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
