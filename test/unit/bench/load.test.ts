import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { encodeRingBlock } from '../../../agent/ring/block.ts';
import type { Reading } from '../../../drivers/contract.ts';
import { readBlock } from '../../bench/block-reader.ts';
import { servedValue } from '../../bench/floor-values.ts';
import { phaseOf, punctuality } from '../../bench/poll-grid.ts';

const at = (sourceTimeMs: number) => ({
  machine: 'm',
  signal: 'a.b',
  sourceTimeMs,
  receivedTimeMs: sourceTimeMs,
  monotonicMs: 5,
});

test('the reader of blocks gives back what the agent packed, by the documented format alone', () => {
  const readings: Reading[] = [
    { ...at(1000), quality: 'good', value: 7 },
    { ...at(1100), quality: 'bad', value: null, reason: 'timeout' },
    { ...at(1090), quality: 'good', value: 9 },
  ];
  assert.deepEqual(readBlock(encodeRingBlock('m', readings).bytes), [
    { signal: 'a.b', atMs: [1000, 1100, 1090], values: [7, null, 9], good: [true, false, true] },
  ]);
});

test('the reader refuses what is no block of version 1, and columns of unequal length', () => {
  const pack = (block: unknown) => zstdCompressSync(JSON.stringify(block));
  assert.throws(() => readBlock(pack({ v: 2, t0: 0, signals: {} })));
  assert.throws(() => readBlock(pack({ v: 1, t0: 0, signals: { 'a.b': { dt: [0], v: [] } } })));
});

test('every register changes at every read, and no device serves what another does', () => {
  for (let read = 0; read < 1000; read += 1) assert.notEqual(servedValue(3, 7, read), servedValue(3, 7, read + 1));
  const distinct = new Set(Array.from({ length: 1000 }, (_, i) => servedValue(i % 10, 5, Math.floor(i / 10))));
  assert.ok(distinct.size > 900);
});

const even = Array.from({ length: 100 }, (_, i) => 20_037.4 + i * 100 + (i % 4) * 0.2);
const window = { fromMs: 21_000, toMs: 26_000 };

test('the phase of the grid is where reads come, not where a few late ones do', () => {
  assert.ok(Math.abs(phaseOf([...even, 30_012, 30_088], 100) - 37.4) < 0.01);
  assert.ok(
    Math.abs(
      phaseOf(
        even.map((ms) => ms - 37.5),
        100,
      ) - 99.9,
    ) < 0.01,
  );
});

test('reads up to 4 ms before the crowd belong to it: none of them is missing', () => {
  const crowded = even.map((ms, i) => (i % 10 === 0 ? ms - 3.4 : ms));
  const { due, done } = punctuality(crowded, 100, window, () => true);
  assert.equal(done, due);
});

test('a window has as many polls due as its grid has points, and each counts once', () => {
  const all = punctuality(even, 100, window, () => true);
  assert.deepEqual([all.due, all.done], [50, 50]);
  assert.ok(Math.max(...all.latenessMs) < 1);
});

test('a poll that was left out, or is not stored whole, is missing; a late one is late', () => {
  const holed = even.filter((_, i) => i !== 30);
  assert.equal(punctuality(holed, 100, window, () => true).done, 49);
  assert.equal(punctuality(even, 100, window, (read) => read !== 30).done, 49);
  const late = even.map((ms, i) => (i === 30 ? ms + 70 : ms));
  const { done, latenessMs } = punctuality(late, 100, window, () => true);
  assert.equal(done, 50);
  assert.ok(Math.max(...latenessMs) > 70);
});
