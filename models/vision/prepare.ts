/** An image on its way into the graph: its cloth found, nothing but cloth in it, its sides as the graph takes them. */
import { ModelError } from '../errors.ts';
import { findCloth, mirrorBeside, mirrored } from './cloth.ts';
import type { Box, Grey } from './grey.ts';
import { tilePx } from './tiles.ts';

/** Sides the graph takes are multiples of this. */
const stepPx = 32;

/** An image as the graph takes it, with the cloth it holds. */
export interface Prepared {
  readonly image: Grey;
  readonly cloth: Box;
}

/** Mean brightness of a picture, of every seventh pixel. */
export function levelOf({ pixels }: Grey): number {
  let sum = 0;
  for (let at = 0; at < pixels.length; at += 7) sum += pixels[at] ?? 0;
  return sum / Math.ceil(pixels.length / 7);
}

/** Finds the cloth, mirrors it over what is none, and makes the sides multiples of what the graph takes. */
export function prepare(image: Grey): Prepared {
  if (image.width < tilePx || image.height < tilePx) {
    throw new ModelError('imageTooSmall', `${image.width} × ${image.height} pixels`);
  }
  const cloth = findCloth(image);
  return { image: rounded(mirrorBeside(image, cloth)), cloth };
}

function rounded(image: Grey): Grey {
  const width = Math.ceil(image.width / stepPx) * stepPx;
  const height = Math.ceil(image.height / stepPx) * stepPx;
  if (width === image.width && height === image.height) return image;
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = mirrored(y, 0, image.height) * image.width;
    pixels.set(image.pixels.subarray(from, from + image.width), y * width);
    for (let x = image.width; x < width; x += 1) {
      pixels[y * width + x] = image.pixels[from + mirrored(x, 0, image.width)] ?? 0;
    }
  }
  return { width, height, pixels };
}
