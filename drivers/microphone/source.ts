/** What the ways of getting sound have in common. Each is one connection; trying again is the microphone's. */
import type { Closable } from '../reconnect.ts';
import type { PcmFormat, SoundBlock } from './sound.ts';

export interface SourceHandlers {
  /** It is there and says what it sends. Once, before any sound. */
  readonly onOpen: (format: Omit<PcmFormat, 'encoding'>) => void;
  readonly onSound: (block: SoundBlock) => void;
  /** Sound is missing here: so many samples, or nobody knows how many. */
  readonly onGap: (samples: number | null, why: string) => void;
  /** Something came that is not used; the stream goes on. */
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
