import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../../../models/statistics/split.ts';
import { needlePicture } from '../../../models/voiceprint/needle-picture.ts';

const [feeders, places] = [12, 40];

/** Energies of what is no click, mean 1, as sums of squares have them. */
function quiet(frames: number, seed: number): Float32Array {
  const random = seeded(seed);
  return Float32Array.from({ length: frames }, () => {
    let sum = 0;
    for (let i = 0; i < 4; i += 1) sum -= Math.log(1 - random()) / 4;
    return sum;
  });
}

test('P1: what all places have is what the frames between the pulses have', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 50, noNaN: true }),
      fc.array(fc.double({ min: 300, max: 900, noNaN: true }), { minLength: 1, maxLength: 4 }),
      (from, lengths) => {
        const pulses = [from];
        for (const length of lengths) pulses.push((pulses.at(-1) ?? 0) + length);
        const frames = quiet(4000, 3);
        const picture = needlePicture(frames, pulses, feeders, places);
        assert.ok(picture !== null);
        for (const [turn, length] of lengths.entries()) {
          const [a, b] = [pulses[turn] ?? NaN, pulses[turn + 1] ?? NaN];
          let wanted = 0;
          for (const [i, value] of frames.entries()) wanted += value * Math.max(0, Math.min(b, i + 1) - Math.max(a, i));
          const own = picture.energies.slice(turn * feeders * places, (turn + 1) * feeders * places);
          const heard = own.reduce((sum, value) => sum + value, 0) * (length / (feeders * places));
          assert.ok(Math.abs(heard - wanted) < 1e-3 * wanted, `${heard} for ${wanted}`);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('P2: the strongest evidence stands where a click begins, at every speed', () => {
  for (const framesAPlace of [0.9, 1.4, 2, 2.9]) {
    const frames = quiet(feeders * places * framesAPlace + 40, 7);
    const place = 5 * places + 17;
    const begins = Math.round(10 + (place + 0.5) * framesAPlace);
    for (let i = 0; i < 12; i += 1) frames[begins + i] = (frames[begins + i] ?? 0) + 20 * Math.exp(-i / 4);
    const picture = needlePicture(frames, [10, 10 + feeders * places * framesAPlace], feeders, places);
    assert.ok(picture !== null);
    const { evidence } = picture;
    const found = evidence.indexOf(evidence.reduce((most, value) => Math.max(most, value), -Infinity));
    assert.ok(Math.abs(found - place) <= 1, `${found} for ${place} at ${framesAPlace}`);
    assert.ok((evidence[place] ?? 0) > 10);
  }
});

test('what is no click speaks against one, on the mean', () => {
  const picture = needlePicture(quiet(9000, 11), [20, 820, 1640, 2440], feeders, places);
  assert.ok(picture !== null);
  assert.ok(picture.evidence.reduce((sum, value) => sum + value, 0) / picture.evidence.length < 0);
});

test('silence, pulses that do not go forward, and pulses beyond the sound make no picture', () => {
  assert.equal(needlePicture(new Float32Array(2000), [0, 500, 1000], feeders, places), null);
  const frames = quiet(2000, 1);
  assert.equal(needlePicture(frames, [0, 500, 500], feeders, places), null);
  assert.equal(needlePicture(frames, [0, 500, 2001], feeders, places), null);
  assert.equal(needlePicture(frames, [700], feeders, places), null);
  assert.notEqual(needlePicture(frames, [0, 500, 1000], feeders, places), null);
});
