/**
 * Bytes of PCM → samples, wherever the stream cuts the bytes. Pure.
 *
 * Invariants (test/unit/drivers/microphone/pcm.test.ts):
 *  M1  However the bytes are cut, the samples and the holes are the same.
 *  M2  Integers are exactly value / 2^(bits−1); floats are as they are.
 *  M3  A sample that is no number, or beyond what any microphone gives, is a hole in all channels and never a sound.
 *  M4  Less than one frame is kept between pieces.
 */
import type { Hole, PcmEncoding, PcmFormat, SoundBlock } from './sound.ts';

/** Of a float: sixty decibels above full scale is no sound, but bytes of another format. */
const mostValue = 1_000;

export const bytesOf: Readonly<Record<PcmEncoding, number>> = {
  u8: 1,
  s16le: 2,
  s16be: 2,
  s24le: 3,
  s32le: 4,
  f32le: 4,
  f64le: 8,
};

/** Bytes of one sample of all channels. */
export const frameBytesOf = ({ encoding, channels }: PcmFormat): number => bytesOf[encoding] * channels;

export class PcmDecoder {
  readonly #format: PcmFormat;
  readonly #keep: number;
  #rest: Buffer = Buffer.alloc(0);

  /** @param keep how many channels are given, the first ones; the others are skipped */
  constructor(format: PcmFormat, keep = format.channels) {
    this.#format = format;
    this.#keep = Math.min(keep, format.channels);
  }

  /** Bytes of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** What is whole of what came; the block may be empty. */
  push(bytes: Buffer): SoundBlock {
    const step = frameBytesOf(this.#format);
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames = Math.floor(all.length / step);
    // A copy: the piece it lies in would be kept for these few bytes.
    this.#rest = Buffer.from(all.subarray(frames * step));
    return decodeFrames(all, frames, this.#format, this.#keep);
  }
}

function decodeFrames(bytes: Buffer, frames: number, format: PcmFormat, keep: number): SoundBlock {
  const width = bytesOf[format.encoding];
  const step = frameBytesOf(format);
  const read = readerOf(bytes, format.encoding);
  const channels = Array.from({ length: keep }, () => new Float32Array(frames));
  const holes: Hole[] = [];
  let holeFrom = -1;
  for (let i = 0; i < frames; i += 1) {
    let isBad = false;
    for (const [channel, samples] of channels.entries()) {
      const value = read(i * step + channel * width);
      // Written so that NaN is bad, too.
      if (Math.abs(value) <= mostValue) samples[i] = value;
      else isBad = true;
    }
    if (isBad) {
      for (const samples of channels) samples[i] = 0;
      if (holeFrom < 0) holeFrom = i;
    } else if (holeFrom >= 0) {
      holes.push({ from: holeFrom, to: i });
      holeFrom = -1;
    }
  }
  if (holeFrom >= 0) holes.push({ from: holeFrom, to: frames });
  return { channels, holes };
}

function readerOf(bytes: Buffer, encoding: PcmEncoding): (at: number) => number {
  switch (encoding) {
    // Only samples of one byte are without a sign.
    case 'u8':
      return (at) => (bytes.readUInt8(at) - 128) / 128;
    case 's16le':
      return (at) => bytes.readInt16LE(at) / 2 ** 15;
    case 's16be':
      return (at) => bytes.readInt16BE(at) / 2 ** 15;
    case 's24le':
      return (at) => bytes.readIntLE(at, 3) / 2 ** 23;
    case 's32le':
      return (at) => bytes.readInt32LE(at) / 2 ** 31;
    case 'f32le':
      return (at) => bytes.readFloatLE(at);
    case 'f64le':
      return (at) => bytes.readDoubleLE(at);
  }
}
