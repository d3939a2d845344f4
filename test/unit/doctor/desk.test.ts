import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DoctorDesk } from '../../../agent/doctor/desk.ts';

/** A doctor that notes each time it is asked. */
function rig(t: TestContext, script: string, timeoutMs?: number) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-desk-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const log = join(dir, 'asked');
  const clock = { nowMs: 1_000, wallMs: () => clock.nowMs + 7, monotonicMs: () => clock.nowMs };
  const desk = new DoctorDesk({
    command: (file) => ['sh', '-c', `echo asked >> "$1"; ${script}`, 'sh', log, file],
    clock,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  t.after(() => desk.stop());
  const asked = () => {
    try {
      return readFileSync(log, 'utf8').trim().split('\n').length;
    } catch {
      return 0;
    }
  };
  return { desk, clock, asked };
}
const finds = `printf '{"ok":false,"checks":[{"id":"disk","ok":false,"detail":"full","cure":"Make room."}]}' > "$2"; exit 1`;

test('K1, K2: who asks at once and within a minute gets one examination; a failed check is an answer', async (t) => {
  const { desk, clock, asked } = rig(t, finds);
  const [one, other] = await Promise.all([desk.look(), desk.look()]);
  assert.deepEqual(one?.report.checks, [{ id: 'disk', ok: false, detail: 'full', cure: 'Make room.' }]);
  assert.equal(one?.atMs, 1_007);
  assert.equal(other?.atMs, 1_007);
  clock.nowMs += 59_000;
  await desk.look();
  assert.equal(asked(), 1);
  clock.nowMs += 2_000;
  assert.equal((await desk.look())?.atMs, 62_007);
  assert.equal(asked(), 2);
});

test('a doctor that writes no report, or none that can be read, gives nothing, and is asked again', async (t) => {
  const { desk, asked } = rig(t, 'echo "{" > "$2"');
  assert.equal(await desk.look(), null);
  assert.equal(await desk.look(), null);
  assert.equal(asked(), 2);
});

test('K3: one that hangs is ended when its time is over, and when the agent stops', async (t) => {
  const hanging = rig(t, 'exec sleep 600', 200);
  assert.equal(await hanging.desk.look(), null);
  const stopped = rig(t, 'exec sleep 600');
  const looking = stopped.desk.look();
  await stopped.desk.stop();
  assert.equal(await looking, null);
  assert.equal(await stopped.desk.look(), null, 'not after the stop');
});
