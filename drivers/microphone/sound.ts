/** Sound of a microphone, as its sources give it. */

/** How one sample of one channel is stored in a stream. */
export const pcmEncodings = ['u8', 's16le', 's16be', 's24le', 's32le', 'f32le', 'f64le'] as const;
export type PcmEncoding = (typeof pcmEncodings)[number];

export interface PcmFormat {
  readonly encoding: PcmEncoding;
  readonly channels: number;
  readonly rateHz: number;
}

/** Samples of one stretch of time: an array a channel, all of one length, ±1 at full scale. */
export interface SoundBlock {
  readonly channels: readonly Float32Array[];
  /** Where within the block there is no sound, though there were bytes: samples that are no numbers. Ascending, apart. */
  readonly holes: readonly Hole[];
}

/** From `from` up to and without `to`, in samples. */
export interface Hole {
  readonly from: number;
  readonly to: number;
}

/** Limits of every microphone, whatever it speaks: what is more is refused before it is kept. */
export const microphoneLimits = {
  leastRateHz: 16_000,
  mostRateHz: 96_000,
  /** That a stream may have. */
  channels: 8,
  /** That are kept: the first hears, the second may carry the pulse. */
  keptChannels: 2,
} as const;

/** Why sound of this form is not heard; null where it is. */
export function refusalOfFormat({ rateHz, channels }: Omit<PcmFormat, 'encoding'>): string | null {
  const { leastRateHz, mostRateHz } = microphoneLimits;
  if (!Number.isInteger(rateHz) || rateHz < leastRateHz || rateHz > mostRateHz) {
    return `it has ${rateHz} samples a second; ${leastRateHz} to ${mostRateHz} are heard`;
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > microphoneLimits.channels) {
    return `it has ${channels} channels; 1 to ${microphoneLimits.channels} are heard`;
  }
  return null;
}
