/** The whole way on an arm64 gateway: the packages load and a healthy floor is watched without a mistake. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const selvedge = join(import.meta.dirname, '../../agent/bin/selvedge');

test('the demo holds every promise on arm64', { timeout: 180_000 }, (t) => {
  if (process.arch !== 'arm64') {
    t.skip(`this computer is ${process.arch}`);
    return;
  }
  const run = spawnSync(selvedge, ['demo', '--healthy', '--duration', '60s'], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
});
