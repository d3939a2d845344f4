/**
 * `npm run soak -- [--minutes 30] [--json FILE] [--leak N] [--seed N] [--snapshots DIR]`: does the agent keep what it has read?
 * Exit codes: 0 it does not, 1 it does or could not be measured, 2 wrong usage.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { soak, type SoakReport } from './soak.ts';

const usage = `Usage: npm run soak -- [--minutes 30] [--json FILE] [--leak N] [--seed N] [--snapshots DIR]

Runs the whole agent on simulated machines at 20 times their rates, with faults at random, and measures its memory from outside.

  --minutes N       how long, warm-up included: 5 minutes of 30, of less than 12.5 two fifths; default 30
  --json FILE       write the report, every sample in it
  --leak N          the control, which must fail: of every thousand readings N are kept for ever
  --seed N          what goes wrong when; default 1
  --snapshots DIR   heap snapshots of the first and the last sample, to find a leak; such a run is not for judging
`;

function request(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      json: { type: 'string' },
      leak: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      snapshots: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const minutes = Number(values.minutes);
  const leak = Number(values.leak);
  const seed = Number(values.seed);
  const isRight =
    minutes > 0 && minutes <= 1440 && leak >= 0 && leak <= 1000 && Number.isSafeInteger(seed) && seed >= 0;
  if (values.help === true || !isRight) return null;
  return { minutes, leak, seed, json: values.json ?? null, snapshots: values.snapshots ?? null };
}

function summary(report: SoakReport): string {
  const { slopeKiBPerMillion: slope, rss, handles, files } = report;
  const figures = [
    `${(report.readings / 1e6).toFixed(2)} M readings judged, after ${report.warmUpS.toFixed(0)} s of warm-up`,
    `memory ${slope.estimate.toFixed(1)} KiB per million readings, at most ${slope.upper95.toFixed(1)} (limit ${report.limit})`,
    `resident ${rss.firstThirdMB.toFixed(1)} MB in the first third, ${rss.lastThirdMB.toFixed(1)} MB in the last (limit ${rss.limitMB.toFixed(1)})`,
    `handles ${handles.first} and ${handles.last}, open files ${files.first} and ${files.last}`,
    ...report.failures,
    report.pass ? 'passed' : 'failed',
  ];
  return figures.map((figure) => `${figure}\n`).join('');
}

async function main(): Promise<number> {
  let wanted: ReturnType<typeof request> = null;
  try {
    wanted = request(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  if (wanted === null) {
    process.stderr.write(usage);
    return 2;
  }
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-soak-'));
  try {
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    const report = await soak({ ...wanted, dir, say }, abort.signal);
    if (wanted.json !== null) writeFileSync(wanted.json, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(summary(report));
    return report.pass ? 0 : 1;
  } catch (error) {
    process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

process.exitCode = await main();
