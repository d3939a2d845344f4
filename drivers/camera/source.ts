/** What the ways of getting pictures have in common. Each is one connection; trying again is the camera's. */
import type { Closable } from '../reconnect.ts';
import type { FrameIndex } from './frame.ts';
import type { GreyImage } from './image-file.ts';

/** A picture as it arrived: compressed and to be decoded, or read by somebody else already. */
export interface RawFrame {
  readonly image: { readonly bytes: Uint8Array; readonly mustBe: 'jpeg' } | { readonly path: string } | GreyImage;
  /** UTC ms, as the camera says; null where it says nothing that can be. */
  readonly capturedMs: number | null;
  readonly index: FrameIndex | null;
}

export interface SourceHandlers {
  readonly onOpen: () => void;
  readonly onFrame: (frame: RawFrame) => void;
  /** Somebody still looks at an earlier picture. A camera goes on all the same; files can wait. */
  readonly isBusy: () => boolean;
  /** A part of the stream that is no picture; the stream goes on. */
  readonly onRefused: (reason: string) => void;
  /**
   * Once, later and never out of the call that opened it, unless `close` was called first.
   * @param reason one lower-case word group; `detail` is for the log and holds no secret
   */
  readonly onClosed: (reason: string, detail?: string) => void;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export type Source = Closable;
