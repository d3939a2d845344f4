import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../models/statistics/split.ts';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bandEdgesHz, bands } from '../../../models/voiceprint/front-end.ts';
import { gaussianOf } from '../../../models/voiceprint/gaussian.ts';
import { oddRanges } from '../../../models/voiceprint/odd-bands.ts';

const random = seeded(5);
const row = () => Float64Array.from({ length: bands }, (_, i) => -i / 4 + 2 * (random() - 0.5));
const print = {
  bands,
  gaussians: Array.from({ length: parts }, () => gaussianOf(Array.from({ length: 60 }, row))),
};
const normal = () => Float32Array.from({ length: parts * bands }, (_, i) => -(i % bands) / 4 + 2 * (random() - 0.5));

test('a normal sample has no range that stands out', () => {
  for (let i = 0; i < 50; i += 1) assert.deepEqual(oddRanges(normal(), print), []);
});

test('a rise in some bands is told with their frequencies and its size', () => {
  const sample = normal();
  for (let band = 60; band < 70; band += 1) sample[band] = (sample[band] ?? 0) + 12;
  const [range, ...others] = oddRanges(sample, print);
  assert.ok(range !== undefined && others.length === 0);
  assert.equal(range.what, 'level');
  assert.deepEqual([range.fromHz, range.toHz], [Math.round(bandEdgesHz(60)[0]), Math.round(bandEdgesHz(69)[1])]);
  assert.ok(range.db > 10 && range.db < 15, String(range.db));
});

test('knocks where there was a hum, and a line that is gone, are two ranges, the odder first', () => {
  const sample = normal();
  for (let band = 10; band < 14; band += 1) sample[bands + band] = (sample[bands + band] ?? 0) + 20;
  sample[30] = (sample[30] ?? 0) - 8;
  const ranges = oddRanges(sample, print);
  assert.deepEqual(
    ranges.map(({ what, db }) => [what, Math.sign(db)]),
    [
      ['change', 1],
      ['level', -1],
    ],
  );
});

test('no more than five ranges are told, however many are odd', () => {
  const sample = normal();
  for (let band = 0; band < bands; band += 4) sample[band] = (sample[band] ?? 0) + 30;
  assert.equal(oddRanges(sample, print).length, 5);
});
