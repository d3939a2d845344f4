/** What the whole agent does and uses under load: 50 devices at 50,000 readings/s, and the disk of a small site. */
import { join } from 'node:path';
import { runLoad, type Load, type LoadResult } from './agent-load.ts';
import type { Bench, Measured } from './bench.ts';
import type { Bar, Run } from './judge.ts';

const row = { judged: 'ours', referenceBaseline: null } as const;
type Metric = keyof LoadResult;

function loadBench(name: string, load: Load, bars: Readonly<Partial<Record<Metric, Omit<Bar, 'name'>>>>): Bench {
  const metrics = Object.keys(bars) as Metric[];
  return {
    bars: Object.entries(bars).map(([metric, bar]) => ({ ...bar, name: `${name}:${metric}` })),
    measure: async ({ runs, dir, say, signal }) => {
      const results: LoadResult[] = [];
      for (let run = 1; run <= runs; run += 1) {
        const result = await runLoad(join(dir, name), load, signal);
        results.push(result);
        say(
          `run ${run}: ${JSON.stringify(result, (_, v: unknown) => (typeof v === 'number' ? Number(v.toFixed(2)) : v))}`,
        );
      }
      return new Map(
        metrics.map((metric): [string, Measured] => {
          const all = results.map((result): Run => ({ ours: result[metric], baseline: null }));
          return [`${name}:${metric}`, { runs: all, unmeasured: null }];
        }),
      );
    },
  };
}

export const modbusLoad = loadBench(
  'modbus-50x100-100ms',
  { machines: 50, intervalMs: 100, warmMs: 10_000, forMs: 60_000 },
  {
    pollsPct: { ...row, unit: '%', direction: 'higher', limit: 100 },
    latenessP99Ms: { ...row, unit: 'ms', direction: 'lower', limit: 20 },
    cpuPct: { ...row, unit: '% of a core', direction: 'lower', limit: 60 },
    rssMB: { ...row, unit: 'MB', direction: 'lower', limit: 150 },
    gbPerDay: { ...row, unit: 'GB/day', direction: 'lower', limit: 50 },
  },
);

/** A minute holds one set of minute summaries, which are the larger part of what so small a site writes. */
export const smallSite = loadBench(
  'store-1000rps',
  { machines: 10, intervalMs: 1000, warmMs: 10_000, forMs: 60_000 },
  { gbPerDay: { ...row, unit: 'GB/day', direction: 'lower', limit: 5 } },
);
