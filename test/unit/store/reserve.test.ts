import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Reserve } from '../../../agent/store/reserve.ts';
import { temporaryDir } from './making.ts';

function kept(t: TestContext, maxBytes: number | null = null) {
  const path = join(temporaryDir(t), 'reserve.bin');
  const disk = { freeBytes: 1e9, usedBytes: 0, nowMs: 0 };
  const reserve = new Reserve({
    path,
    bytes: 300_000,
    maxBytes,
    freeBytes: () => disk.freeBytes,
    usedBytes: () => disk.usedBytes,
    nowMs: () => disk.nowMs,
  });
  return { path, disk, reserve };
}

test('F1: the reserve lies on the disk until it is given up, and then only the precious is stored', (t) => {
  const { path, disk, reserve } = kept(t);
  assert.equal(statSync(path).size, 300_000);
  assert.equal(reserve.isShort(), false);
  disk.freeBytes = 0;
  assert.equal(reserve.giveUp(), true);
  assert.equal(existsSync(path), false);
  assert.equal(reserve.isShort(), true);
  assert.equal(reserve.giveUp(), false, 'there is nothing more to give');
});

test('F2: it is taken back when there is twice its room, asked for once a second', (t) => {
  const { path, disk, reserve } = kept(t);
  disk.freeBytes = 0;
  reserve.giveUp();
  disk.nowMs = 1_000;
  disk.freeBytes = 599_999;
  assert.equal(reserve.isShort(), true);
  disk.freeBytes = 600_000;
  disk.nowMs = 1_999;
  assert.equal(reserve.isShort(), true, 'asked a moment ago');
  disk.nowMs = 2_000;
  assert.equal(reserve.isShort(), false);
  assert.equal(statSync(path).size, 300_000);
});

test('F1: near its own limit the journal takes only the precious, and the file stays as the disk is not full', (t) => {
  const { path, disk, reserve } = kept(t, 1_000_000);
  disk.usedBytes = 899_999;
  assert.equal(reserve.isShort(), false);
  disk.usedBytes = 900_000;
  assert.equal(reserve.isShort(), true);
  assert.equal(reserve.giveUp(), false);
  assert.ok(existsSync(path));
});
