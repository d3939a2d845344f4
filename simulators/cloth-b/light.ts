/** Generator b's lamp and camera: a lamp at an angle with a highlight, a row of LEDs, a line sensor with a pattern of its own. */
import { child, dice, gradientNoise, normal, roll } from './dice.ts';
import { finer, nothing, type Relief } from './relief.ts';

/**
 * Grey values of a relief before noise, one a pixel. The lamp hangs where `lampSeed` says; `seed` is for what changes from image to image.
 * `behind`: what is seen through gaps and holes.
 */
export function lightUp(relief: Relief, lampSeed: number, seed: number, behind: number): Float32Array {
  const angle = roll(lampSeed, 1, 0, 2 * Math.PI);
  const flat = roll(lampSeed, 2, 0.35, 0.6);
  const up = Math.sqrt(1 - flat * flat);
  const lx = flat * Math.cos(angle);
  const ly = flat * Math.sin(angle);
  const width = relief.width / finer;
  const height = relief.height / finer;
  const both = Math.sqrt(2 + 2 * up);
  const { z: heights, nx: leansX, ny: leansY, tone: tones, width: wide } = relief;
  const out = new Float32Array(width * height);
  const level = roll(lampSeed, 3, 200, 232) * roll(seed, 3, 0.96, 1.04);
  const ripple = roll(lampSeed, 4, 0.01, 0.03);
  const period = roll(lampSeed, 5, 300, 700);
  const shade = child(seed, 6);
  const lamp = new Float32Array(width);
  for (let x = 0; x < width; x += 1) {
    const leds = ripple * Math.sin((2 * Math.PI * x) / period);
    const ends = 1 - 0.08 * (2 * (x / width) - 1) ** 4;
    lamp[x] = level * ends * (1 + leds + 0.03 * gradientNoise(shade, x / 900, 0.3));
  }
  for (let y = 0; y < height; y += 1) {
    const ramp = 1 + 0.03 * gradientNoise(shade, 7.5, y / 200);
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let s = 0; s < finer * finer; s += 1) {
        const i = (y * finer + (s >> 1)) * wide + x * finer + (s & 1);
        const z = heights[i] ?? nothing;
        if (z <= nothing + 1) {
          sum += behind;
          continue;
        }
        const nx = leansX[i] ?? 0;
        const ny = leansY[i] ?? 0;
        const nz = Math.sqrt(Math.max(0.02, 1 - nx * nx - ny * ny));
        const facing = Math.max(0, nx * lx + ny * ly + nz * up);
        // The highlight: half way between lamp and camera.
        const half = Math.max(0, (nx * lx + ny * ly + nz * (up + 1)) / both);
        const deep = Math.min(1, Math.max(0.35, 0.72 + 1.5 * z));
        const half2 = half * half;
        const half8 = half2 * half2 * half2 * half2;
        sum += (tones[i] ?? 0) * deep * (0.34 + 0.62 * facing) + 0.07 * half8 * half8 * half2;
      }
      const value = sum / (finer * finer);
      out[y * width + x] = softened(value) * (lamp[x] ?? 0) * ramp;
    }
  }
  return throughLens(out, width, height);
}

/** value ** 0.9 from a table, straight between its entries. */
const tableStep = 1 / 2048;
const table = Float64Array.from({ length: 2 / tableStep + 2 }, (_, i) => (i * tableStep) ** 0.9);
function softened(value: number): number {
  const at = Math.min(Math.max(value, 0), 2) / tableStep;
  const whole = Math.floor(at);
  const here = table[whole] ?? 0;
  return here + (at - whole) * ((table[whole + 1] ?? here) - here);
}

/** A lens that is good and no better: a bell of two thirds of a pixel, as five taps along each side. */
function throughLens(grey: Float32Array, width: number, height: number): Float32Array {
  const half = new Float32Array(grey.length);
  const full = new Float32Array(grey.length);
  for (let y = 0; y < height; y += 1) {
    const row = y * width;
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let t = -2; t <= 2; t += 1)
        sum += (taps[t + 2] ?? 0) * (grey[row + Math.min(width - 1, Math.max(0, x + t))] ?? 0);
      half[row + x] = sum;
    }
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let t = -2; t <= 2; t += 1)
        sum += (taps[t + 2] ?? 0) * (half[Math.min(height - 1, Math.max(0, y + t)) * width + x] ?? 0);
      full[y * width + x] = sum;
    }
  }
  return full;
}
const taps = [0.007, 0.195, 0.596, 0.195, 0.007];

/** The sensor: every column has its own sensitivity and offset, every value its own noise. */
export function capture(grey: Float32Array, width: number, seed: number): Uint8Array {
  const own = child(seed, 21);
  const pixels = new Uint8Array(grey.length);
  for (let i = 0; i < grey.length; i += 1) {
    const x = i % width;
    const value = grey[i] ?? 0;
    const gain = 1 + 0.004 * (dice(0xc01, x) - 0.5);
    const sigma = 0.8 + 0.011 * value;
    pixels[i] = Math.min(255, Math.max(0, Math.round(value * gain + (dice(0xc02, x) - 0.5) + sigma * normal(own, i))));
  }
  return pixels;
}

/** Standard deviation of the noise on a grey value. */
export const noiseOf = (value: number): number => 0.8 + 0.011 * Math.max(0, value);
