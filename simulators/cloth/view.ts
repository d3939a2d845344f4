/** The part of a cloth that an image shows. The cloth's plane is in mm: x across (wales, ends), y downwards in the image. */
export interface View {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pxPerMm: number;
  /** What the middle of the image shows. */
  readonly xMm: number;
  readonly yMm: number;
  /** The camera turned about its axis, radians; 0: wales are upright. */
  readonly turnRad: number;
}

/** Reflectance, 0 black to 1 white, before light and camera; row by row. */
export type Sheet = Float32Array;

/** Pixel of a place of the cloth; the middle of pixel (0, 0) is at 0.5, 0.5. */
export function pixelOf(view: View, xMm: number, yMm: number): readonly [x: number, y: number] {
  const cos = Math.cos(view.turnRad) * view.pxPerMm;
  const sin = Math.sin(view.turnRad) * view.pxPerMm;
  const dx = xMm - view.xMm;
  const dy = yMm - view.yMm;
  return [view.widthPx / 2 + dx * cos + dy * sin, view.heightPx / 2 - dx * sin + dy * cos];
}

/** Place of the cloth a pixel shows: the inverse of `pixelOf`. */
export function placeOf(view: View, x: number, y: number): readonly [xMm: number, yMm: number] {
  const cos = Math.cos(view.turnRad) / view.pxPerMm;
  const sin = Math.sin(view.turnRad) / view.pxPerMm;
  const px = x - view.widthPx / 2;
  const py = y - view.heightPx / 2;
  return [view.xMm + px * cos - py * sin, view.yMm + px * sin + py * cos];
}

/** Calls `action` for every pixel within `reachMm` of a place, with its index and its offset from the place in mm. */
export function around(
  view: View,
  xMm: number,
  yMm: number,
  reachMm: number,
  action: (index: number, dxMm: number, dyMm: number) => void,
): void {
  const [px, py] = pixelOf(view, xMm, yMm);
  const reach = Math.ceil(reachMm * view.pxPerMm) + 1;
  const fromX = Math.max(0, Math.floor(px) - reach);
  const toX = Math.min(view.widthPx - 1, Math.floor(px) + reach);
  const fromY = Math.max(0, Math.floor(py) - reach);
  const toY = Math.min(view.heightPx - 1, Math.floor(py) + reach);
  const cos = Math.cos(view.turnRad) / view.pxPerMm;
  const sin = Math.sin(view.turnRad) / view.pxPerMm;
  for (let y = fromY; y <= toY; y += 1) {
    for (let x = fromX; x <= toX; x += 1) {
      const dx = x + 0.5 - px;
      const dy = y + 0.5 - py;
      action(y * view.widthPx + x, dx * cos - dy * sin, dx * sin + dy * cos);
    }
  }
}

/** Blurs with [side, 1 − 2 side, side] along x, then y, in place. */
export function soften(sheet: Sheet, widthPx: number, heightPx: number, side: number): void {
  const middle = 1 - 2 * side;
  for (let y = 0; y < heightPx; y += 1) {
    const row = y * widthPx;
    let before = sheet[row] ?? 0;
    let here = before;
    for (let x = 0; x < widthPx; x += 1) {
      const after = x + 1 < widthPx ? (sheet[row + x + 1] ?? 0) : here;
      sheet[row + x] = side * (before + after) + middle * here;
      before = here;
      here = after;
    }
  }
  const above = new Float32Array(sheet.subarray(0, widthPx));
  for (let y = 0; y < heightPx; y += 1) {
    const row = y * widthPx;
    const next = y + 1 < heightPx ? row + widthPx : row;
    for (let x = 0; x < widthPx; x += 1) {
      const here = sheet[row + x] ?? 0;
      sheet[row + x] = side * ((above[x] ?? 0) + (sheet[next + x] ?? 0)) + middle * here;
      above[x] = here;
    }
  }
}
