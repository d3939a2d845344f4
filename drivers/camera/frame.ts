/** A picture of a camera, as the senses get it. */

/** Where the cloth was when the picture was taken, as far as the camera itself says it. */
export type FrameIndex =
  /** The count of an encoder on the machine. */
  | { readonly kind: 'encoder'; readonly count: number }
  /** Whether the mark that passes once a revolution is in the picture, as the camera says. */
  | { readonly kind: 'mark'; readonly isThere: boolean };

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** One byte a pixel, row by row from the top left; what the privacy mask covers is blanked. */
  readonly pixels: Uint8Array;
  /** 1 where the privacy mask covers; null where there is none. */
  readonly masked: Uint8Array | null;
  /** UTC ms of the exposure: the camera's own stamp where it sends one, else the receipt. */
  readonly capturedMs: number;
  readonly capturedBy: 'camera' | 'receipt';
  /** UTC ms. */
  readonly receivedMs: number;
  /** Of the receipt, on the monotonic clock; every duration is computed from this one. */
  readonly monotonicMs: number;
  readonly index: FrameIndex | null;
}

/** Limits of every camera, whatever it speaks: what is more is refused before it is kept. */
export const cameraLimits = {
  /** One compressed picture. */
  partBytes: 8 * 1024 * 1024,
  /** The header lines of one part, and what may stand before the first. */
  headerBytes: 8 * 1024,
  pixels: 8192 * 4096,
} as const;
