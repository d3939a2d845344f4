import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOfPlace, wayOfPlace } from '../../../models/voiceprint/needle-path.ts';
import type { NeedlePicture } from '../../../models/voiceprint/needle-picture.ts';

const [feeders, places, turns] = [96, 40, 3];

interface Asked {
  readonly place: number;
  /** How far a click lies behind the place, by its share of the turn. */
  readonly behind: (turn: number) => number;
  readonly isHeard?: (turn: number) => boolean;
  readonly lengths?: readonly number[];
}

/** Clicks that are plain, over nothing. */
function drawn({ place, behind, isHeard = () => true, lengths = [1000, 1000, 1000] }: Asked): NeedlePicture {
  const evidence = new Float32Array(turns * feeders * places);
  for (let row = 0; row < turns * feeders; row += 1) {
    const share = ((row % feeders) + (place + 0.5) / places) / feeders;
    if (!isHeard(share)) continue;
    const at = row * places + place + Math.round(behind(share));
    for (const [by, value] of [
      [-1, 2],
      [0, 4],
      [1, 2],
    ] as const)
      evidence[at + by] = value;
  }
  return { energies: evidence, evidence, places, feeders, lengths };
}

const swayed = (most: number) => (share: number) => most * Math.sin(2 * Math.PI * share);
const best = (picture: NeedlePicture): number => {
  const all = Array.from({ length: places }, (_, place) => evidenceOfPlace(picture, place));
  return all.indexOf(Math.max(...all));
};

test('W1: the place is where clicks stand at the pulses, however far behind they are between them', () => {
  for (const place of [0, 13]) {
    for (const sway of [-8, 6]) {
      const picture = drawn({ place, behind: swayed(sway) });
      assert.ok(Math.abs(best(picture) - place) <= 1, `${best(picture)} for ${place}, ${sway}`);
      const way = wayOfPlace(picture, place);
      for (const [row, behind] of way.entries()) {
        const share = ((row % feeders) + (place + 0.5) / places) / feeders;
        assert.ok(Math.abs(behind - swayed(sway)(share)) < 1.6, `row ${row}: ${behind}`);
      }
    }
  }
});

test('W2: a bang in one row, however loud, moves the evidence by no more than a bound', () => {
  const quiet = drawn({ place: 10, behind: swayed(4) });
  const loud = { ...quiet, evidence: Float32Array.from(quiet.evidence) };
  loud.evidence[20 * places + 31] = 1e6;
  const wide = 2 * Math.ceil(0.75 * places) + 1;
  // The bang lies in the reach of three rows.
  const bound = 3 * Math.log(1 + (0.92 * wide) / 0.08);
  for (const place of [3, 10, 31]) {
    const moved = Math.abs(evidenceOfPlace(loud, place) - evidenceOfPlace(quiet, place));
    assert.ok(moved > 0 && moved < bound, `${moved}`);
  }
  assert.ok(Math.abs(best(loud) - 10) <= 1);
});

test('W3: where most of a turn is silent, the place still comes out of how the cylinder turns', () => {
  const isHeard = (share: number) => share > 0.35 && share < 0.65;
  const picture = drawn({ place: 22, behind: () => 0, isHeard });
  assert.ok(Math.abs(best(picture) - 22) <= 1, String(best(picture)));
  for (const [row, behind] of wayOfPlace(picture, 22).entries())
    assert.ok(Math.abs(behind) < 2, `row ${row}: ${behind}`);
});

test('a turn that is slower than the one before goes on at the speed it had', () => {
  // The line gets steeper by a hundredth at each pulse; clicks lie on a cylinder whose speed knows of no pulse.
  const lengths = [1000, 1010, 1020];
  const even = drawn({ place: 5, behind: () => 0, lengths });
  const jumping = drawn({ place: 5, behind: (share) => 8 * Math.sin(Math.PI * share), lengths });
  assert.ok(evidenceOfPlace(even, 5) > evidenceOfPlace(jumping, 5));
  assert.ok(Number.isFinite(evidenceOfPlace(even, 5)));
});

test('nothing heard speaks for no place, and evidence that no way goes through is no number that is none', () => {
  const silent = { ...drawn({ place: 0, behind: () => 0, isHeard: () => false }) };
  for (const place of [0, 19, 39])
    assert.ok(Math.abs(evidenceOfPlace(silent, place) - evidenceOfPlace(silent, 7)) < 0.5);
  const torn = drawn({ place: 20, behind: (share) => (share < 0.5 ? -25 : 25) });
  assert.ok(!Number.isNaN(evidenceOfPlace(torn, 0)));
  assert.ok(wayOfPlace(torn, 0).every(Number.isFinite));
});
