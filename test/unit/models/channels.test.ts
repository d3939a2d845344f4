import assert from 'node:assert/strict';
import { test } from 'node:test';
import { borderCells, farShare, layOut, scaleChannels, type Responses } from '../../../models/vision/channels.ts';
import { noise } from './strips.ts';

const [width, height, channels] = [128, 32, 2];

/** Channel 0 grows by a third along the width, channel 1 is the same everywhere; the first 10 cells are no cloth. Both double at the border. */
function answers(seed: number): Responses {
  const values = new Float32Array(channels * width * height);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const grows = channel === 0 ? 1 + x / (3 * width) : 5;
        const place = x < 10 ? 99 : x >= width - borderCells ? 2 : 1;
        const tail = -Math.log(1 - (noise(x + 1000 * channel, y, seed) + 1) / 2.000001);
        values[(channel * height + y) * width + x] = grows * place * (1 + 0.2 * tail);
      }
    }
  }
  return { channels, width, height, values, cloth: { left: 80, top: 0, right: 1024, bottom: 256 } };
}

test('scaled by its zone good cloth lies at or below 1 but for the far share, whatever the place across the width', () => {
  const taught = Array.from({ length: 12 }, (_, seed) => answers(seed));
  const scale = scaleChannels(taught);
  const { middles, gains } = layOut(scale, width);
  for (let channel = 0; channel < channels; channel += 1) {
    const above = { inside: 0, border: 0 };
    const below = { left: 0, right: 0 };
    for (const image of taught) {
      for (let y = 0; y < height; y += 1) {
        for (let x = 10; x < width; x += 1) {
          const at = channel * width + x;
          const value = image.values[(channel * height + y) * width + x] ?? 0;
          const z = (value - (middles[at] ?? 0)) * (gains[at] ?? 0);
          if (z > 1) above[x >= width - borderCells ? 'border' : 'inside'] += 1;
          if (x >= 24 && x < 56 && z < 0) below.left += 1;
          if (x >= 84 && x < 116 && z < 0) below.right += 1;
        }
      }
    }
    const inside = 12 * height * (width - 10 - borderCells);
    assert.ok(above.inside <= inside * (1 - farShare) * 1.5 + 1, `${above.inside} of ${inside} above`);
    assert.ok(above.border < 12 * height * borderCells * 0.01, `${above.border} at the border`);
    // The middle is the middle at either end of the width.
    for (const count of [below.left, below.right])
      assert.ok(Math.abs(count / (12 * height * 32) - 0.5) < 0.15, `${count}`);
  }
});

test('an image of another width takes the zones of its own places, counted from the left', () => {
  const scale = scaleChannels(Array.from({ length: 4 }, (_, seed) => answers(seed)));
  const [taught, narrow] = [layOut(scale, width), layOut(scale, 64)];
  assert.ok([...narrow.gains].every((gain) => Number.isFinite(gain) && gain > 0));
  for (let x = borderCells; x < 64 - borderCells; x += 1) assert.equal(narrow.middles[x], taught.middles[x]);
});
