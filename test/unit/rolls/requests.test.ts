import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { askForRoll, rollIdSchema, RollRequests, takeBack } from '../../../agent/rolls/requests.ts';

function rig(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'selvedge-rolls-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 }));
  const begun: unknown[] = [];
  const warned: string[] = [];
  const requests = new RollRequests({
    dataDir,
    machines: ['ck-1', 'ck-2'],
    begin: (machine, id) => void begun.push([machine, id]),
    log: (_, message) => void warned.push(message),
  });
  return { dataDir, begun, warned, requests };
}

test('Q1, Q2: the newest request of a machine is taken once', async (t) => {
  const { dataDir, begun, warned, requests } = rig(t);
  await requests.look();
  await askForRoll(dataDir, 'ck-1', 'R-1');
  await askForRoll(dataDir, 'ck-1', 'R-2');
  await askForRoll(dataDir, 'ck-2', null);
  await requests.look();
  await requests.look();
  assert.deepEqual(begun, [
    ['ck-1', 'R-2'],
    ['ck-2', null],
  ]);
  assert.deepEqual(readdirSync(join(dataDir, 'roll-requests')), []);
  assert.deepEqual(warned, []);
});

test('Q1: what cannot be read begins nothing and is gone; a folder in its place is told and stops nobody', async (t) => {
  const { dataDir, begun, warned, requests } = rig(t);
  mkdirSync(join(dataDir, 'roll-requests'));
  const file = join(dataDir, 'roll-requests/ck-1.json');
  for (const text of ['', '{', '[]', '{"id":7}', '{"id":""}', '{"id":"a\\u0007"}', '{"id":null,"more":1}']) {
    writeFileSync(file, text);
    await requests.look();
    assert.equal(existsSync(file), false, text);
  }
  assert.equal(warned.length, 7);
  mkdirSync(file);
  await askForRoll(dataDir, 'ck-2', 'R');
  await requests.look();
  assert.deepEqual(begun, [['ck-2', 'R']]);
  assert.equal(warned.length, 8);
});

test('a request is taken back once, while nobody has taken it', async (t) => {
  const { dataDir, begun, requests } = rig(t);
  await askForRoll(dataDir, 'ck-1', null);
  assert.deepEqual([await takeBack(dataDir, 'ck-1'), await takeBack(dataDir, 'ck-1')], [true, false]);
  await requests.look();
  assert.deepEqual(begun, []);
});

test('an id is a short line', () => {
  assert.equal(rollIdSchema.safeParse(' R-17/4 ').data, 'R-17/4');
  for (const id of ['', ' ', 'a\nb', 'x'.repeat(61)]) assert.equal(rollIdSchema.safeParse(id).success, false);
});
