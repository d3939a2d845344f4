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

const nothing = Buffer.alloc(0);

export class PcmDecoder {
  readonly #format: PcmFormat;
  readonly #keep: number;
  #rest: Buffer = nothing;

  /** @param keep how many channels are given, the first ones; the others are skipped */
  constructor(format: PcmFormat, keep = format.channels) {
    this.#format = format;
    this.#keep = Math.min(keep, format.channels);
  }

  /** Bytes of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** What is whole of what came; the block may be empty. The bytes are not needed any more when it returns. */
  push(bytes: Buffer): SoundBlock {
    const step = frameBytesOf(this.#format);
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames = Math.floor(all.length / step);
    // A copy: the piece it lies in would be kept for these few bytes.
    this.#rest = frames * step === all.length ? nothing : Buffer.from(all.subarray(frames * step));
    return decodeFrames(all, frames, this.#format, this.#keep);
  }
}

/** One channel after the other, by plain steps: it runs for every sample of every microphone. */
function decodeFrames(bytes: Buffer, frames: number, format: PcmFormat, keep: number): SoundBlock {
  const width = bytesOf[format.encoding];
  const step = frameBytesOf(format);
  const read = readers[format.encoding];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const channels = Array.from({ length: keep }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0, at = channel * width; i < frames; i += 1, at += step) samples[i] = read(view, at);
    return samples;
  });
  return { channels, holes: floats.has(format.encoding) ? holesIn(channels, frames) : [] };
}

/** An integer is always a number. */
const floats: ReadonlySet<PcmEncoding> = new Set(['f32le', 'f64le']);

/** Where a sample of any channel is no number; all channels are silent there from now on. */
function holesIn(channels: readonly Float32Array[], frames: number): Hole[] {
  const holes: Hole[] = [];
  let holeFrom = -1;
  for (let i = 0; i < frames; i += 1) {
    let isBad = false;
    // Written so that NaN is bad, too.
    for (const samples of channels) if (!(Math.abs(samples[i] as number) <= mostValue)) isBad = true;
    if (isBad) {
      for (const samples of channels) samples[i] = 0;
      if (holeFrom < 0) holeFrom = i;
    } else if (holeFrom >= 0) {
      holes.push({ from: holeFrom, to: i });
      holeFrom = -1;
    }
  }
  if (holeFrom >= 0) holes.push({ from: holeFrom, to: frames });
  return holes;
}

const readers: Readonly<Record<PcmEncoding, (view: DataView, at: number) => number>> = {
  // Only samples of one byte are without a sign.
  u8: (view, at) => (view.getUint8(at) - 128) / 128,
  s16le: (view, at) => view.getInt16(at, true) / 2 ** 15,
  s16be: (view, at) => view.getInt16(at) / 2 ** 15,
  s24le: (view, at) => (view.getInt8(at + 2) * 2 ** 16 + view.getUint16(at, true)) / 2 ** 23,
  s32le: (view, at) => view.getInt32(at, true) / 2 ** 31,
  f32le: (view, at) => view.getFloat32(at, true),
  f64le: (view, at) => view.getFloat64(at, true),
};
