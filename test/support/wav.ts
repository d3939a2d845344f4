/** WAV files for tests, written byte by byte from Microsoft's RIFF and WAVEFORMATEXTENSIBLE, not by what reads them. */
export type WavKind = 'pcm' | 'float';

export interface WavOptions {
  readonly kind: WavKind;
  readonly bits: number;
  readonly channels: number;
  readonly rateHz: number;
  readonly isExtensible?: boolean;
}

/** Name, length, bytes, and one more where the length is odd. */
export function chunk(name: string, bytes: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 0, 'latin1');
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes, Buffer.alloc(bytes.length % 2)]);
}

export function formatChunk({ kind, bits, channels, rateHz, isExtensible = false }: WavOptions): Buffer {
  const bytes = Buffer.alloc(isExtensible ? 40 : 16);
  const tag = kind === 'pcm' ? 1 : 3;
  const block = (channels * bits) / 8;
  bytes.writeUInt16LE(isExtensible ? 0xfffe : tag, 0);
  bytes.writeUInt16LE(channels, 2);
  bytes.writeUInt32LE(rateHz, 4);
  bytes.writeUInt32LE(rateHz * block, 8);
  bytes.writeUInt16LE(block, 12);
  bytes.writeUInt16LE(bits, 14);
  if (isExtensible) {
    bytes.writeUInt16LE(22, 16);
    bytes.writeUInt16LE(bits, 18);
    bytes.writeUInt16LE(tag, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(bytes, 26);
  }
  return chunk('fmt ', bytes);
}

export function wavBytes(chunks: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WAVE', 'latin1'), ...chunks]);
  return chunk('RIFF', body);
}

/** Samples of the first channel; in the others stands something else. */
export function wavOf(samples: ArrayLike<number>, options: WavOptions): Buffer {
  const { kind, bits, channels } = options;
  const step = (channels * bits) / 8;
  const data = Buffer.alloc(samples.length * step, 0x2a);
  const scale = 2 ** (bits - 1);
  for (let i = 0; i < samples.length; i += 1) {
    const value = samples[i] ?? 0;
    const whole = Math.min(Math.max(Math.round(value * scale), -scale), scale - 1);
    if (kind === 'float' && bits === 32) data.writeFloatLE(value, i * step);
    else if (kind === 'float') data.writeDoubleLE(value, i * step);
    else if (bits === 8) data.writeUInt8(whole + 128, i * step);
    else data.writeIntLE(whole, i * step, bits / 8);
  }
  return wavBytes([formatChunk(options), chunk('data', data)]);
}
