import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sideCells, farShare, layOut, scaleChannels, type Responses } from '../../../models/vision/channels.ts';
import { noise } from './strips.ts';

const [width, height, channels] = [128, 32, 2];

/** Channel 0 grows by a third along the width, channel 1 is the same everywhere; the first 10 cells are no cloth. */
function answers(seed: number): Responses {
  const values = new Float32Array(channels * width * height);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const grows = channel === 0 ? 1 + x / (3 * width) : 5;
        // Close to the edge at cell 10 the cloth answers twice as much.
        const edge = x < 10 ? 99 : x < 10 + sideCells ? 2 : 1;
        const tail = -Math.log(1 - (noise(x + 1000 * channel, y, seed) + 1) / 2.000001);
        values[(channel * height + y) * width + x] = grows * edge * (1 + 0.2 * tail);
      }
    }
  }
  return { channels, width, height, values, cloth: { left: 80, top: 0, right: 1024, bottom: 256 } };
}

test('scaled by its zone good cloth lies at or below 1 but for the far share, whatever the place across the width', () => {
  const taught = Array.from({ length: 12 }, (_, seed) => answers(seed));
  const scale = scaleChannels(taught);
  const { middles, gains } = layOut(scale, width, { left: 80, top: 0, right: 1024, bottom: 256 });
  for (let channel = 0; channel < channels; channel += 1) {
    const above = { inside: 0, edge: 0 };
    const below = { left: 0, right: 0 };
    for (const image of taught) {
      for (let y = 0; y < height; y += 1) {
        for (let x = 10; x < width; x += 1) {
          const at = channel * width + x;
          const value = image.values[(channel * height + y) * width + x] ?? 0;
          const z = (value - (middles[at] ?? 0)) * (gains[at] ?? 0);
          if (z > 1) above[x < 10 + sideCells ? 'edge' : 'inside'] += 1;
          if (x >= 24 && x < 56 && z < 0) below.left += 1;
          if (x >= 90 && x < 122 && z < 0) below.right += 1;
        }
      }
    }
    const inside = 12 * height * (width - 10 - sideCells);
    assert.ok(above.inside <= inside * (1 - farShare) * 1.5 + 1, `${above.inside} of ${inside} above`);
    assert.ok(above.edge < 12 * height * sideCells * 0.01, `${above.edge} at the edge`);
    // The middle is the middle at either end of the width.
    for (const count of [below.left, below.right])
      assert.ok(Math.abs(count / (12 * height * 32) - 0.5) < 0.15, `${count}`);
  }
});

test('an image of another width takes the zones of its own places, and no edge where the cloth reaches the border', () => {
  const scale = scaleChannels(Array.from({ length: 4 }, (_, seed) => answers(seed)));
  const whole = layOut(scale, 64, { left: 0, top: 0, right: 512, bottom: 256 });
  assert.equal(whole.middles.length, channels * 64);
  assert.ok([...whole.gains].every((gain) => Number.isFinite(gain) && gain > 0));
  const cut = layOut(scale, 64, { left: 80, top: 0, right: 512, bottom: 256 });
  assert.ok((cut.middles[10] ?? 0) > 1.5 * (whole.middles[10] ?? 0), 'beside an edge more is good');
});
