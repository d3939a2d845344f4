/** What README.md says was run long: the reports of `npm run torture`, as `--json` wrote them, one after the other. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { repository } from './files.ts';
import type { Generated } from './generate.ts';

const path = 'README.md';
const runsPath = 'test/torture/long-runs.json';
const begin = '<!-- torture:begin (npm run generate) -->';
const end = '<!-- torture:end -->';

const runsSchema = z
  .array(
    z.object({
      seed: z.int(),
      kills: z.object({ agent: z.int(), worker: z.int(), broker: z.int() }),
      restores: z.int(),
      redelivered: z.int(),
      committed: z.int(),
      rolledBack: z.int(),
      atBridge: z.int(),
      lost: z.int(),
      duplicated: z.int(),
      counters: z.object({ series: z.int(), exact: z.int() }),
      seconds: z.number(),
      ok: z.boolean(),
    }),
  )
  .min(1);
export type LongRuns = z.infer<typeof runsSchema>;

/** One line a run. */
export function tortureTable(runs: LongRuns): string {
  const rows = runs.map((run) =>
    [
      run.seed,
      `${run.kills.agent} agents, ${run.kills.worker} workers, ${run.kills.broker} brokers`,
      run.restores,
      run.committed,
      `${run.atBridge}, and ${run.rolledBack} taken back by a copy`,
      run.redelivered,
      run.lost,
      run.duplicated,
      `${run.counters.exact} of ${run.counters.series}`,
      `${run.ok ? 'passed' : '**failed**'}, ${Math.round(run.seconds)} s`,
    ].join(' | '),
  );
  return [
    '| seed | killed | folders put back | records committed | at the bridge | batches sent again | lost | twice | counters exact | |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

export function tortureDocument(): Generated {
  const text = readFileSync(join(repository, path), 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  const file = join(repository, runsPath);
  if (from < 0 || to < from || !existsSync(file)) return { path, text: `${text}\n${begin}\n${end}\n` };
  const table = tortureTable(runsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
  return { path, text: `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}` };
}
