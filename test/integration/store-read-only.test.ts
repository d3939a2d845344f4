import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openStore } from '../../agent/store/open.ts';
import { event } from '../unit/bridge/making.ts';
import { missing } from '../support/peers.ts';
import { nowMs } from '../unit/store/making.ts';

const clock = { wallMs: () => nowMs };
const live = (n: number) => ({ lane: 'live' as const, record: event(n) });

interface Disk {
  readonly dir: string;
  /** Whether it may be written from now on, as a kernel decides that meets errors. */
  readonly set: (mode: 'rw' | 'ro') => void;
}

function disk(t: TestContext): Disk | null {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-ro-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    rmdirSync(dir);
    missing(t, `no tmpfs can be mounted: ${mounted.stderr.trim() || String(mounted.error)}`);
    return null;
  }
  t.after(() => {
    spawnSync('umount', ['-l', dir]);
    rmdirSync(dir);
  });
  return {
    dir,
    set: (mode) => {
      const done = spawnSync('mount', ['-o', `remount,${mode}`, dir], { encoding: 'utf8' });
      assert.equal(done.status, 0, done.stderr);
    },
  };
}

test('on a disk that may only be read a start is refused with the cure; once it may be written all is there', async (t) => {
  const small = disk(t);
  if (small === null) return;
  const dataDir = join(small.dir, 'data');
  const first = await openStore({ dataDir, clock });
  await first.commit([live(1)], { urgent: true });
  await first.close();
  small.set('ro');
  await assert.rejects(openStore({ dataDir, clock }), { key: 'dataDirUnusable', message: /^AGT-200 .*data/ });
  await assert.rejects(openStore({ dataDir: join(small.dir, 'new'), clock }), { key: 'dataDirUnusable' });
  small.set('rw');
  const second = await openStore({ dataDir, clock });
  t.after(() => second.close());
  assert.deepEqual(second.recovery.quarantined, []);
  assert.equal((await second.events({})).items.length, 1);
});
