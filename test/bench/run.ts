/**
 * `npm run bench -- SUITE [--json FILE] [--only TEXT] [--runs N]`: measures, prints a table, and exits 0 only if every row
 * passes. `--only` takes the benches that have a row with TEXT in its name. Fewer runs than five are for looking, not for
 * judging: their rows fail.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchContext, Measured } from './bench.ts';
import { drivers } from './drivers.ts';
import { judge, wantedRuns, type Row } from './judge.ts';
import { machine } from './machine.ts';
import { page, pageFigures } from './page.ts';
import { sync } from './sync.ts';
import { table } from './table.ts';
import { vision } from './vision.ts';
import { voiceprint } from './voiceprint.ts';

const suites: Readonly<Record<string, readonly Bench[]>> = { drivers, sync, vision, voiceprint, page };
/** What the report of a suite says besides its rows. */
const figures: Readonly<Record<string, (results: readonly Row[]) => object>> = { page: pageFigures };

async function rowsOf(bench: Bench, context: BenchContext, score: number): Promise<Row[]> {
  let measured: ReadonlyMap<string, Measured> = new Map();
  let failure = 'not measured';
  try {
    measured = await bench.measure(context);
  } catch (error) {
    failure = `not measured: ${error instanceof Error ? error.message : String(error)}`;
  }
  return bench.bars.map((bar) => {
    const one = measured.get(bar.name) ?? { runs: [], unmeasured: failure };
    return judge(bar, one.runs, score, one.unmeasured);
  });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      only: { type: 'string', default: '' },
      runs: { type: 'string', default: String(wantedRuns) },
    },
  });
  const [name = ''] = positionals;
  const benches = (suites[name] ?? []).filter((bench) => bench.bars.some((bar) => bar.name.includes(values.only)));
  if (benches.length === 0) {
    process.stderr.write(`Usage: npm run bench -- ${Object.keys(suites).join('|')} [--json FILE] [--only TEXT]\n`);
    return 2;
  }
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const on = machine();
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-bench-'));
  const results: Row[] = [];
  try {
    for (const bench of benches) {
      if (abort.signal.aborted) break;
      say(`${bench.bars.map((bar) => bar.name).join(', ')}:`);
      results.push(...(await rowsOf(bench, { runs: Number(values.runs), dir, say, signal: abort.signal }, on.score)));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
  const loadAfter = Number((loadavg()[0] ?? 0).toFixed(2));
  process.stdout.write(`${table(results)}\n${on.cores} cores of ${on.cpu}, ${on.memoryGiB} GiB, ${on.platform}, `);
  process.stdout.write(`Node ${on.node}, score ${on.score} MiB/s, load ${on.loadBefore} before, ${loadAfter} after\n`);
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ ...figures[name]?.(results), results, machine: { ...on, loadAfter } }, null, 2)}\n`,
    );
  }
  return !abort.signal.aborted && results.every((row) => row.pass) ? 0 : 1;
}

process.exitCode = await main();
