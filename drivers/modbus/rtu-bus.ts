/**
 * Requests over Modbus RTU behind a serial device server (RTU over TCP). One request at a time: RTU has no transaction id.
 *
 * Invariants:
 *  - Bytes that arrive while nobody is asked are discarded and counted; they are never the beginning of the next answer.
 *  - After a request without an answer the bus is left alone until it has been quiet for `drainMs`, so that a late answer finds
 *    nobody asking. The answer after that may still be the late one, so the bus is drained behind it once more, and what such
 *    an answer could be mistaken for is not asked (`owed.ts`).
 *  - Noise costs at most the request it falls into: a full but wrong frame is given up after `quietMs`, not after the timeout.
 */
import { mayLeave } from './allowed-write.ts';
import type { Bus, BusHandlers, BusOptions, WriteReply } from './bus.ts';
import { entryOf, type Waiting } from './bus-entry.ts';
import { OwedReplies } from './owed.ts';
import { isRead, type BusRequest, type Reply } from './pdu.ts';
import { BusQueue } from './queue.ts';
import { describe, pduOfRtu, rtuRequest, RtuReceiver, type DiscardReason } from './rtu.ts';
import { openSocket, type ByteSocket } from './socket.ts';

export interface RtuTimes {
  /** Quiet on the bus after a failure before the next request, in ms. */
  readonly drainMs: number;
  /** Quiet after as many bytes as an answer has, none of them the answer, before the request is given up, in ms. */
  readonly quietMs: number;
}
/** Device servers hold bytes back for some tens of ms to fill a packet. */
export const rtuTcpTimes: RtuTimes = { drainMs: 100, quietMs: 60 };
/** A talker that never falls silent must not keep the bus for ever. */
const maxDrains = 10;

interface Asking extends Waiting {
  readonly receiver: RtuReceiver;
  readonly sentMs: number;
  readonly timer: NodeJS.Timeout;
}

export function openRtuTcpBus(
  host: string,
  port: number,
  handlers: BusHandlers,
  options: BusOptions,
  times: RtuTimes = rtuTcpTimes,
): Bus {
  return new RtuTcpBus(host, port, handlers, options, times);
}

class RtuTcpBus implements Bus {
  readonly #handlers: BusHandlers;
  readonly #options: BusOptions;
  readonly #times: RtuTimes;
  readonly #socket: ByteSocket;
  readonly #queue: BusQueue<Waiting>;
  readonly #entry: Pick<Bus, 'read' | 'write'>;
  readonly #owed = new OwedReplies();
  #owedTimer: NodeJS.Timeout | null = null;
  #asking: Asking | null = null;
  #quietTimer: NodeJS.Timeout | null = null;
  #drain: { timer: NodeJS.Timeout; left: number } | null = null;
  /** Whom the last request was for: what comes unasked is most likely theirs. */
  #last: BusRequest | null = null;
  #lastFailed = false;
  #over = false;
  #lastBytesMs: number;

  constructor(host: string, port: number, handlers: BusHandlers, options: BusOptions, times: RtuTimes) {
    this.#handlers = handlers;
    this.#options = options;
    this.#times = times;
    this.#queue = new BusQueue(options.maxRequestsPerS ?? null);
    this.#entry = entryOf({
      queue: this.#queue,
      monotonicMs: () => options.monotonicMs(),
      isOver: () => this.#over,
      pump: () => this.#pump(),
    });
    this.#lastBytesMs = options.monotonicMs();
    this.#socket = openSocket(
      host,
      port,
      {
        onOpen: () => {
          this.#lastBytesMs = options.monotonicMs();
          // The device server may still hold an answer to whoever was connected before.
          this.#startDrain(maxDrains);
          handlers.onUp();
        },
        onBytes: (bytes) => this.#receive(bytes),
        onClosed: (reason) => {
          this.#end();
          handlers.onDown(reason);
        },
      },
      options.connectTimeoutMs,
    );
  }

  read(...asked: Parameters<Bus['read']>): Promise<Reply> {
    return this.#entry.read(...asked);
  }

  write(...asked: Parameters<Bus['write']>): Promise<WriteReply> {
    return this.#entry.write(...asked);
  }

  close(): Promise<void> {
    this.#end();
    return this.#socket.close();
  }

  #pump(): void {
    if (this.#over || this.#asking !== null || this.#drain !== null) return;
    if (this.#owedTimer !== null) clearTimeout(this.#owedTimer);
    this.#owedTimer = null;
    const sentMs = this.#options.monotonicMs();
    const next = this.#queue.take(sentMs, this.#owed);
    if (next === null) return;
    if ('waitMs' in next) {
      this.#owedTimer = setTimeout(() => this.#pump(), Math.ceil(next.waitMs));
      return;
    }
    const { waiting } = next;
    const { request } = waiting;
    const frame = rtuRequest(request);
    const isTooLate = !isRead(request) && sentMs > waiting.deadlineMs;
    if (isTooLate || !mayLeave(request.unit, pduOfRtu(frame), request)) {
      waiting.resolve({ kind: 'failed', reason: isTooLate ? 'no-turn-in-time' : 'held-back' }, false);
      this.#pump();
      return;
    }
    const timer = setTimeout(() => this.#fail(), waiting.timeoutMs);
    this.#asking = { ...waiting, receiver: new RtuReceiver(request), sentMs, timer };
    this.#last = request;
    this.#socket.write(frame);
  }

  #receive(bytes: Uint8Array): void {
    this.#lastBytesMs = this.#options.monotonicMs();
    const asking = this.#asking;
    if (asking === null) {
      this.#stray(bytes);
      return;
    }
    const received = asking.receiver.push(bytes);
    if (received === null) {
      if (asking.receiver.isFull) this.#startQuietTimer();
      return;
    }
    for (const discard of received.discards) this.#handlers.onDiscard(asking.request.unit, discard.reason, 1);
    const { request, sentMs, timeoutMs } = asking;
    this.#owed.answered(request, sentMs, timeoutMs, this.#lastBytesMs);
    for (const discard of received.discards) if (isWholeAnswer(discard.reason)) this.#owed.paid(request);
    const drainFirst = this.#lastFailed || received.discards.length > 0;
    this.#lastFailed = false;
    this.#finish(asking, received.answer, drainFirst);
  }

  /** Bytes while nobody is asked. */
  #stray(bytes: Uint8Array): void {
    if (this.#last === null) this.#handlers.onDiscard(null, 'garbage', 1);
    else {
      for (const discard of describe(bytes, this.#last)) {
        // A frame that would have been the answer: after a failure it is late, after an answer it is the same once more.
        const reason = discard.reason === 'late' && !this.#lastFailed ? 'duplicate' : discard.reason;
        if (isWholeAnswer(reason)) this.#owed.paid(this.#last);
        this.#handlers.onDiscard(this.#last.unit, reason, 1);
      }
    }
    if (this.#drain !== null) this.#startDrain(this.#drain.left - 1);
  }

  #startQuietTimer(): void {
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#fail(), this.#times.quietMs);
  }

  #fail(): void {
    const asking = this.#asking;
    if (asking === null) return;
    const { reason, discards } = asking.receiver.giveUp();
    for (const discard of discards) this.#handlers.onDiscard(asking.request.unit, discard.reason, 1);
    // An answer with a wrong checksum has come; any other may still.
    if (reason !== 'bad-checksum') this.#owed.owe(asking.request, asking.sentMs, asking.timeoutMs);
    this.#lastFailed = true;
    this.#finish(asking, { kind: 'failed', reason }, true);
    if (this.#options.monotonicMs() - this.#lastBytesMs >= this.#options.staleAfterMs) this.#socket.fail('no-data');
  }

  #finish(asking: Asking, reply: Reply, drainFirst: boolean): void {
    clearTimeout(asking.timer);
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#quietTimer = null;
    this.#asking = null;
    if (drainFirst) this.#startDrain(maxDrains);
    asking.resolve(reply, true);
    this.#pump();
  }

  #startDrain(left: number): void {
    if (this.#drain !== null) {
      if (left <= 0) return;
      clearTimeout(this.#drain.timer);
    }
    const timer = setTimeout(() => {
      this.#drain = null;
      this.#pump();
    }, this.#times.drainMs);
    this.#drain = { timer, left };
  }

  #end(): void {
    this.#over = true;
    const waiting = this.#queue.clear();
    if (this.#asking !== null) {
      clearTimeout(this.#asking.timer);
      this.#asking.resolve({ kind: 'failed', reason: 'connection-lost' }, true);
      this.#asking = null;
    }
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    if (this.#drain !== null) clearTimeout(this.#drain.timer);
    if (this.#owedTimer !== null) clearTimeout(this.#owedTimer);
    for (const one of waiting) one.resolve({ kind: 'failed', reason: 'connection-lost' }, false);
  }
}

function isWholeAnswer(reason: DiscardReason): boolean {
  return reason === 'late' || reason === 'duplicate';
}
