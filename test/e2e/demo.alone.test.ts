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
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
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

// One at a time: each is a floor with its sound, a bridge, and an agent with eye and ear, which is what two cores can do in time.
describe('the demo and its controls', () => {
  test('finds every fault, raises nothing false and conserves every counter', runLimit, async () => {
    const { code, output, report } = await demo('--seed', '11');
    assert.deepEqual(report?.problems, [], output);
    assert.equal(report?.ok, true);
    assert.equal(report?.falseAlerts, 0);
    assert.ok((report?.faults.length ?? 0) >= 10);
    assert.ok(report?.faults.every((fault) => fault.detectedAt !== null));
    assert.ok(report?.conserved.some((row) => row.reset));
    assert.ok((report?.sync.redelivered ?? 0) > 0, 'no ack was eaten');
    const [line] = report?.eye ?? [];
    assert.ok(line?.needle !== null && line?.needle !== undefined && (line.k ?? 99) <= 4, JSON.stringify(line));
    const [sound] = report?.ear ?? [];
    assert.equal(sound?.suspected, 'bentNeedle', JSON.stringify(report?.ear));
    assert.ok((sound.probability ?? 0) > 0.5 && (sound.k ?? 360) <= 45, JSON.stringify(sound));
    assert.equal(code, 0);
  });

  test(
    'with two faults left out the verdict fails for those two alone, and the ear tells of no needle',
    runLimit,
    async () => {
      const left = ['ls-1-thread-break', 'ls-3-bent-needle'];
      const { code, output, report } = await demo('--seed', '12', ...left.flatMap((id) => ['--without', id]));
      const rows = report?.faults.filter((fault) => left.includes(fault.id)) ?? [];
      assert.deepEqual(
        rows.map(({ id, injectedAt, detectedAt }) => [id, injectedAt, detectedAt]),
        left.map((id) => [id, null, null]),
        output,
      );
      assert.deepEqual(report?.ear, []);
      assert.equal(report?.falseAlerts, 0, output);
      assert.equal(report?.ok, false);
      assert.deepEqual(report?.problems, [
        'ls-1-thread-break (thread_break on ls-1) was never injected',
        'ls-3-bent-needle (bent_needle on ls-3) was never injected',
      ]);
      assert.equal(code, 1);
    },
  );

  test('a healthy floor gives no alert at all', runLimit, async () => {
    const { code, output, report } = await demo('--seed', '13', '--healthy');
    assert.deepEqual(report?.problems, [], output);
    assert.equal(report?.faults.length, 0);
    assert.equal(report?.falseAlerts, 0);
    assert.equal(code, 0);
  });
});

describe(
  'a profile with one thing wrong makes the verdict fail, by the name of that signal',
  { concurrency: 2 },
  () => {
    for (const [what, profile, from, to, told] of [
      ['nothing (the baseline)', null, null, null, null],
      ['address', 'sewing-modbus-ref', /(motor\.temp:[\s\S]*?address: )13/, '$114', /^(ls-1|ov-1) motor\.temp: /],
      [
        'word order',
        'sewing-modbus-silverstar',
        /wordOrder: CDAB/,
        'wordOrder: ABCD',
        /^ls-2 (stitch|energy)\.total: /,
      ],
      ['scale', 'sewing-modbus-ref', /(bus\.voltage:[\s\S]*?scale: )0\.1/, '$11', /^(ls-1|ov-1) bus\.voltage: /],
      ['sign', 'sewing-modbus-ref', /(motor\.temp:[\s\S]*?type: )int16/, '$1uint16', /^(ls-1|ov-1) motor\.temp: /],
    ] as const) {
      test(what, runLimit, async () => {
        const short = ['--healthy', '--duration', '14s', '--seed', '14'];
        if (profile === null) {
          const { code, output, report } = await demo(...short);
          assert.deepEqual(report?.problems, [], output);
          assert.equal(code, 0);
          return;
        }
        const dir = changedProfile(profile, from, to);
        try {
          const { code, output, report } = await demo(...short, '--profile-dir', dir);
          assert.equal(report?.ok, false, output);
          assert.equal(code, 1);
          assert.ok(
            report?.problems.some((problem) => told.test(problem)),
            report?.problems.join('\n'),
          );
        } finally {
          rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
        }
      });
    }
  },
);

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
  const started = new Map(descendants(child.pid ?? 0).map((pid) => [pid, commandOf(pid)]));
  assert.ok(started.size >= 4, `floor, bridge, agent and the idle control, not ${started.size}`);
  child.kill('SIGINT');
  const code = await ended;
  const left = [...started].filter(([pid]) => isAlive(pid)).map(([, command]) => command);
  assert.deepEqual(left, [], 'every process of the demo is gone');
  assert.ok(performance.now() - startedMs < 2000, `took ${performance.now() - startedMs} ms`);
  assert.equal(code, 0);
  assert.match(output, /nothing was judged/);
});

/** All processes below `pid`, from /proc. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // "pid (name) state ppid …"; the name may hold blanks and brackets.
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended in between.
    }
  }
  const found = [...parents].flatMap(([child, parent]) => (parent === pid ? [child] : []));
  return [...found, ...found.flatMap((child) => descendants(child))];
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return 'ended by itself';
  }
}

/** One that has ended and waits for its parent to ask how is not. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}
