/**
 * A lockstitch seam on a woven cloth: the needle thread dips into a hole at every stitch. The seam runs level through the middle of
 * the view; stitch s goes from the hole at s · length to the next one.
 */
import { bell, branch, drift, uniform } from './chance.ts';
import { curve, paintStrand } from './paint.ts';
import { around, placeOf, type Sheet, type View } from './view.ts';

export interface SeamOptions {
  readonly seed: number;
  readonly stitchMm: number;
  readonly threadMm: number;
  readonly tone: number;
  /** Height of the seam in the cloth's plane, mm. */
  readonly yMm: number;
}

export type SeamFault =
  /** The hook missed the loop: two stitches became one long one. */
  | { readonly kind: 'skipped_stitch'; readonly stitch: number }
  /** The thread is torn: its ends stand up, holes are empty over `stitches`. */
  | { readonly kind: 'broken_stitch'; readonly stitch: number; readonly stitches: number }
  /** Too little tension: the thread lies in loops beside the seam. */
  | { readonly kind: 'loose_stitch'; readonly stitch: number; readonly stitches: number; readonly strength: number }
  /** Too much: the cloth gathers in waves across the seam. */
  | { readonly kind: 'seam_pucker'; readonly fromMm: number; readonly toMm: number; readonly strength: number };

/** Sews over what is drawn already. */
export function drawSeam(seam: SeamOptions, view: View, faults: readonly SeamFault[], sheet: Sheet): void {
  for (const fault of faults) if (fault.kind === 'seam_pucker') pucker(seam, view, fault, sheet);
  const [leftMm] = placeOf(view, 0, 0);
  const [rightMm] = placeOf(view, view.widthPx, 0);
  const first = Math.floor(leftMm / seam.stitchMm) - 2;
  const last = Math.ceil(rightMm / seam.stitchMm) + 2;
  const place = branch(seam.seed, 'holes');
  const hole = (stitch: number): readonly [number, number] => [
    (stitch + 0.035 * bell(place, stitch, 0)) * seam.stitchMm,
    seam.yMm + 0.06 * bell(place, stitch, 1) + 0.22 * drift(place, 2, stitch / 14),
  ];
  press(seam, view, sheet);
  for (let s = first; s <= last; s += 1) {
    const [x, y] = hole(s);
    const skipped = faults.some((fault) => fault.kind === 'skipped_stitch' && fault.stitch + 1 === s);
    if (!skipped) paintHoleOfNeedle(view, sheet, x, y, seam.threadMm);
  }
  for (let s = first; s < last; s += 1) {
    const broken = faults.find(
      (fault) => fault.kind === 'broken_stitch' && s >= fault.stitch && s < fault.stitch + fault.stitches,
    );
    if (broken?.kind === 'broken_stitch') {
      if (s === broken.stitch) end(seam, view, sheet, hole(s), 0.4, s);
      if (s === broken.stitch + broken.stitches - 1) end(seam, view, sheet, hole(s + 1), Math.PI - 0.5, s);
      continue;
    }
    if (faults.some((fault) => fault.kind === 'skipped_stitch' && fault.stitch + 1 === s)) continue;
    const long = faults.some((fault) => fault.kind === 'skipped_stitch' && fault.stitch === s);
    const loose = faults.find(
      (fault) => fault.kind === 'loose_stitch' && s >= fault.stitch && s < fault.stitch + fault.stitches,
    );
    stitch(
      seam,
      view,
      sheet,
      hole(s),
      hole(s + (long ? 2 : 1)),
      s,
      loose?.kind === 'loose_stitch' ? loose.strength : 0,
    );
  }
}

/** The cloth is drawn in along the seam. */
function press(seam: SeamOptions, view: View, sheet: Sheet): void {
  for (let y = 0; y < view.heightPx; y += 1) {
    const [, yMm] = placeOf(view, view.widthPx / 2, y + 0.5);
    const d = (yMm - seam.yMm) / 0.8;
    const shade = 1 - 0.13 * Math.exp(-d * d) + 0.05 * d * Math.exp(-d * d);
    for (let i = y * view.widthPx; i < (y + 1) * view.widthPx; i += 1) sheet[i] = (sheet[i] ?? 0) * shade;
  }
}

function paintHoleOfNeedle(view: View, sheet: Sheet, xMm: number, yMm: number, threadMm: number): void {
  const radius = threadMm * 0.85;
  around(view, xMm, yMm, radius * 2, (i, dx, dy) => {
    const d = Math.hypot(dx, dy) / radius;
    sheet[i] = (sheet[i] ?? 0) * (1 - 0.6 * Math.exp(-d * d * 1.6));
  });
}

function stitch(
  seam: SeamOptions,
  view: View,
  sheet: Sheet,
  from: readonly [number, number],
  to: readonly [number, number],
  number: number,
  loose: number,
): void {
  const long = Math.hypot(to[0] - from[0], to[1] - from[1]);
  // Loose thread bulges to one side, further than it would by chance.
  const bulge =
    0.03 * bell(seam.seed, number, 5) +
    loose * (0.55 + 0.5 * uniform(seam.seed, number, 6)) * (uniform(seam.seed, number, 7) < 0.5 ? -1 : 1);
  const bow = (t: number): readonly [number, number] => [
    from[0] + (to[0] - from[0]) * t - loose * 0.1 * long * Math.sin(2 * Math.PI * t),
    from[1] + (to[1] - from[1]) * t + bulge * Math.sin(Math.PI * t),
  ];
  const radius = (seam.threadMm / 2) * (1 + 0.1 * bell(seam.seed, number, 8) + 0.1 * loose);
  const reach = long / 2 + Math.abs(bulge) + radius * 3;
  const points = Array.from({ length: loose > 0 ? 25 : 5 }, (_, p) => bow(p / (loose > 0 ? 24 : 4)));
  around(view, (from[0] + to[0]) / 2, (from[1] + to[1]) / 2, reach, (i, dx, dy) => {
    const x = (from[0] + to[0]) / 2 + dx;
    const y = (from[1] + to[1]) / 2 + dy;
    const { away, t, side } = nearest(points, x, y);
    const shadow = nearest(points, x - radius * 0.4, y - radius * 0.9).away / radius;
    const cloth = (sheet[i] ?? 0) * (1 - 0.4 * Math.max(0, 1.5 - shadow) * Math.min(1, shadow));
    // The thread sinks in at its ends.
    const sink = Math.min(1, Math.sin(Math.PI * Math.min(0.999, Math.max(0.001, t))) * 1.9 + 0.18);
    const d = away / (radius * (0.75 + 0.25 * sink));
    if (d >= 1.15) {
      sheet[i] = cloth;
      return;
    }
    const round = Math.sqrt(Math.max(0, 1 - d * d));
    const plies = 1 + 0.12 * Math.sin(2 * Math.PI * ((t * long) / (seam.threadMm * 2.1) + side * d * 0.35));
    const thread = seam.tone * (0.35 + 0.65 * round) * plies * (0.45 + 0.55 * sink);
    const edge = Math.min(1, Math.max(0, (1.15 - d) / 0.3));
    sheet[i] = cloth + (thread - cloth) * edge;
  });
}

function nearest(
  points: readonly (readonly [number, number])[],
  x: number,
  y: number,
): { away: number; t: number; side: number } {
  let best = Infinity;
  let at = 0;
  let side = 1;
  for (let p = 1; p < points.length; p += 1) {
    const [ax, ay] = points[p - 1] ?? [0, 0];
    const [bx, by] = points[p] ?? [0, 0];
    const dx = bx - ax;
    const dy = by - ay;
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    const away = (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2;
    if (away < best) {
      best = away;
      at = (p - 1 + t) / (points.length - 1);
      side = (x - ax) * dy - (y - ay) * dx > 0 ? 1 : -1;
    }
  }
  return { away: Math.sqrt(best), t: at, side };
}

/** A torn end that stands away from the seam, its plies open. */
function end(
  seam: SeamOptions,
  view: View,
  sheet: Sheet,
  [x, y]: readonly [number, number],
  angle: number,
  number: number,
): void {
  for (let ply = 0; ply < 3; ply += 1) {
    const long = seam.stitchMm * (0.35 + 0.3 * uniform(seam.seed, number, 20 + ply));
    const strand = curve(x, y, angle + 0.5 * (ply - 1), long, seam.seed + 31 * ply + number, 1.4);
    paintStrand(view, sheet, strand, seam.threadMm / 5, seam.tone * 0.9, 0.9);
  }
}

function pucker(seam: SeamOptions, view: View, fault: Extract<SeamFault, { kind: 'seam_pucker' }>, sheet: Sheet): void {
  const wavesMm = 4.2;
  for (let y = 0; y < view.heightPx; y += 1) {
    for (let x = 0; x < view.widthPx; x += 1) {
      const [xMm, yMm] = placeOf(view, x + 0.5, y + 0.5);
      if (xMm < fault.fromMm || xMm > fault.toMm) continue;
      const ends = Math.sin((Math.PI * (xMm - fault.fromMm)) / (fault.toMm - fault.fromMm));
      const away = Math.abs(yMm - seam.yMm);
      const wave = Math.sin(
        (2 * Math.PI * (xMm + 0.25 * away * Math.sign(yMm - seam.yMm))) / wavesMm + 1.7 * drift(seam.seed, 9, xMm / 6),
      );
      const i = y * view.widthPx + x;
      sheet[i] = (sheet[i] ?? 0) * (1 + 0.26 * fault.strength * Math.min(1, 2 * ends) * Math.exp(-away / 4) * wave);
    }
  }
}
