/** The torture in short: nothing is lost and nothing is there twice, and each of the three broken promises is found out. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { requireProgram } from '../support/peers.ts';
import { breaks, type TortureReport } from '../torture/torture.ts';
import { requireFaketime } from './clock-rig.ts';

const script = join(import.meta.dirname, '../torture/run.ts');
const seed = String(Number(process.env['SELVEDGE_SEED'] ?? 1) >>> 0);

async function torture(t: TestContext, ...args: string[]): Promise<{ code: number | null; report: TortureReport }> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-torture-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const file = join(dir, 'report.json');
  const all = ['--disable-warning=ExperimentalWarning', script, ...args, '--seed', seed, '--json', file];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => void child.kill());
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await once(child, 'close');
  t.diagnostic(told);
  try {
    return { code: child.exitCode, report: JSON.parse(readFileSync(file, 'utf8')) as TortureReport };
  } catch (error) {
    throw new assert.AssertionError({ message: `no report: ${String(error)}; ${told}` });
  }
}
const hasPeers = (t: TestContext) => requireProgram(t, 'mosquitto') && requireFaketime(t);

test('nothing is lost and nothing is there twice', { timeout: 115_000 }, async (t) => {
  if (!hasPeers(t)) return;
  const { code, report } = await torture(t, '--kills', '6', '--restores', '1');
  const { kills, lost, duplicated, conserved, firstSendOutOfOrder } = report;
  assert.deepEqual(
    { lost, duplicated, conserved, firstSendOutOfOrder },
    { lost: 0, duplicated: 0, conserved: true, firstSendOutOfOrder: 0 },
    JSON.stringify(report),
  );
  assert.deepEqual([code, report.ok], [0, true]);
  assert.equal(kills.agent + kills.worker + kills.broker, 6);
  assert.equal(report.restores, 1);
  assert.ok(report.redelivered > 0 && report.committed > 300, JSON.stringify(report));
  assert.equal(report.atBridge + report.rolledBack, report.committed);
});

for (const broken of breaks) {
  test(`a broken promise is found out: ${broken}`, { timeout: 115_000 }, async (t) => {
    if (!hasPeers(t)) return;
    const { code, report } = await torture(t, '--kills', '2', '--break', broken);
    assert.deepEqual([code, report.ok, report.broken], [1, false, broken]);
    const { lost, duplicated } = report;
    assert.ok(broken === 'dedupe' ? duplicated > 0 : lost > 0, JSON.stringify({ lost, duplicated }));
  });
}

test('what cannot be is refused', async () => {
  for (const args of [['--kills', '0'], ['--kills', '3', '--restores', '2'], ['--break', 'nothing'], ['--nonsense']]) {
    const child = spawn(process.execPath, [script, ...args], { stdio: 'ignore' });
    await once(child, 'close');
    assert.equal(child.exitCode, 2, args.join(' '));
  }
});
