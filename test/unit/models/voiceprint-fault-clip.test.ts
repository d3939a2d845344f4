import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pieceSamples, piecesOf, risesOf } from '../../../models/voiceprint/fault-clip.ts';

const rateHz = 48_000;
const sound = (seconds: number) => ({
  rateHz,
  samples: Float32Array.from({ length: seconds * rateHz }, (_, i) => i),
});
const polls = (seconds: number, speedAt: (s: number) => number) =>
  Array.from({ length: seconds * 10 }, (_, i) => ({ atS: i / 10, speed: speedAt(i / 10) }));

test('pieces are cut where the polls say that the machine ran at one speed, and nowhere else', () => {
  const runs = (s: number) => (s >= 2 && s < 6 ? 4_000 : 0);
  const pieces = piecesOf(sound(8), polls(8, runs), null);
  assert.ok(pieces.length >= 5, `${pieces.length} pieces`);
  for (const { pcm, speed } of pieces) {
    assert.equal(pcm.length, pieceSamples);
    assert.equal(speed, 4_000);
    assert.ok((pcm[0] ?? 0) >= 2 * rateHz && (pcm.at(-1) ?? 0) < 6 * rateHz, 'sound of a standing machine');
  }
  assert.equal(
    piecesOf(
      sound(8),
      polls(8, (s) => 3_000 + 400 * s),
      null,
    ).length,
    0,
  );
  assert.equal(piecesOf(sound(8), [], null).length, 0);
});

test('marks are where the pulse rises, counted from each piece', () => {
  const pulse = new Float32Array(3 * rateHz);
  for (let at = 700; at < pulse.length; at += 800) pulse.fill(0.8, at, at + 48);
  assert.deepEqual(risesOf(pulse).slice(0, 3), [700, 1_500, 2_300]);
  const pieces = piecesOf(
    sound(3),
    polls(3, () => 3_600),
    pulse,
  );
  assert.ok(pieces.length >= 2);
  for (const { pcm, marks } of pieces) {
    const from = pcm[0] ?? 0;
    for (const mark of marks ?? []) assert.equal((mark + from - 700) % 800, 0);
    assert.ok(marks?.some((mark) => mark >= 0 && mark < 800));
  }
});

test('a pulse that never rises has no marks', () => {
  assert.deepEqual(risesOf(new Float32Array(100)), []);
});
