/**
 * What the channels of the graph answer on good cloth: for each its middle, by place across the width, and how far above it good cloth
 * goes. Light, focus and weave change across the width of a cloth, so a middle belongs to a zone; a middle is a safe figure, the far
 * end of a distribution is not, so how far it goes in middles is one figure of the whole width. Pure.
 *
 * Invariant (test/unit/models/channels.test.ts): of the cells that were taught the share `1 − farShare` lies at or below 1.
 */
import type { Box } from './grey.ts';
import { cellPx } from './tiles.ts';

/** Answers of all channels, channel by channel, each row by row. */
export interface Responses {
  readonly channels: number;
  /** Cells. */
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  /** In pixels of the image. */
  readonly cloth: Box;
}

export interface ChannelScale {
  readonly channels: number;
  /** Cells across the width the zones were taught on. */
  readonly width: number;
  /** Middle by channel and zone. */
  readonly middles: Float32Array;
  /** What the `farShare` of good cells reaches, in middles, by channel. */
  readonly far: Float32Array;
  /** By channel and cell from the border of the image inwards: its middle over that of the zone. */
  readonly borders: Float32Array;
  /** As `far`, of the cells at the borders. */
  readonly borderFar: Float32Array;
}

const zoneCells = 32;
export const farShare = 0.9995;
/** So many cells from a border of the image inwards are a class of their own: beyond it filters see a mirror image. */
export const borderCells = 8;
/** There are too few of them to see their far end; what this share reaches is stretched as it is on the rest of the cloth. */
const borderShare = 0.99;
const leastBorderCells = 100;
/** Fewer cells have no middle worth the name; the zone beside it is taken. */
const leastCells = 500;

/** @param images answers on good cloth, all of one width */
export function scaleChannels(images: readonly Responses[]): ChannelScale {
  const [first] = images;
  const { channels, width } = first ?? { channels: 0, width: 0 };
  const zones = Math.max(1, Math.round(width / zoneCells));
  const middles = new Float32Array(channels * zones);
  const far = new Float32Array(channels);
  const borders = new Float32Array(channels * borderCells).fill(1);
  const borderFar = new Float32Array(channels);
  const quantiles = new Quantiles();
  for (let channel = 0; channel < channels; channel += 1) {
    const own = zoneMiddles(images, channel, zones, width, quantiles);
    middles.set(own, channel * zones);
    const middleAt = interpolated(own, width, width);
    const near = borderMiddles(images, channel, middleAt, quantiles);
    borders.set(near, channel * borderCells);
    quantiles.clear();
    for (const image of images) {
      eachCell(image, channel, 0, image.width, (value, x, border) => {
        if (border < 0) quantiles.add(value / (middleAt[x] ?? 1));
      });
    }
    far[channel] = Math.max(quantiles.at(farShare), 1.05);
    const stretch = ((far[channel] ?? 2) - 1) / Math.max(quantiles.at(borderShare) - 1, 1e-3);
    quantiles.clear();
    for (const image of images) {
      eachCell(image, channel, 0, image.width, (value, x, border) => {
        if (border >= 0) quantiles.add(value / ((middleAt[x] ?? 1) * (near[border] ?? 1)));
      });
    }
    const isKnown = quantiles.count >= leastBorderCells;
    const reach = isKnown ? Math.max((quantiles.at(borderShare) - 1) * stretch, 0.05) : (far[channel] ?? 2) - 1;
    borderFar[channel] = 1 + reach;
  }
  return { channels, width, middles, far, borders, borderFar };
}

function zoneMiddles(
  images: readonly Responses[],
  channel: number,
  zones: number,
  width: number,
  quantiles: Quantiles,
): Float32Array {
  const found: (number | null)[] = [];
  for (let zone = 0; zone < zones; zone += 1) {
    quantiles.clear();
    // With its neighbours, so that a middle does not hang on a few cells.
    const from = Math.max(0, (zone - 1) * zoneCells);
    const to = Math.min(width, (zone + 2) * zoneCells);
    for (const image of images) eachCell(image, channel, from, to, (value) => quantiles.add(value));
    found.push(quantiles.count < leastCells ? null : Math.max(quantiles.at(0.5), 1e-6));
  }
  const known = found.flatMap((value, zone) => (value === null ? [] : [{ value, zone }]));
  return Float32Array.from(found, (value, zone) => {
    if (value !== null) return value;
    const nearest = known.toSorted((a, b) => Math.abs(a.zone - zone) - Math.abs(b.zone - zone))[0];
    return nearest?.value ?? 1;
  });
}

function borderMiddles(
  images: readonly Responses[],
  channel: number,
  middleAt: Float32Array,
  quantiles: Quantiles,
): Float32Array {
  const near = new Float32Array(borderCells).fill(1);
  for (let wanted = 0; wanted < borderCells; wanted += 1) {
    quantiles.clear();
    for (const image of images) {
      for (const column of [wanted, image.width - 1 - wanted]) {
        eachCell(image, channel, column, column + 1, (value, x) => quantiles.add(value / (middleAt[x] ?? 1)));
      }
    }
    if (quantiles.count >= leastBorderCells) near[wanted] = Math.max(quantiles.at(0.5), 1e-3);
  }
  return near;
}

/** Every whole cell of cloth, with the class of its border. */
function eachCell(
  image: Responses,
  channel: number,
  from: number,
  to: number,
  visit: (value: number, x: number, border: number) => void,
): void {
  const { cloth, width, height, values } = image;
  const left = Math.max(from, Math.ceil(cloth.left / cellPx));
  const right = Math.min(to, width, Math.floor(cloth.right / cellPx));
  const bottom = Math.min(height, Math.floor(cloth.bottom / cellPx));
  const start = channel * width * height;
  for (let x = left; x < right; x += 1) {
    const border = borderOf(x, width);
    for (let y = Math.ceil(cloth.top / cellPx); y < bottom; y += 1) {
      visit(values[start + y * width + x] ?? 0, x, border);
    }
  }
}

/** Cells from the nearer border; −1 where it is far. */
function borderOf(x: number, width: number): number {
  const cells = Math.min(x, width - 1 - x);
  return cells < borderCells ? cells : -1;
}

/**
 * A middle for every cell: on a straight line between those of the zones.
 * @param taught cells across the width the zones lie on; @param width cells asked for, from the same left border
 */
function interpolated(zones: ArrayLike<number>, taught: number, width: number): Float32Array {
  return Float32Array.from({ length: width }, (_, x) => {
    const at = Math.min(Math.max(((x + 0.5) / taught) * zones.length - 0.5, 0), zones.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, zones.length - 1);
    return (zones[below] ?? 1) + ((zones[above] ?? 1) - (zones[below] ?? 1)) * (at - below);
  });
}

/**
 * What the graph takes for images of one width: `middles` and `gains` by channel and cell across the width, so that 0 is the middle of
 * good cloth and 1 its far end.
 * @param width cells of the image
 */
export function layOut(
  scale: ChannelScale,
  width: number,
): { readonly middles: Float32Array; readonly gains: Float32Array } {
  const { channels } = scale;
  const zones = scale.middles.length / channels;
  const middles = new Float32Array(channels * width);
  const gains = new Float32Array(channels * width);
  for (let channel = 0; channel < channels; channel += 1) {
    const own = scale.middles.subarray(channel * zones, (channel + 1) * zones);
    const middleAt = interpolated(own, scale.width, width);
    for (let x = 0; x < width; x += 1) {
      const border = borderOf(x, width);
      const middle = (middleAt[x] ?? 1) * (border < 0 ? 1 : (scale.borders[channel * borderCells + border] ?? 1));
      const far = (border < 0 ? scale.far : scale.borderFar)[channel] ?? 2;
      middles[channel * width + x] = middle;
      gains[channel * width + x] = 1 / (middle * (far - 1));
    }
  }
  return { middles, gains };
}

/** Quantiles of positive numbers in one pass: the upper bits of a float are a histogram of steps of a quarter of a per cent. */
class Quantiles {
  readonly #counts = new Uint32Array(1 << 18);
  readonly #float = new Float32Array(1);
  readonly #bits = new Uint32Array(this.#float.buffer);
  #lowest = 1 << 18;
  #highest = -1;
  count = 0;

  clear(): void {
    if (this.#highest >= 0) this.#counts.fill(0, this.#lowest, this.#highest + 1);
    this.#lowest = 1 << 18;
    this.#highest = -1;
    this.count = 0;
  }

  add(value: number): void {
    this.#float[0] = value > 0 ? value : 0;
    const bin = (this.#bits[0] ?? 0) >>> 14;
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    if (bin < this.#lowest) this.#lowest = bin;
    if (bin > this.#highest) this.#highest = bin;
    this.count += 1;
  }

  /** The value that `share` of all are at or below; the upper end of its step. 0 of nothing. */
  at(share: number): number {
    let left = Math.ceil(share * this.count);
    for (let bin = this.#lowest; bin <= this.#highest; bin += 1) {
      left -= this.#counts[bin] ?? 0;
      if (left > 0) continue;
      this.#bits[0] = ((bin + 1) << 14) >>> 0;
      return this.#float[0] ?? 0;
    }
    return 0;
  }
}
