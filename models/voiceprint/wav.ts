/**
 * WAV → samples of its first channel, within limits. A file comes from a recorder, a stick or a share and may be anything: what is not
 * plain PCM is refused with a code, never guessed at. Pure.
 *
 * Invariants (test/unit/models/voiceprint-wav.test.ts):
 *  V1  What was written is read back: integers exactly as value / 2^(bits−1), floats bit for bit.
 *  V2  A file that is cut short, or whose header says another length than it has, is refused and not heard in part. The exception is the
 *      length 0xFFFFFFFF, which programs write that do not know it yet: the sound goes on to the end.
 *  V3  No header makes more samples than the file has bytes for, and no sample is NaN or infinite.
 */
import { ModelError } from '../errors.ts';

/** One channel, ±1 at full scale. */
export interface Sound {
  readonly rateHz: number;
  readonly samples: Float32Array;
}

export const soundLimits = {
  /** Ten minutes of 48 kHz in stereo and 16 bits, thrice. */
  bytes: 384 * 1024 * 1024,
  leastRateHz: 4_000,
  mostRateHz: 192_000,
  channels: 64,
} as const;

const pcm = 1;
const float = 3;
/** The real kind stands in the first two bytes of an identifier, of which the rest is always the same. */
const extensible = 0xfffe;
const extensibleRest = '000000001000800000aa00389b71';
const unknownLength = 0xffffffff;

interface Format {
  readonly kind: typeof pcm | typeof float;
  readonly channels: number;
  readonly rateHz: number;
  /** Of one sample of one channel. */
  readonly bytes: number;
}

/** Whether bytes begin as a WAV file does. */
export function isWav(bytes: Buffer): boolean {
  return bytes.length >= 12 && bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WAVE';
}

/**
 * @param name how the sound is called in messages
 * @param channel which of its channels, from 0
 * @throws ModelError `soundUnreadable`, `soundTooLong`
 */
export function readWav(bytes: Buffer, name: string, channel = 0): Sound {
  if (bytes.length > soundLimits.bytes) throw new ModelError('soundTooLong', `${name}: ${bytes.length} bytes`);
  if (!isWav(bytes)) throw refused(name, bytes.length === 0 ? 'is empty' : 'is no WAV file');
  let format: Format | null = null;
  let data: Buffer | null = null;
  // A chunk is a name, a length and so many bytes, one more where the length is odd. They come in any order.
  for (let at = 12; at + 8 <= bytes.length;) {
    const chunk = bytes.toString('latin1', at, at + 4);
    const said = bytes.readUInt32LE(at + 4);
    const from = at + 8;
    const length = chunk === 'data' && said === unknownLength ? bytes.length - from : said;
    if (from + length > bytes.length) {
      // Notes behind the sound may be cut short; the sound is whole.
      if (chunk !== 'data' && format !== null && data !== null) break;
      throw refused(name, `says that its ${printable(chunk)} has ${said} bytes, and there are ${bytes.length - from}`);
    }
    if (chunk === 'fmt ') format ??= formatOf(bytes.subarray(from, from + length), name);
    if (chunk === 'data') data ??= bytes.subarray(from, from + length);
    at = from + length + (length % 2);
  }
  if (format === null) throw refused(name, 'does not say how its sound is stored');
  if (data === null) throw refused(name, 'has no sound in it');
  return { rateHz: format.rateHz, samples: oneChannel(data, format, channel, name) };
}

function formatOf(chunk: Buffer, name: string): Format {
  if (chunk.length < 16) throw refused(name, 'does not say how its sound is stored');
  let kind = chunk.readUInt16LE(0);
  if (kind === extensible && chunk.length >= 40 && chunk.toString('hex', 26, 40) === extensibleRest) {
    kind = chunk.readUInt16LE(24);
  }
  const channels = chunk.readUInt16LE(2);
  const rateHz = chunk.readUInt32LE(4);
  const block = chunk.readUInt16LE(12);
  const bits = chunk.readUInt16LE(14);
  if (kind !== pcm && kind !== float) throw refused(name, `holds sound of kind ${kind}, which is not plain PCM`);
  if (!(kind === pcm ? [8, 16, 24, 32] : [32, 64]).includes(bits)) throw refused(name, `has samples of ${bits} bits`);
  if (channels < 1 || channels > soundLimits.channels) throw refused(name, `has ${channels} channels`);
  if (rateHz < soundLimits.leastRateHz || rateHz > soundLimits.mostRateHz) {
    throw refused(name, `has ${rateHz} samples a second`);
  }
  if (block !== (channels * bits) / 8) throw refused(name, `has blocks of ${block} bytes`);
  return { kind, channels, rateHz, bytes: bits / 8 };
}

function oneChannel(data: Buffer, { kind, channels, bytes }: Format, channel: number, name: string): Float32Array {
  if (channel >= channels) throw refused(name, `has no channel ${channel + 1}`);
  const step = channels * bytes;
  if (data.length % step !== 0) throw refused(name, 'ends within a sample');
  const samples = new Float32Array(data.length / step);
  const read = readerOf(data, kind, bytes);
  for (let i = 0; i < samples.length; i += 1) samples[i] = read(i * step + channel * bytes);
  if (kind === float && !samples.every(Number.isFinite)) throw refused(name, 'has samples that are no numbers');
  return samples;
}

function readerOf(data: Buffer, kind: Format['kind'], bytes: number): (at: number) => number {
  if (kind === float) return bytes === 4 ? (at) => data.readFloatLE(at) : (at) => data.readDoubleLE(at);
  // Only samples of one byte are without a sign.
  if (bytes === 1) return (at) => (data.readUInt8(at) - 128) / 128;
  const scale = 2 ** (8 * bytes - 1);
  return (at) => data.readIntLE(at, bytes) / scale;
}

const refused = (name: string, why: string) => new ModelError('soundUnreadable', `${name} ${why}`);

/** A name of four bytes as it may stand in a message. */
const printable = (chunk: string) => `chunk "${chunk.replaceAll(/[^ -~]/g, '?')}"`;
