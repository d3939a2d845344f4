/** What lies on the cloth or has soaked into it, by generator b: laid in space or stained, and lit with everything else. */
import { dice, gradientNoise, normal, roll } from './dice.ts';
import { layYarn, near, nothing, type Relief } from './relief.ts';

type Point = readonly [x: number, y: number, z: number];

/** A stain with a ragged border: the noise of a plane decides how far it has crept. */
export function stain(relief: Relief, xMm: number, yMm: number, sizeMm: number, seed: number, depth: number): void {
  near(relief, xMm, yMm, sizeMm * 2, (i, dx, dy) => {
    const crept = 0.35 * gradientNoise(seed, (dx / sizeMm) * 1.7 + 9, (dy / sizeMm) * 1.7 + 9);
    const d = Math.hypot(dx, dy) / sizeMm + crept;
    const soaked = 1 / (1 + Math.exp((d - 1) * 9));
    relief.tone[i] = (relief.tone[i] ?? 0) * (1 - depth * soaked);
  });
}

/** Drops in a row that have run together. */
export function stainLine(
  relief: Relief,
  xMm: number,
  fromMm: number,
  toMm: number,
  widthMm: number,
  seed: number,
  depth: number,
): void {
  for (let y = 0; y < relief.height; y += 1) {
    const yMm = relief.topMm + (y + 0.5) / relief.perMm;
    if (yMm < fromMm || yMm > toMm) continue;
    const half = (widthMm / 2) * (1 + 0.5 * gradientNoise(seed, yMm / 3, 2.2));
    const middle = xMm + 0.25 * gradientNoise(seed, yMm / 9, 5.1);
    for (let x = 0; x < relief.width; x += 1) {
      const away = Math.abs(relief.leftMm + (x + 0.5) / relief.perMm - middle) / half;
      if (away > 3) continue;
      const i = y * relief.width + x;
      relief.tone[i] = (relief.tone[i] ?? 0) * (1 - depth * Math.exp(-(away ** 4)));
    }
  }
}

/** A tuft of fibres. */
export function tuft(relief: Relief, xMm: number, yMm: number, sizeMm: number, seed: number, tone: number): void {
  const fibres = Math.round(roll(seed, 0, 12, 30));
  for (let f = 0; f < fibres; f += 1) {
    const a: Point = [xMm + sizeMm * 0.5 * normal(seed, f, 1), yMm + sizeMm * 0.35 * normal(seed, f, 2), 0.3];
    const b: Point = [xMm + sizeMm * 0.6 * normal(seed, f, 3), yMm + sizeMm * 0.4 * normal(seed, f, 4), 0.42];
    const c: Point = [xMm + sizeMm * 0.5 * normal(seed, f, 5), yMm + sizeMm * 0.35 * normal(seed, f, 6), 0.3];
    layYarn(relief, bow(a, b, c, 14), () => 0.035 + 0.02 * dice(seed, f, 8), tone);
  }
}

/** Points of the curve from a to c that is drawn towards b (Bézier). */
export function bow(a: Point, b: Point, c: Point, points: number): Point[] {
  return Array.from({ length: points }, (_, p) => {
    const t = p / (points - 1);
    const at = (k: 0 | 1 | 2): number => (1 - t) ** 2 * a[k] + 2 * t * (1 - t) * b[k] + t * t * c[k];
    return [at(0), at(1), at(2)] as const;
  });
}

/** A lump of yarn: a ball that sits on the cloth. */
export function ball(relief: Relief, xMm: number, yMm: number, sizeMm: number, tone: number): void {
  near(relief, xMm, yMm, sizeMm, (i, dx, dy) => {
    const d2 = (dx * dx + dy * dy) / (sizeMm * sizeMm);
    if (d2 >= 1) return;
    relief.z[i] = 0.2 + sizeMm * Math.sqrt(1 - d2);
    relief.nx[i] = dx / sizeMm;
    relief.ny[i] = dy / sizeMm;
    relief.tone[i] = tone;
  });
}

/** Tilts the cloth as `slope` says: creases and gathers. Slopes are of the height over the plane. */
export function tilt(
  relief: Relief,
  slope: (xMm: number, yMm: number) => readonly [x: number, y: number] | null,
): void {
  for (let y = 0; y < relief.height; y += 1) {
    for (let x = 0; x < relief.width; x += 1) {
      const tilted = slope(relief.leftMm + (x + 0.5) / relief.perMm, relief.topMm + (y + 0.5) / relief.perMm);
      if (tilted === null) continue;
      const i = y * relief.width + x;
      relief.nx[i] = (relief.nx[i] ?? 0) - tilted[0];
      relief.ny[i] = (relief.ny[i] ?? 0) - tilted[1];
    }
  }
}

/** Takes away everything inside a ragged outline: what is left are the ends of the yarns. */
export function tear(relief: Relief, xMm: number, yMm: number, sizeMm: number, seed: number): void {
  near(relief, xMm, yMm, sizeMm * 2, (i, dx, dy) => {
    const d = Math.hypot(dx, dy * 0.8) / sizeMm;
    const ragged = 0.3 * gradientNoise(seed, (dx / sizeMm) * 3 + 5, (dy / sizeMm) * 3 + 5);
    if (d + ragged < 1) relief.z[i] = nothing;
    else if (d + ragged < 1.5) {
      // The edge rolls up.
      const lift = 0.9 * (1.5 - d - ragged);
      relief.nx[i] = (relief.nx[i] ?? 0) + (lift * dx) / (d * sizeMm);
      relief.ny[i] = (relief.ny[i] ?? 0) + (lift * dy) / (d * sizeMm);
    }
  });
}
