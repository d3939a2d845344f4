import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../models/statistics/split.ts';
import { findPlace } from '../../../models/voiceprint/needle-place.ts';
import type { NeedlePicture } from '../../../models/voiceprint/needle-picture.ts';

const [feeders, places, turns] = [96, 40, 5];

/**
 * Clicks of a cylinder that is behind the line by so much in every turn alike, and strays a little beside, heard in a part of the turn;
 * everywhere else chance.
 */
function drawn(place: number, sway: number, isHeard: (turn: number) => boolean): NeedlePicture {
  const random = seeded(9);
  const evidence = Float32Array.from({ length: turns * feeders * places }, () => -0.5 + 1.5 * random() ** 6);
  for (let turn = 0; turn < turns; turn += 1) {
    const strays = 1.5 * (random() - 0.5);
    for (let cam = 0; cam < feeders; cam += 1) {
      const share = (cam + (place + 0.5) / places) / feeders;
      if (!isHeard(share)) continue;
      const behind = sway * (1 - Math.cos(2 * Math.PI * share)) + strays * Math.sin(Math.PI * share);
      const at = (turn * feeders + cam) * places + place + Math.round(behind);
      for (const [by, value] of [
        [-1, 2],
        [0, 5],
        [1, 2],
      ] as const)
        evidence[at + by] = value;
    }
  }
  return { energies: evidence, evidence, places, feeders, lengths: Array.from({ length: turns }, () => 1000) };
}

const distance = (a: number, b: number): number => {
  const difference = Math.abs(a - b) % places;
  return Math.min(difference, places - difference);
};

test('Q1: what the cylinder does in every turn alike does not move the place, though clicks are heard on one side only', () => {
  for (const [place, sway] of [
    [7, 5],
    [30, -5],
    [18, 0],
  ] as const) {
    const found = findPlace(
      drawn(place, sway, (share) => share > 0.2 && share < 0.75),
      seeded(1),
    );
    assert.ok(found !== null);
    // Two needles.
    assert.ok(distance(found.place, place) <= 4, `${found.place} for ${place}, ${sway}`);
    const opposite = found.place + (found.behind[feeders / 2] ?? NaN);
    assert.ok(distance(Math.round(opposite), place + 2 * sway + places) <= 3, `${opposite} for ${place + 2 * sway}`);
  }
});

test('Q2: without clicks nothing is plain', () => {
  for (const seed of [1, 2, 3])
    assert.equal(
      findPlace(
        drawn(5, 0, () => false),
        seeded(seed),
      ),
      null,
    );
});
