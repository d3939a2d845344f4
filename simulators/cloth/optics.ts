/** Light and camera: what makes grey values of reflectance. */
import { bell, branch } from './chance.ts';
import type { Sheet } from './view.ts';

/** How a scene is lit. Shares of the light in the middle. */
export interface Light {
  /** Grey value of a white surface in the middle of the image. */
  readonly white: number;
  /** From the left edge to the right one, and from top to bottom. */
  readonly slopeX: number;
  readonly slopeY: number;
  /** Missing at the edges. */
  readonly fallX: number;
  readonly fallY: number;
  /** How far the lamp's middle is off the image's, as shares of its width and height; 0 where nothing is said. */
  readonly offX?: number;
  readonly offY?: number;
}

/** Noise of the sensor, grey values: a part that is always there and one that grows with the square root of the light. */
export interface Noise {
  readonly read: number;
  readonly shot: number;
}

/** Lights the sheet in place: reflectance becomes grey values, not yet whole ones. */
export function illuminate(sheet: Sheet, widthPx: number, heightPx: number, light: Light): void {
  const column = new Float32Array(widthPx);
  for (let x = 0; x < widthPx; x += 1) {
    const at = (x + 0.5) / widthPx - 0.5 - (light.offX ?? 0);
    column[x] = light.white * (1 + light.slopeX * at - light.fallX * 4 * at * at);
  }
  for (let y = 0; y < heightPx; y += 1) {
    const at = (y + 0.5) / heightPx - 0.5 - (light.offY ?? 0);
    const row = 1 + light.slopeY * at - light.fallY * 4 * at * at;
    for (let x = 0; x < widthPx; x += 1) {
      const i = y * widthPx + x;
      sheet[i] = (sheet[i] ?? 0) * (column[x] ?? 0) * row;
    }
  }
}

/** Standard deviation of the noise on a grey value. */
export const noiseAt = (noise: Noise, grey: number): number =>
  Math.sqrt(noise.read ** 2 + noise.shot ** 2 * Math.max(0, grey));

const bellSize = 4096;
const bells = Float32Array.from({ length: bellSize }, (_, i) => bell(0x5e1f, i, 0));

/** Grey values as the camera hands them over, with noise drawn from `seed` for this exposure alone. */
export function expose(sheet: Sheet, noise: Noise, seed: number, pixels: Uint8Array): void {
  let state = branch(seed, 'sensor') | 1;
  const roots = rootsOf(noise);
  for (let i = 0; i < pixels.length; i += 1) {
    // xorshift32: noise needs speed more than quality.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const grey = sheet[i] ?? 0;
    const whole = grey < 0 ? 0 : grey > 255 ? 255 : grey | 0;
    const value = grey + (roots[whole] ?? 0) * (bells[(state >>> 8) & (bellSize - 1)] ?? 0) + 0.5;
    pixels[i] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

const rootsOf = (noise: Noise): Float32Array => Float32Array.from({ length: 256 }, (_, grey) => noiseAt(noise, grey));
