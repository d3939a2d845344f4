/** WAV of 32-bit float: nothing is clipped or rounded (RIFF, format 3). */

const headBytes = 44;

/** @param channels of one length, full scale 1 */
export function floatWav(channels: readonly Float32Array[], rateHz: number): Buffer {
  const frames = channels[0]?.length ?? 0;
  const frameBytes = 4 * channels.length;
  const bytes = Buffer.alloc(headBytes + frames * frameBytes);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(3, 20);
  bytes.writeUInt16LE(channels.length, 22);
  bytes.writeUInt32LE(rateHz, 24);
  bytes.writeUInt32LE(rateHz * frameBytes, 28);
  bytes.writeUInt16LE(frameBytes, 32);
  bytes.writeUInt16LE(32, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(frames * frameBytes, 40);
  for (const [channel, samples] of channels.entries()) {
    for (let i = 0; i < frames; i += 1)
      bytes.writeFloatLE(samples[i] as number, headBytes + i * frameBytes + 4 * channel);
  }
  return bytes;
}
