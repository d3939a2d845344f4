/** `npm run figures`: runs the demo and writes its figures between the markers of README.md, so that none is typed by hand. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../demo/score/report.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const begin = '<!-- figures:begin (npm run figures) -->';
const end = '<!-- figures:end -->';

/** The figures of one run as a Markdown table. */
export function figures(report: Report, machine: string, day: string): string {
  const slowest = Math.max(...report.faults.map((fault) => fault.delayMs ?? 0));
  const exact = report.conserved.filter((row) => row.uncertainty === 0 && row.truth === row.atBridge).length;
  const readings = report.values.reduce((sum, row) => sum + row.checked, 0);
  const wrong = report.values.reduce((sum, row) => sum + row.wrong, 0);
  return [
    `\`npm run demo -- --seed ${report.seed}\`, ${report.durationS} s, on ${machine}, ${day}:`,
    '',
    '| | |',
    '|---|---|',
    `| faults found | ${report.faults.filter((f) => f.detectedAt !== null).length} of ${report.faults.length}, the slowest after ${(slowest / 1000).toFixed(1)} s; ${report.falseAlerts} false alerts |`,
    `| counters at the bridge | ${exact} of ${report.conserved.length} exact, ${report.conserved.filter((row) => row.reset).length} with stated bounds after a controller reset |`,
    `| stored readings held against the truth | ${readings}, ${wrong} wrong |`,
    `| batches | ${report.sync.sealed} sealed, ${report.sync.redelivered} redelivered, ${report.sync.lost} records lost, ${report.sync.duplicated} doubled |`,
    `| event loop of the agent, p99 | ${report.eventLoopP99Ms.toFixed(1)} ms (a bare Node process beside it: ${report.eventLoopIdleP99Ms.toFixed(1)} ms) |`,
    `| memory of the agent's main process | ${report.rssMB.toFixed(0)} MB |`,
  ].join('\n');
}

if (import.meta.main) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-figures-'));
  const json = join(dir, 'verdict.json');
  try {
    const run = spawnSync(join(root, 'agent/bin/selvedge'), ['demo', '--seed', '7', '--json', json], {
      stdio: 'inherit',
    });
    if (run.status !== 0) process.exitCode = 1;
    else {
      const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
      const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`;
      const table = figures(report, machine, new Date().toISOString().slice(0, 10));
      const readme = join(root, 'README.md');
      const text = readFileSync(readme, 'utf8');
      const [head = ''] = text.split(begin);
      const [, tail = ''] = text.split(end);
      writeFileSync(readme, `${head}${begin}\n${table}\n${end}${tail}`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}
