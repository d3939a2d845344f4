/** Counters: what the machine really counted against the sum of deltas at the bridge. */
import type { ConservedRow, CounterAtBridge, StoredPoint, TruthLine } from './report.ts';

/** How far the truth log may lie from the agent's first reading in time, ms. */
const matchWindowMs = 4000;

export interface CounterTruth {
  readonly machine: string;
  readonly signal: string;
  readonly points: readonly { t: number; value: number; shown: number }[];
}

export function counterTruths(truth: readonly TruthLine[]): CounterTruth[] {
  const byKey = new Map<
    string,
    { machine: string; signal: string; points: { t: number; value: number; shown: number }[] }
  >();
  for (const line of truth) {
    if (line.kind !== 'counter') continue;
    const signal = String(line.data['signal']);
    const key = `${line.machine} ${signal}`;
    let entry = byKey.get(key);
    if (entry === undefined) byKey.set(key, (entry = { machine: line.machine, signal, points: [] }));
    entry.points.push({ t: line.t, value: Number(line.data['value']), shown: Number(line.data['shown']) });
  }
  return [...byKey.values()];
}

/** The true total when the counter showed what the agent first read: the truth point with that register value nearest in time. */
function truthAt(points: CounterTruth['points'], first: StoredPoint): number | null {
  let best: { distance: number; value: number } | null = null;
  for (const [i, point] of points.entries()) {
    if (point.shown !== first.value) continue;
    const until = points[i + 1]?.t ?? Infinity;
    const distance = first.tMs < point.t ? point.t - first.tMs : Math.max(0, first.tMs - until);
    if (distance <= matchWindowMs && (best === null || distance < best.distance))
      best = { distance, value: point.value };
  }
  return best?.value ?? null;
}

/** In the unit of the signal. */
export interface CounterBound {
  readonly maxRatePerS: number;
  /** What one count of the register is worth. */
  readonly count: number;
}

export interface ConservedInput {
  readonly truth: readonly TruthLine[];
  readonly stored: (machine: string, signal: string) => readonly StoredPoint[];
  readonly atBridge: readonly CounterAtBridge[];
  /** Times of all good readings of a machine, ascending: who was heard when, whatever the signal. */
  readonly heard: (machine: string) => readonly number[];
  /** When each machine's controller was reset, UTC ms. */
  readonly resetAt: ReadonlyMap<string, number>;
  /** What the profile says of a counter; null where it says nothing. */
  readonly bound: (machine: string, signal: string) => CounterBound | null;
}

export function judgeConserved(input: ConservedInput): { rows: ConservedRow[]; problems: string[] } {
  const rows: ConservedRow[] = [];
  const problems: string[] = [];
  for (const { machine, signal, points } of counterTruths(input.truth)) {
    const name = `${machine} ${signal}`;
    const stored = input.stored(machine, signal);
    const first = stored.find((p) => p.good);
    const last = points.at(-1);
    const start = first === undefined ? null : truthAt(points, first);
    const bridge = input.atBridge.find((c) => c.machine === machine && c.signal === signal);
    if (start === null || last === undefined || bridge === undefined) {
      problems.push(
        `${name}: ${first === undefined ? 'no good reading stored' : start === null ? `the machine never showed ${String(first.value)}` : 'nothing at the bridge'}`,
      );
      rows.push({
        machine,
        signal,
        truth: last === undefined || start === null ? 0 : last.value - start,
        atBridge: bridge?.delta ?? 0,
        uncertainty: bridge?.uncertainty ?? 0,
        reset: false,
      });
      continue;
    }
    const truth = last.value - start;
    const reset = bridge.resets > 0;
    rows.push({ machine, signal, truth, atBridge: bridge.delta, uncertainty: bridge.uncertainty, reset });
    const resetAt = input.resetAt.get(machine);
    if (reset !== (resetAt !== undefined)) {
      problems.push(`${name}: ${reset ? 'a reset is reported that never was' : 'the reset went unnoticed'}`);
    } else if (resetAt === undefined) {
      if (bridge.delta !== truth || bridge.uncertainty !== 0) {
        problems.push(`${name}: the machine counted ${truth}, the bridge has ${bridge.delta} ± ${bridge.uncertainty}`);
      }
    } else {
      if (Math.abs(truth - bridge.delta) > bridge.uncertainty) {
        problems.push(`${name}: the machine counted ${truth}, outside ${bridge.delta} ± ${bridge.uncertainty}`);
      }
      const bound = input.bound(machine, signal);
      const spanS = secondsAround(stored, input.heard(machine), resetAt);
      if (bound === null || spanS === null) problems.push(`${name}: no readings around the reset`);
      else if (bridge.uncertainty > 1.2 * bound.maxRatePerS * spanS + bound.count + 1e-6) {
        problems.push(
          `${name}: uncertainty ${bridge.uncertainty} exceeds 1.2 × ${bound.maxRatePerS}/s × ${spanS.toFixed(2)} s and a count`,
        );
      }
    }
  }
  return { rows, problems };
}

/**
 * Seconds between the readings before and after the reset. Readings are stored by exception, so the reading before is the
 * last time anything of the machine was heard before the fallen value came.
 */
function secondsAround(stored: readonly StoredPoint[], heard: readonly number[], resetAt: number): number | null {
  // A machine that restarts is not read for a moment: what lies between is a gap, not a reading.
  const good = stored.filter((point) => point.good);
  for (const [i, point] of good.entries()) {
    const next = good[i + 1];
    if (next === undefined || typeof point.value !== 'number' || typeof next.value !== 'number') continue;
    if (next.value >= point.value || next.tMs < resetAt - 1000 || next.tMs > resetAt + 20_000) continue;
    const before = heard.findLast((t) => t < next.tMs && t >= point.tMs) ?? point.tMs;
    return (next.tMs - before) / 1000;
  }
  return null;
}
