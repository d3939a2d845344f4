/** Wales drawn by hand, for what is said of odd ones. */
import type { Box, Grey } from '../../../models/vision/grey.ts';

const width = 420;
const height = 256;
export const pitchPx = 5.3;
export const cloth: Box = { left: 0, top: 0, right: width, bottom: height };

/** By hand: loops as a cosine of the wale and of the course, wales that are a little darker or lighter each for good, yarn and noise. */
export function pictureOf(options: {
  readonly seed: number;
  readonly phase: number;
  /** Place of the odd wale, px, and how much darker it is; narrower by as much. */
  readonly odd?: { readonly xPx: number; readonly depth: number; readonly fromY?: number; readonly toY?: number };
  readonly slope?: number;
  readonly level?: number;
}): Grey {
  const { seed, phase, odd, slope = 0, level = 120 } = options;
  let state = seed * 7919 + 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const tones = Array.from({ length: 120 }, () => 1 + 0.03 * random());
  const yarns = Array.from({ length: height }, () => 1 + 0.1 * random());
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const wale = (x + 0.5 - phase) / pitchPx;
      const tone = tones[Math.round(wale) + 10] ?? 1;
      const isOdd =
        odd !== undefined &&
        Math.abs(x + 0.5 - odd.xPx) < pitchPx / 2 &&
        y >= (odd.fromY ?? 0) &&
        y < (odd.toY ?? height);
      const light = level * (1 + slope * (x / width - 0.5)) * tone * (yarns[y] ?? 1) * (isOdd ? 1 - odd.depth : 1);
      pixels[y * width + x] = Math.round(light * (1 + 0.25 * Math.cos(2 * Math.PI * wale)) + 5 * random());
    }
  }
  return { width, height, pixels };
}

export const middleOf = (phase: number, wale: number): number => phase + wale * pitchPx;
