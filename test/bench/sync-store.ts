/** What it costs to keep a thousand readings on a gateway, in processor time and bytes to the disk, beside a row for each of them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchContext, Measured } from './bench.ts';
import type { Bar, Run } from './judge.ts';
import { startScript } from './processes.ts';
import { answer } from './sync-parts.ts';
import type { StoreUse } from './sync-store-load.ts';

const cpu = 'store-cost:cpu';
const bytes = 'store-cost:bytes';
const row = { direction: 'lower', judged: 'ratio', limit: 1 } as const satisfies Partial<Bar>;

async function used(script: string, path: string): Promise<StoreUse> {
  const one = startScript(script, [path]);
  try {
    return await answer<StoreUse>(one);
  } finally {
    await one.end();
  }
}

const perThousand = (total: number, { readings }: StoreUse) => (total / readings) * 1_000;

// 382 GB a day at 1,000 readings/s.
const referenceBytes = 382e9 / 86_400;

export const syncStore: Bench = {
  bars: [
    { ...row, name: cpu, unit: 'ms per 1,000 readings', referenceBaseline: null },
    { ...row, name: bytes, unit: 'bytes per 1,000 readings', referenceBaseline: referenceBytes },
  ],
  measure: async ({ runs, dir, say }: BenchContext): Promise<ReadonlyMap<string, Measured>> => {
    const cpus: Run[] = [];
    const written: Run[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const folder = join(dir, `store-${run}`);
      mkdirSync(folder, { recursive: true });
      const bare = await used('sync-store-bare.ts', join(folder, 'bare.db'));
      const ours = await used('sync-store-ours.ts', join(folder, 'data'));
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
      cpus.push({ ours: perThousand(ours.cpuS * 1_000, ours), baseline: perThousand(bare.cpuS * 1_000, bare) });
      written.push({ ours: perThousand(ours.diskBytes, ours), baseline: perThousand(bare.diskBytes, bare) });
      say(`run ${run}: ${JSON.stringify({ cpu: cpus.at(-1), bytes: written.at(-1) }, short)}`);
    }
    const isDisk = written.every(({ ours, baseline }) => (ours ?? 0) > 0 && (baseline ?? 0) > 0);
    return new Map([
      [cpu, { runs: cpus, unmeasured: null }],
      [bytes, { runs: written, unmeasured: isDisk ? null : 'not run: the folder is on no disk' }],
    ]);
  },
};

const short = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
