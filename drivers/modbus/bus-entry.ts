/** The way into a bus, whatever line it speaks over: requests wait in its queue until `pump` takes them out. */
import type { Bus } from './bus.ts';
import type { BusRequest, Reply } from './pdu.ts';
import type { BusQueue } from './queue.ts';

export interface Waiting {
  readonly request: BusRequest;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly resolve: (reply: Reply, hasLeft: boolean) => void;
}

export interface BusEntryParts {
  readonly queue: BusQueue<Waiting>;
  readonly monotonicMs: () => number;
  /** After it nothing is queued any more. */
  readonly isOver: () => boolean;
  /** To be called when something was queued. */
  readonly pump: () => void;
  readonly onWriteQueued?: () => void;
}

/** What asks for turns on the bus. A bus that is over answers `connection-lost`. */
export function entryOf({
  queue,
  monotonicMs,
  isOver,
  pump,
  onWriteQueued,
}: BusEntryParts): Pick<Bus, 'read' | 'write'> {
  return {
    read: (request, timeoutMs, deadlineMs = monotonicMs()) => {
      if (isOver()) return Promise.resolve({ kind: 'failed', reason: 'connection-lost' });
      return new Promise((resolve) => {
        queue.push({ request, timeoutMs, deadlineMs, resolve });
        pump();
      });
    },
    write: (request, timeoutMs, notAfterMs) => {
      if (isOver()) return Promise.resolve({ kind: 'failed', reason: 'connection-lost', hasLeft: false });
      return new Promise((resolve) => {
        const answered = (reply: Reply, hasLeft: boolean) => resolve({ ...reply, hasLeft });
        queue.push({ request, timeoutMs, deadlineMs: notAfterMs, resolve: answered });
        onWriteQueued?.();
        pump();
      });
    },
  };
}
