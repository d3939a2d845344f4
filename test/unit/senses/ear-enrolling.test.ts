import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Enrolling } from '../../../agent/senses/ear/enrolling.ts';
import { seeded } from '../../../models/statistics/split.ts';
import { parts } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';

const random = seeded(9);
const sample = (speed: number) => ({
  fromMs: 0,
  toMs: 4000,
  speed,
  features: Float32Array.from({ length: parts * bands }, () => -40 + random()),
});
function withSamples(wanted: number, counts: Readonly<Record<number, number>>): Enrolling {
  const enrolling = new Enrolling(wanted, bands);
  for (const [speed, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i += 1) enrolling.add(sample(Number(speed)));
  }
  return enrolling;
}

test('E1: a speed is learned from enough samples or told as left out', () => {
  const { prints, leftOut } = withSamples(10, { 4000: 12, 3000: 9 }).learn();
  assert.deepEqual(
    prints.map(({ speed, samples }) => [speed, samples]),
    [[4000, 12]],
  );
  assert.deepEqual(leftOut, [{ speed: 3000, samples: 9 }]);
  assert.ok((prints[0]?.print.spread ?? 0) > 0);
});

test('E2: it is whole when every speed that is more than seldom has enough', () => {
  assert.equal(withSamples(10, {}).isWhole, false);
  assert.equal(withSamples(10, { 4000: 9 }).isWhole, false);
  assert.equal(withSamples(10, { 4000: 10 }).isWhole, true);
  assert.equal(withSamples(10, { 4000: 10, 3000: 5 }).isWhole, false, 'a third of the running lacks some');
  assert.equal(withSamples(10, { 4000: 40, 3000: 3 }).isWhole, true, 'a speed heard in passing');
});

test('progress names the speed heard most first', () => {
  assert.deepEqual(withSamples(10, { 3000: 1, 4000: 2 }).progress(), [
    { speed: 4000, samples: 2 },
    { speed: 3000, samples: 1 },
  ]);
});

test('E3: samples of a speed and speeds are bounded, and what is beyond is counted', () => {
  assert.equal(withSamples(10, { 4000: 201 }).beyond, 1);
  const enrolling = new Enrolling(10, bands);
  for (let i = 0; i < 30; i += 1) enrolling.add(sample(100 * 1.2 ** i));
  assert.equal(enrolling.progress().length, 24);
  assert.equal(enrolling.beyond, 6);
});
