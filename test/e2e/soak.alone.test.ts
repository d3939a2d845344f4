/** The soak in half a minute: too short to judge memory, long enough to show that it would see a leak, and only one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { soakScenario } from '../soak/scenario.ts';
import { theilSen } from '../soak/judge.ts';
import type { SoakReport } from '../soak/soak.ts';

const script = join(import.meta.dirname, '../soak/run.ts');

async function soak(t: TestContext, ...args: string[]): Promise<{ code: number | null; report: SoakReport }> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-soak-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const file = join(dir, 'report.json');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args, '--json', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  t.after(() => void child.kill());
  await once(child, 'close');
  try {
    return { code: child.exitCode, report: JSON.parse(readFileSync(file, 'utf8')) as SoakReport };
  } catch (error) {
    throw new assert.AssertionError({ message: `no report: ${String(error)}; ${told}` });
  }
}

/** KiB of the JavaScript heap per million readings: the points of the open minutes lie outside of it. */
const heapSlope = ({ samples }: SoakReport) =>
  theilSen(samples.map(({ readings, heapUsedBytes }) => ({ x: readings / 1e6, y: heapUsedBytes / 1024 }))).estimate;

test('machines of every protocol are read, and a leak shows as what it is', { timeout: 110_000 }, async (t) => {
  const sound = (await soak(t, '--minutes', '0.4', '--seed', '3')).report;
  assert.ok(sound.readings > 20_000, `${sound.readings} readings`);
  assert.ok(sound.samples.length >= 20 && sound.browser.opened > 0 && sound.browser.bytes > 0);
  const lastGoodMs = Object.entries(sound.status['lastGoodMs'] as Record<string, number | null>);
  assert.equal(lastGoodMs.length, soakScenario(1, 0).machines.length);
  assert.deepEqual(
    lastGoodMs.filter(([, at]) => at === null),
    [],
    'every machine has been read',
  );
  assert.equal(sound.status['lostRecords'], 0);
  assert.ok(sound.handles.last <= sound.handles.first + 2 && sound.files.last <= sound.files.first + 2);

  const leaky = await soak(t, '--minutes', '0.4', '--seed', '3', '--leak', '1000');
  assert.equal(leaky.code, 1);
  assert.deepEqual([leaky.report.pass, leaky.report.leak], [false, 1000]);
  // A kept reading is an object of more than a hundred bytes.
  const [without, withLeak] = [heapSlope(sound), heapSlope(leaky.report)];
  t.diagnostic(`heap: ${without.toFixed(0)} KiB per million readings, with the leak ${withLeak.toFixed(0)}`);
  assert.ok(withLeak > 60_000 && withLeak - without > 50_000, `${without} and ${withLeak}`);
});

test('what cannot be is refused', async () => {
  for (const args of [['--minutes', '0'], ['--leak', 'x'], ['--nonsense']]) {
    const child = spawn(process.execPath, [script, ...args], { stdio: 'ignore' });
    await once(child, 'close');
    assert.equal(child.exitCode, 2, args.join(' '));
  }
});
