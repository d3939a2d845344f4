/**
 * `npm run torture -- --kills 50 [--restores 5] [--seed N] [--json FILE] [--break dedupe|ack|sync]`: is anything lost, and is anything
 * there twice? Exit codes: 0 neither, 1 something is or the run failed, 2 wrong usage.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killsPerRestore } from './plan.ts';
import { breaks, torture, type TortureReport } from './torture.ts';

const usage = `Usage: npm run torture -- --kills 50 [--restores 5] [--seed N] [--json FILE] [--break WHAT] [--keep DIR]

Runs machines, agent, bridge and broker, kills them at random moments while the network misbehaves, clocks jump by a day and data folders
are put back, and holds what the bridge has in the end against what was committed and what was sewn.

  --kills N       how many processes are killed; default 50
  --restores N    how often a data folder is put back or run by two agents, in turn; at most half the kills; default 0
  --seed N        what happens when; default 1
  --json FILE     write the report
  --break WHAT    a control, which must fail: dedupe, the bridge stores repeats; ack, it answers before its commit; sync, a batch leaves
                  the outbox when the broker has it
  --keep DIR      keep everything in this folder, which must not hold a former run
`;

function request(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '50' },
      restores: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      break: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [kills, restores, seed] = [values.kills, values.restores, values.seed].map(Number);
  const isWhole = (n: number | undefined, least: number): n is number =>
    n !== undefined && Number.isSafeInteger(n) && n >= least;
  const broken = breaks.find((known) => known === values.break) ?? null;
  if (values.help === true || (values.break !== undefined && broken === null)) return null;
  if (!isWhole(kills, 1) || !isWhole(restores, 0) || !isWhole(seed, 0)) return null;
  if (restores * killsPerRestore > kills) return null;
  return { kills, restores, seed, broken, json: values.json ?? null, keep: values.keep ?? null };
}

function summary(report: TortureReport): string {
  const { kills, counters } = report;
  const lines = [
    `${kills.agent} agents, ${kills.worker} workers and ${kills.broker} brokers killed, ${report.restores} restores, ${report.seconds} s`,
    `${report.committed} records committed, ${report.atBridge} at the bridge, ${report.rolledBack} taken back by a copy`,
    `${report.redelivered} batches came again`,
    `${report.lost} lost ${report.lostFirst.join(', ')}`.trimEnd(),
    `${report.duplicated} twice ${report.duplicatedFirst.join(', ')}`.trimEnd(),
    `${counters.exact} of ${counters.series} counters exact, ${counters.overlapped} with an overlap`,
    ...counters.problems,
    `${report.firstSendOutOfOrder} batches sent out of order`,
    report.ok ? 'passed' : 'failed',
  ];
  return lines.map((line) => `${line}\n`).join('');
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
  const dir = wanted.keep ?? mkdtempSync(join(tmpdir(), 'selvedge-torture-'));
  mkdirSync(dir, { recursive: true });
  if (readdirSync(dir).length > 0) {
    process.stderr.write(`${dir} is not empty\n`);
    return 2;
  }
  try {
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    const report = await torture({ ...wanted, dir, say }, abort.signal);
    if (wanted.json !== null) writeFileSync(wanted.json, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(summary(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`torture: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    if (wanted.keep === null) rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

process.exitCode = await main();
