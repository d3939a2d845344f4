/**
 * A stream of grey pictures as ffmpeg writes them (Netpbm PGM, `P5`): a header of three lines, then width × height bytes. Pure.
 *
 * Invariants (test/unit/drivers/camera-pgm.test.ts):
 *  G1  The same bytes give the same pictures, however they are cut into pieces.
 *  G2  Memory is taken for one picture, and only after its header said a size within the limit.
 */
import type { GreyImage } from './image-file.ts';

const maxHeaderBytes = 64;
const headerPattern = /^P5\n(\d{1,6}) (\d{1,6})\n255\n/;

interface Filling extends GreyImage {
  filled: number;
}

export class PgmStream {
  readonly #maxPixels: number;
  readonly #onImage: (image: GreyImage) => void;
  #header = '';
  #image: Filling | null = null;
  #broken = false;

  constructor(maxPixels: number, onImage: (image: GreyImage) => void) {
    this.#maxPixels = maxPixels;
    this.#onImage = onImage;
  }

  /** Takes the next bytes. False, once and for ever, where they are no such stream. */
  push(piece: Uint8Array): boolean {
    let at = 0;
    while (!this.#broken && at < piece.length) {
      at += this.#image === null ? this.#readHeader(piece, at) : this.#fill(this.#image, piece, at);
    }
    return !this.#broken;
  }

  #readHeader(piece: Uint8Array, at: number): number {
    const before = this.#header.length;
    const text = this.#header + String.fromCharCode(...piece.subarray(at, at + maxHeaderBytes));
    const match = headerPattern.exec(text);
    if (match === null) {
      this.#header = text.slice(0, maxHeaderBytes);
      this.#broken = text.length >= maxHeaderBytes || !couldBecome(text);
      return piece.length - at;
    }
    const [width, height] = [Number(match[1]), Number(match[2])];
    if (width === 0 || height === 0 || width * height > this.#maxPixels) {
      this.#broken = true;
      return piece.length - at;
    }
    this.#header = '';
    this.#image = { width, height, pixels: new Uint8Array(width * height), filled: 0 };
    return match[0].length - before;
  }

  #fill(image: Filling, piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, at + image.pixels.length - image.filled);
    image.pixels.set(part, image.filled);
    image.filled += part.length;
    if (image.filled === image.pixels.length) {
      this.#image = null;
      this.#onImage({ width: image.width, height: image.height, pixels: image.pixels });
    }
    return part.length;
  }
}

/** Whether more bytes can make a header of it. */
function couldBecome(text: string): boolean {
  return /^(P(5(\n(\d{1,6}( (\d{1,6}(\n(2(5(5\n?)?)?)?)?)?)?)?)?)?)?$/.test(text);
}
