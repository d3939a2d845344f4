/** What lies on a cloth or is missing from it, whatever its structure: painted over the sheet at a place of the cloth. */
import { bell, uniform } from './chance.ts';
import { around, pixelOf, placeOf, type Sheet, type View } from './view.ts';

/** A place of the cloth, mm, and how far the thing reaches. */
export interface Spot {
  readonly xMm: number;
  readonly yMm: number;
  readonly radiusMm: number;
  /** Height over width. */
  readonly aspect: number;
  readonly seed: number;
}

/** An outline that wobbles: the radius at an angle, around 1. */
function outline(seed: number, wobble: number): (angle: number) => number {
  const waves = [2, 3, 5, 8].map((k) => ({
    k,
    size: (wobble * bell(seed, k, 0)) / Math.sqrt(k),
    phase: 2 * Math.PI * uniform(seed, k, 1),
  }));
  return (angle) => {
    let radius = 1;
    for (const wave of waves) radius += wave.size * Math.cos(wave.k * angle + wave.phase);
    return Math.max(0.35, radius);
  };
}

/** Distance from the middle of a spot, 1 on its outline. */
function distance(spot: Spot, edge: (angle: number) => number): (dxMm: number, dyMm: number) => number {
  return (dxMm, dyMm) => {
    const y = dyMm / spot.aspect;
    return Math.hypot(dxMm, y) / (spot.radiusMm * edge(Math.atan2(y, dxMm)));
  };
}

const blend = (from: number, to: number, share: number): number => from + (to - from) * share;
/** 0 below `from`, 1 above `to`, smooth between. */
function step(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** A hole: what is behind the cloth is seen, the torn edge curls up and catches the light, loose ends stand into it. */
export function paintHole(view: View, sheet: Sheet, spot: Spot, behind: number): void {
  const far = distance(spot, outline(spot.seed, 0.22));
  around(view, spot.xMm, spot.yMm, spot.radiusMm * Math.max(1, spot.aspect) * 2.4, (i, dx, dy) => {
    const d = far(dx, dy);
    if (d > 1.6) return;
    const cloth = sheet[i] ?? 0;
    const curl = Math.exp(-(((d - 1.16) / 0.17) ** 2));
    const rim = cloth * (1 + 0.28 * curl) + 0.05 * curl;
    sheet[i] = blend(behind, rim, step(0.9, 1.06, d));
  });
  const ends = 3 + Math.floor(3 * uniform(spot.seed, 21));
  for (let e = 0; e < ends; e += 1) {
    const angle = 2 * Math.PI * uniform(spot.seed, e, 30);
    const long = spot.radiusMm * (0.5 + 0.7 * uniform(spot.seed, e, 31));
    const from = { x: spot.xMm + spot.radiusMm * Math.cos(angle), y: spot.yMm + spot.radiusMm * Math.sin(angle) };
    paintStrand(view, sheet, curve(from.x, from.y, angle + Math.PI, long, spot.seed + e, 0.5), 0.09, 0.55, 0.8);
  }
}

/** Oil: darker where it has soaked in, darkest towards its edge. `depth`: share of the light it takes. */
export function paintOil(view: View, sheet: Sheet, spot: Spot, depth: number): void {
  const far = distance(spot, outline(spot.seed, 0.12));
  around(view, spot.xMm, spot.yMm, spot.radiusMm * Math.max(1, spot.aspect) * 1.9, (i, dx, dy) => {
    const d = far(dx, dy);
    const soaked = (1 - step(0.7, 1.25, d)) * (0.82 + 0.18 * step(0.4, 0.95, d));
    sheet[i] = (sheet[i] ?? 0) * (1 - depth * soaked);
  });
}

/** A line of oil along a wale or an end, from `fromYMm` down to `toYMm`, uneven as it drips. */
export function paintOilLine(
  view: View,
  sheet: Sheet,
  line: {
    readonly xMm: number;
    readonly fromYMm: number;
    readonly toYMm: number;
    readonly widthMm: number;
    readonly seed: number;
  },
  depth: number,
): void {
  for (let y = 0; y < view.heightPx; y += 1) {
    const [, yMm] = placeOf(view, view.widthPx / 2, y + 0.5);
    if (yMm < line.fromYMm || yMm > line.toYMm) continue;
    const ends = step(0, 3, Math.min(yMm - line.fromYMm, line.toYMm - yMm));
    const uneven = 1 + 0.22 * Math.sin(yMm / 2.3 + (line.seed % 7)) * Math.sin(yMm / 7.1 + (line.seed % 11));
    const half = (line.widthMm / 2) * uneven;
    const [px] = pixelOf(view, line.xMm, yMm);
    const reach = Math.ceil(half * 2.2 * view.pxPerMm);
    for (let x = Math.max(0, Math.floor(px) - reach); x <= Math.min(view.widthPx - 1, Math.floor(px) + reach); x += 1) {
      const d = Math.abs(x + 0.5 - px) / view.pxPerMm / half;
      const i = y * view.widthPx + x;
      sheet[i] = (sheet[i] ?? 0) * (1 - depth * ends * (1 - step(0.55, 1.6, d)));
    }
  }
}

/** Fly: a tangle of loose fibres that was knitted or woven in, lighter or darker than the cloth. */
export function paintFly(view: View, sheet: Sheet, spot: Spot, tone: number): void {
  const fibres = 14 + Math.floor(14 * uniform(spot.seed, 40));
  for (let f = 0; f < fibres; f += 1) {
    const out = spot.radiusMm * 0.55;
    const x = spot.xMm + out * bell(spot.seed, f, 41) * 0.7;
    const y = spot.yMm + out * bell(spot.seed, f, 42) * 0.7 * spot.aspect;
    const long = spot.radiusMm * (0.5 + uniform(spot.seed, f, 43));
    const angle = 2 * Math.PI * uniform(spot.seed, f, 44);
    paintStrand(view, sheet, curve(x, y, angle, long, spot.seed + 977 * f, 2.2), 0.06, tone, 0.75);
  }
  around(view, spot.xMm, spot.yMm, spot.radiusMm * 1.2, (i, dx, dy) => {
    const d = Math.hypot(dx, dy / spot.aspect) / spot.radiusMm;
    sheet[i] = blend(sheet[i] ?? 0, tone, 0.35 * Math.exp(-4 * d * d));
  });
}

/** A knot or nep: a small lump of yarn, light on its upper side and with a shadow below. */
export function paintKnot(view: View, sheet: Sheet, spot: Spot, tone: number): void {
  const far = distance(spot, outline(spot.seed, 0.15));
  around(view, spot.xMm, spot.yMm, spot.radiusMm * 2.6, (i, dx, dy) => {
    const shadow = far(dx - 0.3 * spot.radiusMm, dy - 0.5 * spot.radiusMm);
    const cloth = (sheet[i] ?? 0) * (1 - 0.3 * (1 - step(0.7, 1.3, shadow)));
    const d = far(dx, dy);
    const round = Math.sqrt(Math.max(0, 1 - d * d));
    const lump = tone * (0.62 + 0.38 * round) * (1 - (0.16 * (dx + dy)) / spot.radiusMm);
    sheet[i] = blend(lump, cloth, step(0.8, 1.1, d));
  });
}

/** Specks of lint that any cloth has: too small to be a defect. `perDm2`: how many on a square decimetre. */
export function paintLint(view: View, sheet: Sheet, seed: number, perDm2: number): void {
  const widthMm = view.widthPx / view.pxPerMm;
  const heightMm = view.heightPx / view.pxPerMm;
  const count = Math.round((perDm2 * widthMm * heightMm) / 10_000);
  for (let s = 0; s < count; s += 1) {
    const x = view.xMm + (uniform(seed, s, 1) - 0.5) * widthMm;
    const y = view.yMm + (uniform(seed, s, 2) - 0.5) * heightMm;
    const long = 0.3 + 0.7 * uniform(seed, s, 3);
    const light = uniform(seed, s, 4) < 0.7;
    const strand = curve(x, y, 2 * Math.PI * uniform(seed, s, 5), long, seed + s, 1.5);
    paintStrand(view, sheet, strand, 0.04, light ? 0.9 : 0.15, light ? 0.22 : 0.3);
  }
}

/** A crease: a ridge that catches light on one side and loses it on the other. */
export function paintCrease(
  view: View,
  sheet: Sheet,
  crease: {
    readonly xMm: number;
    readonly yMm: number;
    readonly lengthMm: number;
    readonly angleRad: number;
    readonly widthMm: number;
  },
  depth: number,
): void {
  const cos = Math.cos(crease.angleRad);
  const sin = Math.sin(crease.angleRad);
  around(view, crease.xMm, crease.yMm, crease.lengthMm / 2 + crease.widthMm * 3, (i, dx, dy) => {
    const along = (dx * cos + dy * sin) / (crease.lengthMm / 2);
    const across = (dy * cos - dx * sin) / crease.widthMm;
    if (Math.abs(along) > 1 || Math.abs(across) > 3) return;
    const fade = 1 - step(0.6, 1, Math.abs(along));
    sheet[i] = (sheet[i] ?? 0) * (1 + depth * fade * 2.3 * across * Math.exp(-across * across));
  });
}

/** Points of a line that wanders, mm. */
export type Strand = readonly (readonly [xMm: number, yMm: number])[];

/** A strand of `lengthMm` that begins in the direction `angleRad`; `bend`: how much it turns, radians over its length. */
export function curve(
  xMm: number,
  yMm: number,
  angleRad: number,
  lengthMm: number,
  seed: number,
  bend: number,
): Strand {
  const steps = Math.max(4, Math.ceil(lengthMm / 0.15));
  const points: [number, number][] = [[xMm, yMm]];
  let x = xMm;
  let y = yMm;
  let angle = angleRad;
  for (let s = 1; s <= steps; s += 1) {
    angle += (bend * bell(seed, s >> 2, 7)) / Math.sqrt(steps);
    x += (lengthMm / steps) * Math.cos(angle);
    y += (lengthMm / steps) * Math.sin(angle);
    points.push([x, y]);
  }
  return points;
}

/** Lays a strand over the sheet, round in section. `cover` 1 hides what is below. */
export function paintStrand(
  view: View,
  sheet: Sheet,
  strand: Strand,
  radiusMm: number,
  tone: number,
  cover: number,
): void {
  const points = strand.map(([x, y]) => pixelOf(view, x, y));
  const radius = Math.max(0.5, radiusMm * view.pxPerMm);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const left = Math.max(0, Math.floor(Math.min(...xs) - radius - 1));
  const right = Math.min(view.widthPx - 1, Math.ceil(Math.max(...xs) + radius + 1));
  const top = Math.max(0, Math.floor(Math.min(...ys) - radius - 1));
  const bottom = Math.min(view.heightPx - 1, Math.ceil(Math.max(...ys) + radius + 1));
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) {
      const d = nearest(points, x + 0.5, y + 0.5) / radius;
      if (d >= 1.3) continue;
      const i = y * view.widthPx + x;
      const round = 0.72 + 0.28 * Math.sqrt(Math.max(0, 1 - d * d));
      sheet[i] = blend(sheet[i] ?? 0, tone * round, cover * (1 - step(0.7, 1.3, d)));
    }
  }
}

function nearest(points: readonly (readonly [x: number, y: number])[], x: number, y: number): number {
  let best = Infinity;
  for (let p = 1; p < points.length; p += 1) {
    const [ax, ay] = points[p - 1] ?? [0, 0];
    const [bx, by] = points[p] ?? [0, 0];
    const dx = bx - ax;
    const dy = by - ay;
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    const away = (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2;
    if (away < best) best = away;
  }
  return Math.sqrt(best);
}
