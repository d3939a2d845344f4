import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { speedBandOf } from '../../../models/voiceprint/gate.ts';
import {
  addPiece,
  emptyPool,
  piecesASample,
  pooled,
  type Piece,
  type Sample,
} from '../../../models/voiceprint/pool.ts';

const size = parts * bands;
const features = (seed: number) =>
  Float32Array.from({ length: size }, (_, i) => -40 + ((seed * 7919 + i * 31) % 400) / 10);

function through(pieces: readonly Piece[]) {
  let pool = emptyPool;
  const samples: Sample[] = [];
  for (const piece of pieces) {
    const step = addPiece(pool, piece);
    pool = step.pool;
    if (step.sample !== null) samples.push(step.sample);
  }
  return { pool, samples };
}

test('P1: equal pieces pool to that piece, and the order of pieces is of no matter', () => {
  const one = features(3);
  for (const [i, value] of pooled([one, one, one]).entries()) assert.ok(Math.abs(value - (one[i] ?? 0)) < 1e-4);
  const mixed = [features(1), features(2), features(5)];
  const turned = pooled(mixed.toReversed());
  for (const [i, value] of pooled(mixed).entries()) assert.ok(Math.abs(value - (turned[i] ?? 0)) < 1e-4);
});

test('P1: a change that is ten times as large in one of two pieces counts as changes do, not as decibels', () => {
  const quiet = new Float32Array(size).fill(0);
  const loud = new Float32Array(size).fill(20);
  const both = pooled([quiet, loud]);
  assert.equal(both[0], 10, 'levels: the mean of decibels');
  assert.ok(Math.abs((both[bands] ?? 0) - 20 * Math.log10(5.5)) < 1e-4, 'changes: the mean of 1 and 10');
});

test('P2: a sample is of one speed band and of pieces that are not old', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gapMs: fc.integer({ min: 1, max: 400_000 }), speed: fc.constantFrom(30, 60, 90) })),
      (steps) => {
        let atMs = 0;
        const pieces = steps.map(({ gapMs, speed }): Piece => {
          atMs += gapMs;
          // The level says which speed it is from.
          return { atMs, speed, features: new Float32Array(size).fill(speed) };
        });
        const { pool, samples } = through(pieces);
        for (const sample of samples) {
          assert.equal(sample.features[0], sample.speed);
          assert.ok(sample.toMs - sample.fromMs <= 600_000);
        }
        const waiting = [...pool.waiting.values()].reduce((sum, { length }) => sum + length, 0);
        assert.equal(
          samples.length * piecesASample + waiting + pool.dropped,
          pieces.length,
          'P3: all are accounted for',
        );
      },
    ),
  );
});

test('P3: pieces that waited too long for company are dropped and counted', () => {
  const at = (atMs: number): Piece => ({ atMs, speed: 30, features: features(1) });
  const { pool, samples } = through([at(0), at(1_000), at(700_000)]);
  assert.deepEqual([pool.dropped, samples.length, pool.waiting.get(speedBandOf(30))?.length], [2, 0, 1]);
});
