/**
 * Requests over Modbus RTU or ASCII on a serial port, through modbus-serial. One request at a time.
 *
 * What the library leaves to its user is done here:
 *  - Its errors are not Errors; they become a `Reply` with one word group.
 *  - It passes over bytes before an answer without a word, and keeps those behind it for the next request, which then reads one
 *    answer behind for ever. All bytes are watched (`Tap`); what was nobody's answer is taken away and counted.
 *  - It has no turnaround: after a failure the bus is left alone for `drainMs`, and behind the answer after that once more; what a late
 *    answer could be mistaken for is not asked (`owed.ts`).
 *  - Its own timers outlive a closed port; ours are used.
 *  - Its ASCII port throws an exception that ends the process at a frame without content, takes letters that are no digits for 0, throws
 *    away an answer behind another frame, keeps noise without bounds and does not tell of an unplugged port. It carries the requests;
 *    the answers are kept from it and read here (`ascii.ts`).
 */
import type { ModbusRTU, ReadCoilResult, ReadRegisterResult } from 'modbus-serial/ModbusRTU.js';
import { findPort } from '../serial/find-port.ts';
import { reasonOf } from '../serial/transport.ts';
import { describeAscii, longestAsciiFrame, receiveAscii } from './ascii.ts';
import { mayLeave, type AllowedWrite } from './allowed-write.ts';
import type { Bus, BusHandlers, BusOptions, WriteReply } from './bus.ts';
import { entryOf, type Waiting } from './bus-entry.ts';
import type { TtySettings } from './endpoint.ts';
import { OwedReplies } from './owed.ts';
import { dataLength, isRead, type BusRequest, type ReadRequest, type Reply } from './pdu.ts';
import { BusQueue } from './queue.ts';
import { describe, pduOfRtu, RtuReceiver, type DiscardReason, type RtuDiscard } from './rtu.ts';
import { asError, Tap } from './tty-tap.ts';

const drainMs = 50;
/** The longest RTU frame of noise and the longest answer, in bytes. */
const longestNoiseAndAnswer = 512;

interface Asking extends Waiting {
  readonly sentMs: number;
  timer: NodeJS.Timeout;
}

export type TtyFraming = 'rtu' | 'ascii';

export function openTtyBus(
  path: string,
  settings: TtySettings,
  handlers: BusHandlers,
  options: BusOptions,
  framing: TtyFraming = 'rtu',
): Bus {
  return new TtyBus(path, framing, settings, handlers, options);
}

/** Silence between two frames: 3.5 characters of 11 bits, but 1.75 ms above 19200 bit/s (V1.02 §2.5.1.1), in whole ms. */
export function silentIntervalMs(baudRate: number): number {
  return Math.ceil(baudRate > 19_200 ? 1.75 : (3.5 * 11 * 1000) / baudRate);
}

class TtyBus implements Bus {
  readonly #handlers: BusHandlers;
  readonly #framing: TtyFraming;
  readonly #silentMs: number;
  readonly #opened: Promise<void>;
  readonly #monotonicMs: () => number;
  readonly #queue: BusQueue<Waiting>;
  readonly #entry: Pick<Bus, 'read' | 'write'>;
  readonly #owed = new OwedReplies();
  #owedTimer: NodeJS.Timeout | null = null;
  #client: ModbusRTU | null = null;
  readonly #tap: Tap;
  #asking: Asking | null = null;
  #lastFailed = false;
  #pauseTimer: NodeJS.Timeout | null = null;
  #over = false;

  constructor(path: string, framing: TtyFraming, settings: TtySettings, handlers: BusHandlers, options: BusOptions) {
    this.#framing = framing;
    this.#tap = new Tap(
      framing === 'rtu'
        ? { maxBytes: longestNoiseAndAnswer, mayLeave: (frame) => this.#mayLeave(frame) }
        : {
            maxBytes: 2 * longestAsciiFrame,
            mayLeave: (frame) => this.#mayLeave(frame),
            onBytes: () => this.#hear(),
            onLost: (reason) => this.#down(reason),
          },
    );
    this.#monotonicMs = options.monotonicMs;
    this.#handlers = handlers;
    this.#queue = new BusQueue(options.maxRequestsPerS ?? null);
    this.#entry = entryOf({
      queue: this.#queue,
      monotonicMs: () => options.monotonicMs(),
      isOver: () => this.#over,
      pump: () => this.#pump(),
    });
    this.#silentMs = silentIntervalMs(settings.baudRate);
    this.#opened = this.#open(path, settings).catch((error: unknown) => this.#down(reasonOf(asError(error))));
  }

  async #open(name: string, settings: TtySettings): Promise<void> {
    // The binding is a native library: an installation without serial machines never loads it.
    const library = await import('modbus-serial');
    const path = await findPort(name);
    if (this.#over) return;
    const client = new library.default.default();
    this.#client = client;
    client.on('error', (error) => this.#down(reasonOf(asError(error))));
    client.on('close', () => this.#down('unplugged'));
    // 0: no timers of the library's own.
    client.setTimeout(0);
    if (this.#framing === 'rtu') {
      await client.connectRTUBuffered(path, { ...settings, dataBits: 8 });
      if (this.#over) return;
      this.#tap.watch(client);
    } else {
      const opened = client.connectAsciiSerial(path, settings);
      // The port is there before it is open, and an error that nobody listens to would end the process.
      this.#tap.watch(client);
      await opened;
      if (this.#over) return;
    }
    // A client before us may have left an answer in the driver's buffer; it arrives now and is thrown away.
    this.#pause(drainMs);
    this.#handlers.onUp();
  }

  read(...asked: Parameters<Bus['read']>): Promise<Reply> {
    return this.#entry.read(...asked);
  }

  write(...asked: Parameters<Bus['write']>): Promise<WriteReply> {
    return this.#entry.write(...asked);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#opened;
    await this.#closeClient();
  }

  async #closeClient(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    if (client === null || !client.isOpen) return;
    await new Promise<void>((resolve) => {
      // An unplugged port reports an error here; it is closed all the same.
      client.close(() => resolve());
    });
  }

  #down(reason: string): void {
    if (this.#over) return;
    this.#end();
    void this.#closeClient();
    this.#handlers.onDown(reason);
  }

  #pump(): void {
    const client = this.#client;
    if (this.#over || client === null || this.#asking !== null || this.#pauseTimer !== null) return;
    if (this.#owedTimer !== null) clearTimeout(this.#owedTimer);
    this.#owedTimer = null;
    const sentMs = this.#monotonicMs();
    const turn = this.#queue.take(sentMs, this.#owed);
    if (turn === null) return;
    if ('waitMs' in turn) {
      this.#owedTimer = setTimeout(() => this.#pump(), Math.ceil(turn.waitMs));
      return;
    }
    const { waiting } = turn;
    const { request } = waiting;
    if (!isRead(request) && (sentMs > waiting.deadlineMs || !this.#tap.isGuarded)) {
      waiting.resolve({ kind: 'failed', reason: this.#tap.isGuarded ? 'no-turn-in-time' : 'held-back' }, false);
      this.#pump();
      return;
    }
    this.#discard(request, this.#describe(this.#tap.take(), request));
    const asking: Asking = { ...waiting, sentMs, timer: setTimeout(() => this.#timedOut(asking), waiting.timeoutMs) };
    this.#asking = asking;
    let answered = false;
    const next = (error: unknown, result: unknown): void => {
      if (this.#over) return;
      if (this.#asking !== asking) {
        this.#owed.paid(request);
        const discards = describe(this.#tap.take(), request);
        this.#discard(
          request,
          discards.map((one) => (answered && one.reason === 'late' ? { ...one, reason: 'duplicate' } : one)),
        );
        return;
      }
      answered = true;
      const reply = isRead(request)
        ? replyOf(error, result as ReadResult, request)
        : this.#replyToWrite(error, request);
      this.#finish(asking, reply);
    };
    const { unit, address, count } = request;
    if (!isRead(request)) {
      const hasLeft = this.#sendWrite(client, request, next);
      if (!hasLeft && this.#asking === asking) this.#finish(asking, { kind: 'failed', reason: 'held-back' }, false);
      return;
    }
    // The library calls its read functions "write": they write the request.
    if (request.fn === 1) client.writeFC1(unit, address, count, next);
    else if (request.fn === 2) client.writeFC2(unit, address, count, next);
    else if (request.fn === 3) client.writeFC3(unit, address, count, next);
    else client.writeFC4(unit, address, count, next);
  }

  /** False when the guard of the port held it back. */
  #sendWrite(client: ModbusRTU, write: AllowedWrite, next: (error: unknown, result: unknown) => void): boolean {
    const { unit, fn, address } = write;
    const pdu = Buffer.from(write.pdu());
    const leftBefore = this.#tap.writesLeft;
    if (fn === 5) client.writeFC5(unit, address, pdu[3] === 0xff, next);
    else if (fn === 6) client.writeFC6(unit, address, pdu.readUInt16BE(3), next);
    else {
      const values = Array.from({ length: write.count }, (_, i) => pdu.readUInt16BE(6 + 2 * i));
      client.writeFC16(unit, address, values, next);
    }
    return this.#tap.writesLeft > leftBefore;
  }

  /** The library says that something was written, but not every byte of the answer: those are read here. */
  #replyToWrite(error: unknown, request: AllowedWrite): Reply {
    if (error !== null && error !== undefined) return failureOf(error);
    return new RtuReceiver(request).push(this.#tap.bytes)?.answer ?? { kind: 'failed', reason: 'bad-checksum' };
  }

  /** What of the library's frames (unit, PDU, CRC) may go to the port. */
  #mayLeave(frame: Uint8Array): boolean {
    return mayLeave(frame[0] ?? 0, pduOfRtu(frame), this.#asking?.request);
  }

  /** Bytes of an ASCII line. What comes while nobody is asked is told before the next request. */
  #hear(): void {
    const asking = this.#asking;
    if (asking === null) return;
    const { answer, discards } = receiveAscii(this.#tap.bytes, asking.request);
    if (answer === null) return;
    this.#tap.take();
    this.#discard(asking.request, discards);
    this.#finish(asking, answer);
  }

  #describe(bytes: Uint8Array, request: BusRequest): RtuDiscard[] {
    return this.#framing === 'rtu' ? describe(bytes, request) : describeAscii(bytes, request);
  }

  #timedOut(asking: Asking): void {
    if (this.#asking === asking) this.#finish(asking, { kind: 'failed', reason: 'timeout' });
  }

  #finish(asking: Asking, reply: Reply, hasLeft = true): void {
    clearTimeout(asking.timer);
    this.#asking = null;
    const { request, sentMs, timeoutMs } = asking;
    const failed = reply.kind === 'failed';
    if (!failed) this.#owed.answered(request, sentMs, timeoutMs, this.#monotonicMs());
    else if (reply.reason !== 'bad-checksum') this.#owed.owe(request, sentMs, timeoutMs);
    // After a time-out the bytes stay in view: the rest of the answer may be on its way.
    if (failed) {
      if (isDiscardReason(reply.reason)) this.#discard(request, describe(this.#tap.take(), request));
    } else if (this.#framing === 'rtu') {
      const around = new RtuReceiver(request).push(this.#tap.take());
      this.#discard(request, around?.discards ?? []);
    }
    this.#pause(failed || this.#lastFailed ? Math.max(drainMs, this.#silentMs) : this.#silentMs);
    this.#lastFailed = failed;
    asking.resolve(reply, hasLeft);
  }

  #discard(request: BusRequest, discards: readonly RtuDiscard[]): void {
    for (const { reason } of discards) this.#handlers.onDiscard(request.unit, reason, 1);
  }

  #pause(forMs: number): void {
    if (this.#pauseTimer !== null) clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(() => {
      this.#pauseTimer = null;
      this.#pump();
    }, forMs);
  }

  #end(): void {
    this.#over = true;
    if (this.#pauseTimer !== null) clearTimeout(this.#pauseTimer);
    this.#pauseTimer = null;
    if (this.#owedTimer !== null) clearTimeout(this.#owedTimer);
    this.#owedTimer = null;
    const waiting = this.#queue.clear();
    if (this.#asking !== null) {
      clearTimeout(this.#asking.timer);
      this.#asking.resolve({ kind: 'failed', reason: 'connection-lost' }, true);
      this.#asking = null;
    }
    for (const one of waiting) one.resolve({ kind: 'failed', reason: 'connection-lost' }, false);
  }
}

type ReadResult = ReadCoilResult | ReadRegisterResult | undefined;

function replyOf(error: unknown, result: ReadResult, request: ReadRequest): Reply {
  if (result !== undefined && (error === null || error === undefined)) {
    const data = new Uint8Array(result.buffer);
    return data.length === dataLength(request) ? { kind: 'data', data } : { kind: 'failed', reason: 'bad-length' };
  }
  return failureOf(error);
}

function failureOf(error: unknown): Reply {
  const code = typeof error === 'object' && error !== null && 'modbusCode' in error ? error.modbusCode : null;
  if (typeof code === 'number') return { kind: 'exception', code };
  const text = asError(error).message;
  if (/crc/i.test(text)) return { kind: 'failed', reason: 'bad-checksum' };
  if (/length/i.test(text)) return { kind: 'failed', reason: 'bad-length' };
  if (/expected address/i.test(text)) return { kind: 'failed', reason: 'wrong-unit' };
  if (/expected code/i.test(text)) return { kind: 'failed', reason: 'wrong-function' };
  return { kind: 'failed', reason: 'connection-lost' };
}

function isDiscardReason(reason: string): reason is DiscardReason {
  return ['bad-checksum', 'bad-length', 'wrong-unit', 'wrong-function'].includes(reason);
}
