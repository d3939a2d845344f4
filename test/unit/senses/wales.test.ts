import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eyeGeometrySchema } from '../../../agent/senses/eye/settings.ts';
import { Wales } from '../../../agent/senses/eye/wales.ts';
import { likeness } from '../../../models/vision/odd-wales.ts';
import { cloth, middleOf, pictureOf, pitchPx } from '../models/drawn-wales.ts';

const needles = 2639;
const geometry = {
  ...eyeGeometrySchema.parse({
    needles,
    firstNeedle: 0,
    feeders: 96,
    circumferenceMm: needles * 0.77,
    mmPerPx: 0.77 / pitchPx,
    direction: 1,
    columns: 1,
    zeroNeedle: 0,
    zeroError: 0.5,
    advanceMm: 53.333,
  }),
  referenceColumnPx: cloth.right / 2,
  referenceRowPx: cloth.bottom / 2,
};

test('L3: an odd wale carries how it is odd, whether or not its needle is known: a darker one is not a lighter one', () => {
  for (const isNeedleKnown of [true, false]) {
    const wales = new Wales(geometry, isNeedleKnown, { from: 1, alone: 10 });
    for (let seed = 1; seed <= 30; seed += 1) wales.look(pictureOf({ seed, phase: (seed * 1.7) % pitchPx }), cloth);
    const [darker, again, lighter] = [0.15, 0.15, -0.15].map((depth, i) => {
      const odd = wales.look(pictureOf({ seed: 100 + i, phase: 1, odd: { xPx: middleOf(1, 40), depth } }), cloth);
      assert.equal(odd.length, 1);
      return odd[0]?.look;
    });
    assert.ok(darker && again && lighter, isNeedleKnown ? 'the needle is known' : 'it is not');
    assert.ok(likeness(darker, again) > 0.8);
    assert.ok(likeness(darker, lighter) < 0);
  }
});
