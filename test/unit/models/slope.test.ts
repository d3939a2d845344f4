import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slopeOf } from '../../../models/vision/slope.ts';
import { noise } from './strips.ts';

for (const slope of [0, 0.0213, -0.0407, 0.055]) {
  test(`threads that fall ${slope} pixels a pixel are found to do so`, () => {
    const [width, height] = [1024, 128];
    const values = new Float32Array(width * height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const thread = Math.sin((2 * Math.PI * (y - slope * x)) / 3.7) * Math.cos((2 * Math.PI * x) / 4.3);
        values[y * width + x] = 3 * thread + Math.sin((2 * Math.PI * (y - slope * x)) / 3.7) + 2 * noise(x, y, 3);
      }
    }
    const found = slopeOf([{ width, height, values, cloth: { left: 40, top: 0, right: width, bottom: height } }]);
    assert.ok(Math.abs(found - slope) < 0.002, `${found}`);
  });
}
