/**
 * Requests over Modbus TCP. Several may be under way at once; the transaction id tells their replies apart.
 *
 * Invariants:
 *  - A reply is taken only for the request whose 16-bit transaction id it carries, and only with its unit, function and length.
 *  - An id is not used again while its reply may still come: ids rise through all 65536 values and skip those under way.
 *  - While a write is under way to a unit nothing else is: a server with room for one request must not drop either of the two.
 *  - A reply nobody waits for is counted: late, duplicate, wrong-unit, wrong-function, bad-length or garbage; never decoded.
 */
import { mayLeave } from './allowed-write.ts';
import type { Bus, BusHandlers, BusOptions, WriteReply } from './bus.ts';
import { entryOf, type Waiting } from './bus-entry.ts';
import { MbapFramer, mbapRequest, pduOfMbap, type MbapFrame } from './mbap.ts';
import { answerOf, isRead, type Reply } from './pdu.ts';
import { BusQueue, type Chooser } from './queue.ts';
import { openSocket, type ByteSocket } from './socket.ts';

/** Most servers answer one after the other; a few under way hide the network, many only fill their queues. */
const maxUnderWay = 8;
/** How many finished transactions are remembered, to name a reply that comes after them. */
const maxRemembered = 256;

interface UnderWay {
  readonly waiting: Waiting;
  /** After it its reply is late, on the monotonic clock. */
  readonly dueMs: number;
}

export function openTcpBus(host: string, port: number, handlers: BusHandlers, options: BusOptions): Bus {
  return new TcpBus(host, port, handlers, options);
}

class TcpBus implements Bus {
  readonly #handlers: BusHandlers;
  readonly #options: BusOptions;
  readonly #socket: ByteSocket;
  readonly #framer = new MbapFramer(
    (transaction) => this.#underWay.has(transaction) || this.#finished.has(transaction),
  );
  readonly #queue: BusQueue<Waiting>;
  readonly #entry: Pick<Bus, 'read' | 'write'>;
  #paceTimer: NodeJS.Timeout | null = null;
  /** Requests of this turn of the event loop, not yet written. */
  readonly #outgoing: Uint8Array[] = [];
  readonly #underWay = new Map<number, UnderWay>();
  /**
   * One for all requests, for the first that is due; an answer leaves it as it is. One for each request was garbage at every poll.
   */
  #timer: { readonly handle: NodeJS.Timeout; readonly dueMs: number } | null = null;
  readonly #finished = new Map<number, { readonly unit: number; readonly how: 'answered' | 'timed-out' }>();
  /** Writes that wait or are under way. */
  #writes = 0;
  readonly #onePerUnit: Chooser = {
    take: (waiting) => {
      const busy = new Set<number>();
      const writing = new Set<number>();
      for (const {
        waiting: { request },
      } of this.#underWay.values())
        (isRead(request) ? busy : writing).add(request.unit);
      const at = waiting.findIndex(({ request: { unit, fn } }) => {
        if (fn <= 4) return !writing.has(unit);
        if (!busy.has(unit) && !writing.has(unit)) return true;
        // It waits for what is under way, and nothing may overtake it meanwhile.
        writing.add(unit);
        return false;
      });
      const [first] = at === -1 ? [] : waiting.splice(at, 1);
      // Whatever ends makes the bus look again.
      return first === undefined ? null : { waiting: first };
    },
  };
  #nextTransaction = 1;
  #over = false;
  #lastBytesMs: number;

  constructor(host: string, port: number, handlers: BusHandlers, options: BusOptions) {
    this.#handlers = handlers;
    this.#options = options;
    this.#queue = new BusQueue(options.maxRequestsPerS ?? null);
    this.#entry = entryOf({
      queue: this.#queue,
      monotonicMs: () => options.monotonicMs(),
      isOver: () => this.#over,
      pump: () => this.#pump(),
      onWriteQueued: () => {
        this.#writes += 1;
      },
    });
    this.#lastBytesMs = options.monotonicMs();
    this.#socket = openSocket(
      host,
      port,
      {
        onOpen: () => {
          this.#lastBytesMs = options.monotonicMs();
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
    while (!this.#over && this.#underWay.size < maxUnderWay) {
      const nowMs = this.#options.monotonicMs();
      const turn = this.#queue.take(nowMs, this.#writes === 0 ? null : this.#onePerUnit);
      if (turn === null) return;
      if ('waitMs' in turn) {
        this.#paceTimer ??= setTimeout(() => {
          this.#paceTimer = null;
          this.#pump();
        }, Math.ceil(turn.waitMs));
        return;
      }
      const { waiting } = turn;
      const { request } = waiting;
      if (!isRead(request) && nowMs > waiting.deadlineMs) {
        this.#writes -= 1;
        waiting.resolve({ kind: 'failed', reason: 'no-turn-in-time' }, false);
        continue;
      }
      const transaction = this.#takeTransaction();
      const frame = mbapRequest(transaction, request);
      if (!mayLeave(request.unit, pduOfMbap(frame), request)) {
        waiting.resolve({ kind: 'failed', reason: 'held-back' }, false);
        continue;
      }
      const dueMs = nowMs + waiting.timeoutMs;
      this.#underWay.set(transaction, { waiting, dueMs });
      this.#keepTimer(dueMs);
      this.#send(frame);
    }
  }

  /**
   * Replies that came together wake machines together: what they ask in the same turn leaves in one write. A system call for
   * each request was half of the cost of a poll.
   */
  #send(bytes: Uint8Array): void {
    if (this.#outgoing.push(bytes) > 1) return;
    process.nextTick(() => {
      const outgoing = this.#outgoing.splice(0);
      const [only] = outgoing;
      if (this.#over || only === undefined) return;
      this.#socket.write(outgoing.length === 1 ? only : Buffer.concat(outgoing));
    });
  }

  #takeTransaction(): number {
    let transaction = this.#nextTransaction;
    while (this.#underWay.has(transaction)) transaction = (transaction + 1) & 0xffff;
    this.#nextTransaction = (transaction + 1) & 0xffff;
    this.#finished.delete(transaction);
    return transaction;
  }

  #receive(bytes: Uint8Array): void {
    this.#lastBytesMs = this.#options.monotonicMs();
    const { frames, garbageBytes } = this.#framer.push(bytes);
    if (garbageBytes > 0) this.#handlers.onDiscard(null, 'garbage', 1);
    for (const frame of frames) this.#take(frame);
    this.#pump();
  }

  #take(frame: MbapFrame): void {
    const underWay = this.#underWay.get(frame.transaction);
    if (underWay === undefined) {
      const finished = this.#finished.get(frame.transaction);
      const reason = finished === undefined ? 'garbage' : finished.how === 'answered' ? 'duplicate' : 'late';
      this.#handlers.onDiscard(finished?.unit ?? frame.unit, reason, 1);
      return;
    }
    const { request } = underWay.waiting;
    // The request goes on waiting after a misfit: the right answer may be behind it.
    if (frame.unit !== request.unit) {
      this.#handlers.onDiscard(request.unit, 'wrong-unit', 1);
      return;
    }
    const answer = answerOf(frame.pdu, request);
    if (answer.kind === 'mismatch') this.#handlers.onDiscard(request.unit, answer.reason, 1);
    else this.#finish(frame.transaction, underWay, 'answered', answer);
  }

  /** Sees to it that the timer goes off by `dueMs`. */
  #keepTimer(dueMs: number): void {
    if (this.#timer !== null && this.#timer.dueMs <= dueMs) return;
    clearTimeout(this.#timer?.handle);
    const inMs = dueMs - this.#options.monotonicMs();
    this.#timer = { handle: setTimeout(() => this.#lookForLate(), inMs), dueMs };
  }

  #lookForLate(): void {
    this.#timer = null;
    // A timer counts whole milliseconds, and may come by a part of one too early.
    const nowMs = this.#options.monotonicMs() + 1;
    for (const [transaction, { dueMs }] of this.#underWay) if (dueMs <= nowMs) this.#timedOut(transaction);
    // After those that were asked meanwhile, too.
    for (const { dueMs } of this.#underWay.values()) this.#keepTimer(dueMs);
  }

  #timedOut(transaction: number): void {
    const underWay = this.#underWay.get(transaction);
    if (underWay === undefined) return;
    if (this.#framer.giveUp() > 0) this.#handlers.onDiscard(underWay.waiting.request.unit, 'truncated', 1);
    this.#finish(transaction, underWay, 'timed-out', { kind: 'failed', reason: 'timeout' });
    if (this.#options.monotonicMs() - this.#lastBytesMs >= this.#options.staleAfterMs) this.#socket.fail('no-data');
    else this.#pump();
  }

  #finish(transaction: number, { waiting }: UnderWay, how: 'answered' | 'timed-out', reply: Reply): void {
    this.#underWay.delete(transaction);
    this.#finished.set(transaction, { unit: waiting.request.unit, how });
    if (this.#finished.size > maxRemembered) {
      for (const oldest of this.#finished.keys()) {
        this.#finished.delete(oldest);
        break;
      }
    }
    if (!isRead(waiting.request)) this.#writes -= 1;
    waiting.resolve(reply, true);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer?.handle);
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
    const [left, waiting] = [[...this.#underWay.values()], this.#queue.clear()];
    this.#underWay.clear();
    for (const one of left) one.waiting.resolve({ kind: 'failed', reason: 'connection-lost' }, true);
    for (const one of waiting) one.resolve({ kind: 'failed', reason: 'connection-lost' }, false);
  }
}
