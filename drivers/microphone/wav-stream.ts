/**
 * A WAV header that comes in pieces, then samples, perhaps for ever. Pure.
 *
 * Invariants (test/unit/drivers/microphone/wav-stream.test.ts):
 *  W1  However the bytes are cut, format and samples are the same.
 *  W2  At most `keptBytes` are kept while the header lasts, and the header ends within `headerBytes`.
 *  W3  What is not plain PCM is refused with a reason, never guessed at, and a refused stream stays refused.
 *  W4  A length that nobody can know yet (0, or from 2^31 − 64 Ki on) means "to the end". Any other length is held to: less is `truncated`,
 *      and samples behind it are `length-wrong`.
 */
import { refusalOfFormat, type PcmEncoding, type PcmFormat } from './sound.ts';

const keptBytes = 4_096;
const headerBytes = 1_048_576;
/** arecord and others write about 2^31 where they mean for ever, ffmpeg 2^32 − 1. */
const foreverFrom = 2 ** 31 - 65_536;
/** The real kind stands in the first two bytes of an identifier, of which the rest is always the same. */
const extensible = 0xfffe;
const extensibleRest = '000000001000800000aa00389b71';

export interface WavSink {
  readonly onFormat: (format: PcmFormat) => void;
  readonly onPcm: (bytes: Buffer) => void;
}

export interface WavRefusal {
  readonly reason: 'no-wav' | 'format-refused' | 'truncated' | 'length-wrong';
  readonly detail: string;
}

type Phase =
  | { readonly kind: 'riff' }
  | { readonly kind: 'chunk' }
  | { readonly kind: 'fmt'; readonly length: number }
  | { readonly kind: 'skip'; readonly left: number }
  | { readonly kind: 'data'; readonly left: number | null }
  | { readonly kind: 'behind' }
  | { readonly kind: 'over'; readonly refusal: WavRefusal };

export class WavStream {
  readonly #sink: WavSink;
  #phase: Phase = { kind: 'riff' };
  #kept: Buffer = Buffer.alloc(0);
  #format: PcmFormat | null = null;
  #headerBytes = 0;

  constructor(sink: WavSink) {
    this.#sink = sink;
  }

  /** Null while all is well; else why the stream is of no use any more. */
  push(bytes: Buffer): WavRefusal | null {
    let rest = bytes;
    for (;;) {
      const phase = this.#phase;
      switch (phase.kind) {
        case 'over':
          return phase.refusal;
        case 'data': {
          const take = phase.left === null ? rest.length : Math.min(rest.length, phase.left);
          if (take > 0) this.#sink.onPcm(rest.subarray(0, take));
          if (phase.left === null) return null;
          const left = phase.left - take;
          this.#phase = left === 0 ? { kind: 'behind' } : { kind: 'data', left };
          rest = rest.subarray(take);
          if (left > 0) return null;
          break;
        }
        case 'behind':
          return this.#behind(rest);
        case 'skip': {
          const take = Math.min(rest.length, phase.left);
          this.#headerBytes += take;
          if (this.#headerBytes > headerBytes) return this.#refuse('no-wav', 'its header has no end');
          rest = rest.subarray(take);
          const left = phase.left - take;
          this.#phase = left === 0 ? { kind: 'chunk' } : { kind: 'skip', left };
          if (left > 0) return null;
          break;
        }
        default: {
          const need = phase.kind === 'riff' ? 12 : phase.kind === 'chunk' ? 8 : phase.length;
          const take = Math.min(rest.length, need - this.#kept.length);
          this.#kept = Buffer.concat([this.#kept, rest.subarray(0, take)]);
          this.#headerBytes += take;
          rest = rest.subarray(take);
          if (this.#kept.length < need) return null;
          if (this.#headerBytes > headerBytes) return this.#refuse('no-wav', 'its header has no end');
          const whole = this.#kept;
          this.#kept = Buffer.alloc(0);
          const refusal = this.#headerPart(phase, whole);
          if (refusal !== null) return refusal;
        }
      }
    }
  }

  /** The stream ended. Null where it ended as it may. */
  end(): WavRefusal | null {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'over':
        return phase.refusal;
      case 'behind':
        return null;
      case 'data':
        return phase.left === null ? null : this.#refuse('truncated', `it ends ${phase.left} bytes before it says`);
      default:
        return this.#refuse(this.#headerBytes === 0 ? 'no-wav' : 'truncated', 'it ends within its header');
    }
  }

  #headerPart(phase: Extract<Phase, { kind: 'riff' | 'chunk' | 'fmt' }>, bytes: Buffer): WavRefusal | null {
    if (phase.kind === 'riff') {
      const isWav = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WAVE';
      if (!isWav) return this.#refuse('no-wav', 'it does not begin as a WAV file does');
      this.#phase = { kind: 'chunk' };
      return null;
    }
    if (phase.kind === 'chunk') return this.#chunk(bytes.toString('latin1', 0, 4), bytes.readUInt32LE(4));
    const format = wavFormatOf(bytes);
    if (typeof format === 'string') return this.#refuse('format-refused', format);
    this.#format = format;
    this.#sink.onFormat(format);
    this.#phase = { kind: 'chunk' };
    return null;
  }

  #chunk(name: string, length: number): WavRefusal | null {
    if (name === 'data') {
      if (this.#format === null) return this.#refuse('format-refused', 'it does not say how its sound is stored');
      const left = length === 0 || length >= foreverFrom ? null : length;
      this.#phase = { kind: 'data', left };
      return null;
    }
    // One more byte where the length is odd.
    const padded = length + (length % 2);
    if (name !== 'fmt ') this.#phase = padded === 0 ? { kind: 'chunk' } : { kind: 'skip', left: padded };
    else if (this.#format !== null) return this.#refuse('format-refused', 'it says twice how its sound is stored');
    else if (length < 16 || length > keptBytes) {
      return this.#refuse('format-refused', 'it does not say how its sound is stored');
    } else this.#phase = { kind: 'fmt', length: padded };
    return null;
  }

  /** Notes may follow the sound. What does not look like one is more sound than was said. */
  #behind(bytes: Buffer): WavRefusal | null {
    const take = Math.min(bytes.length, 9 - this.#kept.length);
    this.#kept = Buffer.concat([this.#kept, bytes.subarray(0, take)]);
    // The chunk may begin behind one byte of padding.
    const from = this.#kept[0] === 0 ? 1 : 0;
    const name = this.#kept.toString('latin1', from, from + 4);
    if (name.length === 4 && !/^[A-Za-z][A-Za-z0-9 _]{3}$/.test(name)) {
      return this.#refuse('length-wrong', 'more sound follows than its header says');
    }
    return null;
  }

  #refuse(reason: WavRefusal['reason'], detail: string): WavRefusal {
    const refusal: WavRefusal = { reason, detail };
    this.#phase = { kind: 'over', refusal };
    this.#kept = Buffer.alloc(0);
    return refusal;
  }
}

/** What a chunk "fmt " says; a text where it is refused. */
export function wavFormatOf(chunk: Buffer): PcmFormat | string {
  if (chunk.length < 16) return 'it does not say how its sound is stored';
  let kind = chunk.readUInt16LE(0);
  if (kind === extensible && chunk.length >= 40 && chunk.toString('hex', 26, 40) === extensibleRest) {
    kind = chunk.readUInt16LE(24);
  }
  const channels = chunk.readUInt16LE(2);
  const rateHz = chunk.readUInt32LE(4);
  const block = chunk.readUInt16LE(12);
  const bits = chunk.readUInt16LE(14);
  if (kind !== 1 && kind !== 3) return `it holds sound of kind ${kind}, which is not plain PCM`;
  const encoding = encodings[`${kind}/${bits}`];
  if (encoding === undefined) return `it has samples of ${bits} bits`;
  const refusal = refusalOfFormat({ rateHz, channels });
  if (refusal !== null) return refusal;
  if (block !== (channels * bits) / 8) return `it has blocks of ${block} bytes`;
  return { encoding, rateHz, channels };
}

const encodings: Readonly<Record<string, PcmEncoding>> = {
  '1/8': 'u8',
  '1/16': 's16le',
  '1/24': 's24le',
  '1/32': 's32le',
  '3/32': 'f32le',
  '3/64': 'f64le',
};
