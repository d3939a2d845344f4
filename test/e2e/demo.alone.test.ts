/**
 * The demo as a user runs it, and its controls: a verdict is worth something only if it fails when it should. Runs start
 * `selvedge demo` as a process and read the JSON it writes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '../demo/score/report.ts';

const selvedge = fileURLToPath(new URL('../../agent/bin/selvedge', import.meta.url));
const profiles = fileURLToPath(new URL('../../drivers/profiles/', import.meta.url));

interface DemoRun {
  readonly code: number | null;
  readonly output: string;
  readonly report: Report | null;
}

async function demo(...args: string[]): Promise<DemoRun> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-demo-test-'));
  try {
    const json = join(dir, 'verdict.json');
    const child = spawn(selvedge, ['demo', ...args, '--json', json], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output, report: existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as Report) : null };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A folder with the shipped profiles, one of them changed. */
function changedProfile(name: string, from: RegExp, to: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-profiles-'));
  for (const file of readdirSync(profiles)) if (file.endsWith('.yaml')) cpSync(join(profiles, file), join(dir, file));
  const path = join(dir, `${name}.yaml`);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(from, to);
  assert.notEqual(changed, text, `${name} has nothing like ${from.source} to change`);
  writeFileSync(path, changed);
  return dir;
}

const runLimit = { timeout: 240_000 };

describe('the demo and its controls', { concurrency: 3 }, () => {
  test('finds every fault, raises nothing false and conserves every counter', runLimit, async () => {
    const { code, output, report } = await demo('--seed', '11');
    assert.deepEqual(report?.problems, [], output);
    assert.equal(report?.ok, true);
    assert.equal(report?.falseAlerts, 0);
    assert.ok((report?.faults.length ?? 0) >= 10);
    assert.ok(report?.faults.every((fault) => fault.detectedAt !== null));
    assert.ok(report?.conserved.some((row) => row.reset));
    assert.ok((report?.sync.redelivered ?? 0) > 0, 'no ack was eaten');
    assert.equal(code, 0);
  });

  test('with one fault left out the verdict fails for that fault alone', runLimit, async () => {
    const { code, output, report } = await demo('--seed', '12', '--without', 'ls-1-thread-break');
    const row = report?.faults.find((fault) => fault.id === 'ls-1-thread-break');
    assert.equal(row?.injectedAt, null, output);
    assert.equal(row?.detectedAt, null);
    assert.equal(report?.falseAlerts, 0, output);
    assert.equal(report?.ok, false);
    assert.deepEqual(report?.problems.length, 1, report?.problems.join('\n'));
    assert.equal(code, 1);
  });

  test('a healthy floor gives no alert at all', runLimit, async () => {
    const { code, output, report } = await demo('--seed', '13', '--healthy');
    assert.deepEqual(report?.problems, [], output);
    assert.equal(report?.faults.length, 0);
    assert.equal(report?.falseAlerts, 0);
    assert.equal(code, 0);
  });
});

describe('a profile with one thing wrong makes the verdict fail', { concurrency: 2 }, () => {
  for (const [what, profile, from, to] of [
    ['address', 'sewing-modbus-ref', /(motor\.temp:[\s\S]*?address: )13/, '$114'],
    ['word order', 'sewing-modbus-silverstar', /wordOrder: CDAB/, 'wordOrder: ABCD'],
    ['scale', 'sewing-modbus-ref', /(bus\.voltage:[\s\S]*?scale: )0\.1/, '$11'],
    ['sign', 'sewing-modbus-ref', /(motor\.temp:[\s\S]*?type: )int16/, '$1uint16'],
  ] as const) {
    test(what, runLimit, async () => {
      const dir = changedProfile(profile, from, to);
      try {
        const { code, output, report } = await demo(
          '--healthy',
          '--duration',
          '20s',
          '--seed',
          '14',
          '--profile-dir',
          dir,
        );
        assert.equal(report?.ok, false, output);
        assert.equal(code, 1);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });
  }
});

test('Ctrl-C stops every process within 2 s and says that nothing was judged', runLimit, async () => {
  const child = spawn(selvedge, ['demo', '--duration', '90s'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new assert.AssertionError({ message: `ended early: ${output}` })));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('readings')) resolve();
    });
  });
  const startedMs = performance.now();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  const code = await ended;
  assert.ok(performance.now() - startedMs < 2000, `took ${performance.now() - startedMs} ms`);
  assert.equal(code, 0);
  assert.match(output, /nothing was judged/);
});
