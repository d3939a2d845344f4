/** What the driver needs of a connection, whatever framing runs over it. One connection each; connecting anew is the driver's. */
import type { DiscardReason } from './rtu.ts';
import type { AllowedWrite } from './allowed-write.ts';
import type { ReadRequest, Reply } from './pdu.ts';

export interface BusHandlers {
  readonly onUp: () => void;
  /** Called once, whether it was ever up or not, unless `close` was called first. */
  readonly onDown: (reason: string) => void;
  /** `unit` is whom the bytes were for, null where nobody knows. */
  readonly onDiscard: (unit: number | null, reason: DiscardReason, count: number) => void;
}

/** `hasLeft` false: certainly nothing of it was sent. */
export type WriteReply = Reply & { readonly hasLeft: boolean };

export interface Bus {
  /**
   * Never rejects. Requests beyond what the bus takes at once wait their turn, the earliest deadline first.
   * @param timeoutMs how long the answer may take once it is asked, in ms
   * @param deadlineMs when it should be asked, on the monotonic clock; now where absent. It is asked all the same when that is past
   */
  read(request: ReadRequest, timeoutMs: number, deadlineMs?: number): Promise<Reply>;
  /**
   * Asks once, ahead of the reads that wait. Never rejects, and never repeats.
   * @param timeoutMs how long the answer may take once it has left, in ms
   * @param notAfterMs on the monotonic clock: what has not left by then does not leave any more
   */
  write(write: AllowedWrite, timeoutMs: number, notAfterMs: number): Promise<WriteReply>;
  /** Every waiting read fails with `connection-lost`; resolves when the socket or port is closed. */
  close(): Promise<void>;
}

export interface BusOptions {
  /** How long connecting may take, in ms. */
  readonly connectTimeoutMs: number;
  /** A connection on which requests time out and no byte came for so long is half-open and given up, in ms. */
  readonly staleAfterMs: number;
  readonly monotonicMs: () => number;
  /** The most requests in a second, of all machines together; null or absent: as many as are answered. */
  readonly maxRequestsPerS?: number | null;
}
