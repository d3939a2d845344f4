import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { counted, countsFrom, readShadowCounts, writeShadowCounts } from '../../../agent/models/shadow-file.ts';
import { temporaryDir } from './making.ts';

const one = { both: 1, onlyActive: 2, onlyShadow: 0, neither: 5, activeMs: 4, shadowMs: 10 };

test('pictures are added up, and times are means', () => {
  const twice = counted(counted(countsFrom(null, 'a@2', 'a@1', 7), one), { ...one, activeMs: 8, shadowMs: 20 });
  assert.deepEqual(twice, {
    model: 'a@2',
    beside: 'a@1',
    sinceMs: 7,
    pictures: 2,
    dropped: 0,
    unjudged: 0,
    tiles: { both: 2, onlyActive: 4, onlyShadow: 0, neither: 10 },
    msPerPicture: { active: 6, shadow: 15 },
    ended: null,
    untaught: [],
  });
});

test('C1: the same two versions go on where they were, another pair begins anew', async (t) => {
  const dataDir = join(temporaryDir(t), 'data');
  assert.equal(readShadowCounts(dataDir, 'a'), null);
  const counts = { ...counted(countsFrom(null, 'a@2', 'a@1', 7), one), ended: 'SIGSEGV' };
  await writeShadowCounts(dataDir, 'a', counts);
  const read = readShadowCounts(dataDir, 'a');
  assert.deepEqual(read, counts);
  assert.deepEqual(countsFrom(read, 'a@2', 'a@1', 99), { ...counts, ended: null });
  for (const [model, beside] of [
    ['a@3', 'a@1'],
    ['a@2', 'a@0'],
  ] as const) {
    const anew = countsFrom(read, model, beside, 99);
    assert.deepEqual([anew.pictures, anew.sinceMs], [0, 99]);
  }
});

test('C2: what cannot be understood is as none', (t) => {
  const dataDir = join(temporaryDir(t), 'data');
  mkdirSync(join(dataDir, 'models'), { recursive: true });
  for (const text of ['', '{', '{"v":2}', '{"v":1,"counts":{"model":"a@2"}}']) {
    writeFileSync(join(dataDir, 'models/shadow-a.json'), text);
    assert.equal(readShadowCounts(dataDir, 'a'), null);
  }
});
