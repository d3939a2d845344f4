import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../models/statistics/split.ts';
import { enrol, parts, scoreOf, type Voiceprint } from '../../../models/voiceprint/ear.ts';
import { bands } from '../../../models/voiceprint/front-end.ts';
import { amongHall, changedShare, HallSum } from '../../../models/voiceprint/hall.ts';

const random = seeded(4);
const about = (middle: number, spread = 1) => middle + spread * (random() + random() + random() - 1.5);
const power = (db: number) => 10 ** (db / 10);

/** A hall that is loud in the lower half of the bands; what is asked for is put on it, dB. */
const hallPiece = (louderDb: number) =>
  Float32Array.from({ length: parts * bands }, (_, i) =>
    i >= bands ? about(4) : about((i < bands / 2 ? -35 : -80) + louderDb, 0.5),
  );
/** A machine among it: powers add up. `fault` dB more of the machine from band 70 to 90. */
const sample = (louderDb: number, fault = 0) => {
  const hall = hallPiece(louderDb);
  return Float32Array.from(hall, (db, i) =>
    i >= bands ? about(3) : 10 * Math.log10(power(db) + power(about(-35 - i / 16) + (i > 70 && i < 90 ? fault : 0))),
  );
};
const heard = (features: Float32Array) => ({ windows: [features], bands });
const meanHall = (louderDb: number) => {
  const sum = new HallSum();
  for (let i = 0; i < 30; i += 1) sum.add(hallPiece(louderDb));
  return sum.mean(10);
};
const piecesOf = (louderDb: number) => Array.from({ length: 30 }, () => hallPiece(louderDb));
const taught = enrol(
  Array.from({ length: 60 }, () => heard(sample(0))),
  { hall: meanHall(0) },
);
const above = (features: Float32Array, print: Voiceprint) =>
  (scoreOf(heard(features), print) - taught.threshold) / taught.spread;

test('L1: a hall that is as it was, or was never heard, changes nothing', () => {
  assert.equal(amongHall(taught, piecesOf(0)), taught);
  assert.equal(amongHall(taught, null), taught);
  assert.equal(amongHall({ ...taught, hall: null }, piecesOf(12)).gaussians, taught.gaussians);
});

test('L2: what a hall of 12 dB more puts into the sound is odd to what was taught, and not to what is expected', () => {
  const expected = amongHall(taught, piecesOf(12));
  const loud = Array.from({ length: 20 }, () => sample(12));
  assert.ok(loud.every((one) => above(one, taught) > 2));
  assert.ok(loud.every((one) => above(one, expected) < 0));
});

test('L3: a fault in bands that the loud hall leaves is as odd as in a quiet one', () => {
  const expected = amongHall(taught, piecesOf(12));
  assert.ok(above(sample(12, 12), expected) > 2, String(above(sample(12, 12), expected)));
});

test('L4: neighbours that come and go are expected by what they add while they are there, and less surely', () => {
  const pieces = Array.from({ length: 30 }, (_, i) => hallPiece(i % 2 === 0 ? -10 : 12));
  const expected = amongHall(taught, pieces);
  for (const louderDb of [12, -10, 0, 12]) {
    const score = above(sample(louderDb), expected);
    assert.ok(score < 0, `${louderDb} dB: ${score}`);
  }
  const sum = new HallSum();
  for (const piece of pieces) sum.add(piece);
  const mean = sum.mean(10) ?? new Float32Array();
  assert.ok(above(sample(12), amongHall(taught, [mean, mean, mean])) > 0, 'which the mean of their decibels does not');
  assert.ok(above(sample(12, 12), expected) > 2, 'a fault in the bands that the hall leaves');
});

test('of too few pieces no hall is known', () => {
  const sum = new HallSum();
  sum.add(hallPiece(0));
  assert.equal(sum.mean(2), null);
});

test('how much of what is heard another hall is in: nothing of the same, the half in which a louder one lies, unknown where none is known', () => {
  assert.ok((changedShare(taught, piecesOf(0)) ?? 1) < 0.02);
  const share = changedShare(taught, piecesOf(12)) ?? 0;
  assert.ok(share > 0.3 && share < 0.6, `${share}`);
  assert.equal(changedShare(taught, null), null);
  assert.equal(changedShare({ ...taught, hall: null }, piecesOf(12)), null);
});
