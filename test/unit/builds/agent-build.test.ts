/** Which build of the agent a start finds, whatever happens while one is made. The bundle itself: test/integration/agent-build.test.ts. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildAgent } from '../../../agent/bin/build.ts';

const before = 'fedcba9876543210';

/** With a build of older sources in use. */
function distOf(t: TestContext): string {
  const dist = mkdtempSync(join(tmpdir(), 'selvedge-dist-'));
  t.after(() => rmSync(dist, { recursive: true, force: true }));
  bundle(join(dist, before));
  writeFileSync(join(dist, 'current'), `${before}\n`);
  return dist;
}
function bundle(dir: string): void {
  mkdirSync(dir);
  writeFileSync(join(dir, 'cli.mjs'), '');
}
const current = (dist: string) => readFileSync(join(dist, 'current'), 'utf8').trim();

test('B2: who starts during a build gets the one before, whole; who builds at the same time, the same new one', async (t) => {
  const dist = distOf(t);
  const dir = await buildAgent(dist, async (beside) => {
    bundle(beside);
    assert.equal(current(dist), before);
    assert.ok(existsSync(join(dist, before, 'cli.mjs')));
    assert.deepEqual(readdirSync(dist).toSorted(), [basename(beside), before, 'current'].toSorted());
    const other = join(dist, 'other');
    const faster = await buildAgent(other, async (folder) => bundle(folder));
    bundle(join(dist, basename(faster)));
    rmSync(other, { recursive: true });
  });
  assert.equal(current(dist), basename(dir));
  assert.deepEqual(readdirSync(dist).toSorted(), [basename(dir), before, 'current'].toSorted());
});

test('B3: what is changed during a build is newer than it', async (t) => {
  const dist = distOf(t);
  const source = join(dist, 'source');
  await buildAgent(dist, async (beside) => {
    bundle(beside);
    writeFileSync(source, '');
  });
  assert.ok(statSync(source).mtimeMs > statSync(join(dist, 'current')).mtimeMs);
  const asked = Date.now();
  writeFileSync(source, '');
  await buildAgent(dist, () => assert.fail('it is there'));
  assert.ok(statSync(join(dist, 'current')).mtimeMs >= asked - 1);
});

test('B4: the newest three builds stay', async (t) => {
  const dist = distOf(t);
  const older = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc'];
  for (const name of older) bundle(join(dist, name));
  const dir = await buildAgent(dist, async (beside) => bundle(beside));
  const left = readdirSync(dist).filter((name) => /^[0-9a-f]{16}$/.test(name));
  assert.equal(left.length, 3);
  assert.ok(left.includes(basename(dir)));
});

test('what a killed build left is gone after the next', async (t) => {
  const dist = distOf(t);
  bundle(join(dist, '.building-4999999'));
  writeFileSync(join(dist, '.current-4999999'), '');
  const dir = await buildAgent(dist, async (beside) => bundle(beside));
  assert.deepEqual(readdirSync(dist).toSorted(), [basename(dir), before, 'current'].toSorted());
});
