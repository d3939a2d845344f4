/** WAV: of 32-bit float, in which nothing is clipped or rounded (RIFF, format 3), and of 16 bits as a converter has it (format 1). */

const headBytes = 44;
/** Where nobody knows yet how long it will be. */
const endless = 0xffff_ffff;

/** @param dataBytes of sound that follow; null: nobody knows */
export function wavHead(
  { channels, rateHz, bits }: { readonly channels: number; readonly rateHz: number; readonly bits: 16 | 32 },
  dataBytes: number | null,
): Buffer {
  const frameBytes = (channels * bits) / 8;
  const head = Buffer.alloc(headBytes);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(dataBytes === null ? endless : headBytes - 8 + dataBytes, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(bits === 32 ? 3 : 1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rateHz, 24);
  head.writeUInt32LE(rateHz * frameBytes, 28);
  head.writeUInt16LE(frameBytes, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(dataBytes ?? endless, 40);
  return head;
}

/** Samples of 16 bits, clipped at full scale. @param channels of one length, full scale 1 */
export function pcm16(channels: readonly Float32Array[]): Buffer {
  const frames = channels[0]?.length ?? 0;
  const bytes = Buffer.alloc(2 * channels.length * frames);
  for (const [channel, samples] of channels.entries()) {
    for (let i = 0; i < frames; i += 1) {
      const value = Math.max(-32_768, Math.min(32_767, Math.round((samples[i] as number) * 32_768)));
      bytes.writeInt16LE(value, 2 * (i * channels.length + channel));
    }
  }
  return bytes;
}

/** @param channels of one length, full scale 1 */
export function floatWav(channels: readonly Float32Array[], rateHz: number): Buffer {
  const frames = channels[0]?.length ?? 0;
  const frameBytes = 4 * channels.length;
  const bytes = Buffer.alloc(headBytes + frames * frameBytes);
  wavHead({ channels: channels.length, rateHz, bits: 32 }, frames * frameBytes).copy(bytes);
  for (const [channel, samples] of channels.entries()) {
    for (let i = 0; i < frames; i += 1)
      bytes.writeFloatLE(samples[i] as number, headBytes + i * frameBytes + 4 * channel);
  }
  return bytes;
}
