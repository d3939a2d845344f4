/** Plain cloth drawn for tests of the eye: a plain weave with uneven yarn and noise, nothing like the simulators' cloth. */
import type { Grey } from '../../../models/vision/grey.ts';

/** −1 … 1, the same for the same place and seed. */
export function noise(x: number, y: number, seed: number): number {
  let z = (Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed + 1, 0x9e3779b1)) >>> 0;
  z = Math.imul(z ^ (z >>> 15), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return ((z ^ (z >>> 16)) >>> 0) / 2147483648 - 1;
}

/** @param seed of yarn and noise; the weave has warps 9 px and wefts 7 px apart */
export function drawStrip({ width, height, seed }: { width: number; height: number; seed: number }): Grey {
  const pixels = new Uint8Array(width * height);
  const warp = Array.from({ length: width }, (_, x) => 6 * noise(Math.floor(x / 9), 0, seed));
  for (let y = 0; y < height; y += 1) {
    const weft = 6 * noise(0, Math.floor(y / 7), seed + 1);
    for (let x = 0; x < width; x += 1) {
      const weave = Math.sin((2 * Math.PI * x) / 9) * Math.sin((2 * Math.PI * y) / 7);
      pixels[y * width + x] = 100 + 25 * weave + (warp[x] ?? 0) * 0.5 + weft * 0.5 + 9 * noise(x, y, seed + 2);
    }
  }
  return { width, height, pixels };
}
