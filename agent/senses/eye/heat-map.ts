/**
 * The heat map of a crop: how the model scored each place of it, to be laid over it. It goes by the taught threshold and not by the highest
 * score there is, so that cloth that is good looks cold. Blue and orange, which all eyes tell apart; what is beyond the threshold has an outline
 * as well, dark and light, so that it is seen without colours and on any cloth. Scores are of the picture as the privacy mask left it. Pure.
 *
 * Invariants (test/unit/senses/heat-map.test.ts):
 *  H1  A pixel is hot if and only if its place scored the threshold or more; one that scored less than `near` of it shows the cloth untouched.
 *  H2  The map has the size of the crop, pixel on pixel.
 *  H3  Where nothing is to be shown there is no map; how much the worst place scored is said all the same.
 */
import type { Cut } from './cut.ts';

/** In thresholds: shown as close to it from here on, and as much as can be shown from there. */
const near = 0.6;
const most = 3;
/** Of the outline, dark outside and light inside, px each. */
const linePx = 2;

type Rgba = readonly [red: number, green: number, blue: number, alpha: number];
const dark: Rgba = [0, 0, 0, 255];
const light: Rgba = [255, 255, 255, 255];
/** The cloth stays to be seen under both. */
const close: Rgba = [0, 90, 181, 84];
const hot = (times: number): Rgba => [230, 119, 0, Math.round(84 + 84 * Math.min(1, (times - 1) / (most - 1)))];

/** RGBA, 8 bits each, not multiplied. */
export interface HeatMap {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** In thresholds; what is told with an alert. */
export const peakOf = ({ heat }: Pick<Cut, 'heat'>): number => heat.reduce((most, one) => Math.max(most, one), 0);

/** null: no place comes near the threshold. */
export function heatMapOf({ picture: { width, height }, heat }: Pick<Cut, 'picture' | 'heat'>): HeatMap | null {
  if (heat.every((times) => times < near)) return null;
  const pixels = new Uint8Array(4 * width * height);
  const depths = depthsOf(heat, width);
  for (const [at, times] of heat.entries()) {
    if (times >= near) pixels.set(times < 1 ? close : hotAt(times, depths[at] ?? 0), 4 * at);
  }
  return { width, height, pixels };
}

function hotAt(times: number, depth: number): Rgba {
  if (depth > 2 * linePx) return hot(times);
  return depth > linePx ? light : dark;
}

/**
 * Of each pixel how far it is from the next one that is not hot, steps of a king; 0 where it is none itself. Beyond the edge of the crop
 * nothing is known, so there is no end there.
 */
function depthsOf(heat: Float32Array, width: number): Float32Array {
  const depths = Float32Array.from(heat, (times) => (times < 1 ? 0 : Infinity));
  const size = depths.length;
  const pass = (order: (step: number) => number, sign: 1 | -1): void => {
    for (let step = 0; step < size; step += 1) {
      const at = order(step);
      const x = at % width;
      const behind = (dx: number, dy: number): number =>
        x + dx < 0 || x + dx >= width ? Infinity : (depths[at + dx + dy * width] ?? Infinity);
      const least = Math.min(behind(-sign, 0), behind(-1, -sign), behind(0, -sign), behind(1, -sign));
      depths[at] = Math.min(depths[at] ?? 0, least + 1);
    }
  };
  pass((step) => step, 1);
  pass((step) => size - 1 - step, -1);
  return depths;
}
