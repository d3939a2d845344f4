import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultBlobOptions, findBlobs, type Blob, type ScoreMap } from '../../../models/vision/blobs.ts';

const options = { ...defaultBlobOptions, high: 2, low: 1, leastPixels: 1 };

/** A map from digits: the score of a pixel is its digit, a blank is 0. */
function mapOf(...rows: readonly string[]): ScoreMap {
  const width = Math.max(...rows.map((row) => row.length));
  const digits = rows.flatMap((row) => row.padEnd(width).split('').map(Number));
  return { width, height: rows.length, scores: Float32Array.from(digits) };
}

/** The slow way: floods from every pixel that was not reached yet. Sets of pixel numbers, by their first. */
function flooded({ width, height, scores }: ScoreMap, low: number, high: number): number[][] {
  const seen = new Set<number>();
  const parts: number[][] = [];
  for (let start = 0; start < scores.length; start += 1) {
    if (seen.has(start) || !((scores[start] ?? 0) > low)) continue;
    const part: number[] = [];
    const open = [start];
    seen.add(start);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      part.push(at);
      const x = at % width;
      const y = (at - x) / width;
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny += 1) {
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx += 1) {
          const next = ny * width + nx;
          if (seen.has(next) || !((scores[next] ?? 0) > low)) continue;
          seen.add(next);
          open.push(next);
        }
      }
    }
    if (part.some((at) => (scores[at] ?? 0) > high)) parts.push(part.sort((a, b) => a - b));
  }
  return parts;
}

const pixelsOf = (blob: Blob, width: number): number[] =>
  blob.runs.flatMap(({ y, from, to }) => Array.from({ length: to - from }, (_, i) => y * width + from + i));

const maps = fc
  .tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: 9 }))
  .chain(([width, height, spare]) =>
    fc
      .array(fc.integer({ min: 0, max: 12 }), { minLength: width * height, maxLength: width * height })
      .map((scores) => ({ width, height, scores: Float32Array.from(scores, (s) => Math.max(s - spare, 0)) })),
  );

test('blobs are what a flood fill finds, with its pixels, box, mean, peak and moments', () => {
  fc.assert(
    fc.property(maps, (map) => {
      const found = findBlobs(map, { ...options, most: 1000 });
      const expected = flooded(map, 1, 2);
      const keyed = new Map(
        found.blobs.map((blob) => [
          pixelsOf(blob, map.width)
            .sort((a, b) => a - b)
            .join(),
          blob,
        ]),
      );
      assert.deepEqual([...keyed.keys()].sort(), expected.map((part) => part.join()).sort());
      for (const part of expected) {
        const blob = keyed.get(part.join());
        assert.ok(blob);
        const xs = part.map((at) => at % map.width);
        const ys = part.map((at) => Math.floor(at / map.width));
        const scores = part.map((at) => map.scores[at] ?? 0);
        const { left, top, right, bottom } = blob;
        assert.deepEqual(
          [left, top, right, bottom],
          [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1],
        );
        assert.equal(blob.pixels, part.length);
        assert.equal(blob.peak, Math.max(...scores));
        assert.ok(Math.abs(blob.mean - sum(scores) / part.length) < 1e-6);
        // The sum of both variances does not hang on the axes they are taken along.
        const spread = variance(xs) + variance(ys) + 1 / 6;
        assert.ok(Math.abs(blob.majorSd ** 2 + blob.minorSd ** 2 - spread) < 1e-6);
      }
      assert.deepEqual(found.dropped, { small: 0, beyond: 0, pixels: 0 });
    }),
    { numRuns: 500 },
  );
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
function variance(values: readonly number[]): number {
  const mean = sum(values) / values.length;
  return sum(values.map((v) => (v - mean) ** 2)) / values.length;
}

test('what touches at a corner is one blob; what lies between the thresholds joins, and alone is cloth', () => {
  const { blobs } = findBlobs(mapOf('3   2 ', ' 2  2 ', '  3   ', '     3'), options);
  assert.deepEqual(
    blobs.map(({ pixels, left, top }) => [pixels, left, top]),
    [
      [3, 0, 0],
      [1, 5, 3],
    ],
  );
});

test('a score at a threshold is not above it', () => {
  assert.equal(findBlobs(mapOf('222'), options).blobs.length, 0);
  assert.equal(findBlobs(mapOf('131'), options).blobs[0]?.pixels, 1);
});

test('a line tells its direction, and the score-weighted middle follows the bright side', () => {
  const [vertical] = findBlobs(mapOf('3', '3', '3', '3'), options).blobs;
  const [slanted] = findBlobs(mapOf('3  ', ' 3 ', '  3'), options).blobs;
  const [rising] = findBlobs(mapOf('  3', ' 3 ', '3  '), options).blobs;
  assert.ok(vertical && slanted && rising);
  assert.equal(vertical.angle, Math.PI / 2);
  assert.ok(Math.abs(vertical.majorSd - 4 / Math.sqrt(12)) < 1e-9);
  assert.ok(Math.abs(slanted.angle - Math.PI / 4) < 1e-9);
  assert.ok(Math.abs(rising.angle + Math.PI / 4) < 1e-9);
  const [leaning] = findBlobs(mapOf('29'), options).blobs;
  assert.ok(leaning);
  assert.ok(Math.abs(leaning.centreX - (1 * 0.5 + 8 * 1.5) / 9) < 1e-9);
});

test('what is too small or too many is dropped and counted, the highest peaks stay', () => {
  const map = mapOf('4 5 6 7 33');
  const few = findBlobs(map, { ...options, most: 2 });
  assert.deepEqual(
    few.blobs.map(({ peak }) => peak),
    [7, 6],
  );
  assert.equal(few.dropped.beyond, 3);
  const large = findBlobs(map, { ...options, leastPixels: 2 });
  assert.deepEqual([large.blobs.length, large.dropped.small], [1, 4]);
});

test('a map of noise does not fill the memory: runs are bounded, hot pixels beyond them are counted', () => {
  const map = mapOf('3 3 3 3', '       ', '3 3 3 2');
  const found = findBlobs(map, { ...options, mostRuns: 5 });
  assert.equal(found.blobs.length, 5);
  assert.equal(found.dropped.pixels, 2);
});

test('scores that are no numbers belong to no blob and are counted', () => {
  const scores = Float32Array.from([3, Number.NaN, 3, Number.POSITIVE_INFINITY, 0]);
  const found = findBlobs({ width: 5, height: 1, scores }, options);
  assert.equal(found.notNumbers, 2);
  assert.deepEqual(
    found.blobs.map(({ pixels, peak }) => [pixels, peak]),
    [
      [1, 3],
      [1, 3],
    ],
  );
});
