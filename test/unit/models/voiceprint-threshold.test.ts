import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../models/statistics/split.ts';
import { falseShare, thresholdOf } from '../../../models/voiceprint/threshold.ts';

/** By Box and Muller. */
const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

for (const count of [6, 10, 25, 100]) {
  test(`of normal scores one in a hundred lies above what ${count} of them set`, () => {
    const random = seeded(count);
    const draws = 4_000;
    let above = 0;
    for (let i = 0; i < draws; i += 1) {
      const threshold = thresholdOf(Array.from({ length: count }, () => 3 + 0.2 * normal(random)));
      for (let k = 0; k < 10; k += 1) if (3 + 0.2 * normal(random) > threshold) above += 1;
    }
    const share = above / (10 * draws);
    assert.ok(share > 0.6 * falseShare && share < 1.4 * falseShare, String(share));
  });
}
