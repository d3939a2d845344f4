/** The surface of a cloth as a relief: for every point the highest yarn, its slope and its tone. Yarns are laid in space, one after the other. */

/** Points a pixel, along each side: the camera averages them. */
export const finer = 2;

export interface Relief {
  readonly width: number;
  readonly height: number;
  readonly perMm: number;
  /** The left and upper edge in the plane of the cloth, mm. */
  readonly leftMm: number;
  readonly topMm: number;
  /** Height, mm; far below 0 where nothing lies. */
  readonly z: Float32Array;
  readonly tone: Float32Array;
  /** The two sideways parts of the normal. */
  readonly nx: Float32Array;
  readonly ny: Float32Array;
}
export const nothing = -9;

/** An empty relief. @param old one of the same size that is not needed any more: its memory is used again */
export function createRelief(
  widthPx: number,
  heightPx: number,
  pxPerMm: number,
  leftMm: number,
  topMm: number,
  old: Relief | null = null,
): Relief {
  const width = widthPx * finer;
  const height = heightPx * finer;
  // Only the height says whether there is anything; what else stands there is written with it.
  if (old !== null) return { ...old, leftMm, topMm, z: old.z.fill(nothing) };
  return {
    width,
    height,
    perMm: pxPerMm * finer,
    leftMm,
    topMm,
    z: new Float32Array(width * height).fill(nothing),
    tone: new Float32Array(width * height),
    nx: new Float32Array(width * height),
    ny: new Float32Array(width * height),
  };
}

/**
 * Lays a short piece of round yarn. Places in mm, `tx` and `ty` its direction in the plane (length 1), `slope` how steeply it rises
 * along that direction.
 */
export function layPiece(
  relief: Relief,
  xMm: number,
  yMm: number,
  zMm: number,
  tx: number,
  ty: number,
  slope: number,
  radiusMm: number,
  tone: number,
): void {
  const { perMm, width, height, z } = relief;
  const cx = (xMm - relief.leftMm) * perMm;
  const cy = (yMm - relief.topMm) * perMm;
  const reach = radiusMm * perMm;
  const fromX = Math.max(0, Math.ceil(cx - reach - 0.5));
  const toX = Math.min(width - 1, Math.floor(cx + reach - 0.5));
  const fromY = Math.max(0, Math.ceil(cy - reach - 0.5));
  const toY = Math.min(height - 1, Math.floor(cy + reach - 0.5));
  const reach2 = reach * reach;
  const lean = Math.sqrt(1 + slope * slope);
  const leanX = (slope * tx * 0.5) / lean;
  const leanY = (slope * ty * 0.5) / lean;
  const { tone: tones, nx, ny } = relief;
  for (let y = fromY; y <= toY; y += 1) {
    const dy = y + 0.5 - cy;
    for (let x = fromX; x <= toX; x += 1) {
      const dx = x + 0.5 - cx;
      const d2 = dx * dx + dy * dy;
      if (d2 > reach2) continue;
      // How far from the yarn's middle line, not from the middle of the piece: a chain of pieces is smooth.
      const middle = zMm + ((dx * tx + dy * ty) / perMm) * slope;
      const i = y * width + x;
      const known = z[i] ?? nothing;
      if (middle + radiusMm <= known) continue;
      const share = (dx * ty - dy * tx) / reach;
      const top = middle + radiusMm * Math.sqrt(1 - share * share);
      if (top <= known) continue;
      z[i] = top;
      tones[i] = tone;
      nx[i] = share * ty - leanX;
      ny[i] = -share * tx - leanY;
    }
  }
}

/** Lays a yarn along points in space, mm. */
export function layYarn(
  relief: Relief,
  points: readonly (readonly [x: number, y: number, z: number])[],
  radiusMm: (share: number) => number,
  tone: number,
): void {
  for (let p = 1; p < points.length; p += 1) {
    const [ax, ay, az] = points[p - 1] ?? [0, 0, 0];
    const [bx, by, bz] = points[p] ?? [0, 0, 0];
    const length = Math.hypot(bx - ax, by - ay) || 1e-6;
    const steps = Math.max(1, Math.ceil(length * relief.perMm));
    for (let s = 0; s < steps; s += 1) {
      const t = s / steps;
      const share = (p - 1 + t) / (points.length - 1);
      layPiece(
        relief,
        ax + (bx - ax) * t,
        ay + (by - ay) * t,
        az + (bz - az) * t,
        (bx - ax) / length,
        (by - ay) / length,
        (bz - az) / length,
        radiusMm(share),
        tone,
      );
    }
  }
}

/** Calls `action` for each point within a distance of a place, with its distance in mm from it on both axes. */
export function near(
  relief: Relief,
  xMm: number,
  yMm: number,
  distanceMm: number,
  action: (i: number, dxMm: number, dyMm: number) => void,
): void {
  const cx = (xMm - relief.leftMm) * relief.perMm;
  const cy = (yMm - relief.topMm) * relief.perMm;
  const reach = distanceMm * relief.perMm;
  for (let y = Math.max(0, Math.floor(cy - reach)); y < Math.min(relief.height, cy + reach); y += 1) {
    for (let x = Math.max(0, Math.floor(cx - reach)); x < Math.min(relief.width, cx + reach); x += 1)
      action(y * relief.width + x, (x + 0.5 - cx) / relief.perMm, (y + 0.5 - cy) / relief.perMm);
  }
}
