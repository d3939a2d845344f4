/** How long a FLAC file says it is: ffmpeg does not tell when the rest of one is missing. Pure. */

/** The first block of a FLAC file has 34 bytes of facts behind four letters and a header of four bytes. */
const leastBytes = 42;

/** Samples a channel; null where it is no FLAC file or does not know its length. */
export function flacSamples(bytes: Buffer): number | null {
  if (bytes.length < leastBytes || bytes.toString('latin1', 0, 4) !== 'fLaC') return null;
  // 36 bits, behind the rate, the channels and the bits of a sample.
  const samples = ((bytes[21] ?? 0) % 16) * 2 ** 32 + bytes.readUInt32BE(22);
  return samples === 0 ? null : samples;
}
