/**
 * A Modbus server of a few lines for the driver's tests, written from the standard and knowing nothing of `drivers/`. It
 * answers from plain registers, and misbehaves on demand.
 */
import type { Socket } from 'node:net';
import { AnsweringMachine } from '../../support/called-machine.ts';

export interface PeerRequest {
  readonly unit: number;
  readonly fn: number;
  readonly address: number;
  /** Of functions 5 and 6 the value. */
  readonly count: number;
  /** Everything behind unit and function. */
  readonly rest: Buffer;
}

/** What to do with one request instead of answering it. The bytes of `raw` go out as they are. */
export type Misbehaviour =
  | 'ignore'
  | { readonly exception: number }
  | { readonly raw: (answer: Buffer) => Buffer | readonly Buffer[] }
  | { readonly delayMs: number }
  /** Does it and says nothing, or hangs up, or answers something else. */
  | { readonly executeThen: 'silence' | 'hang-up' | ((answer: Buffer) => Buffer); readonly delayMs?: number };

export class ModbusPeer extends AnsweringMachine {
  readonly framing: 'tcp' | 'rtu' | 'ascii';
  readonly requests: PeerRequest[] = [];
  /** Register or bit by `unit/fn/address`; what is not there answers exception 2. */
  readonly cells = new Map<string, number>();
  misbehave: (request: PeerRequest, nth: number) => Misbehaviour | null = () => null;

  constructor(framing: 'tcp' | 'rtu' | 'ascii') {
    super();
    this.framing = framing;
  }

  set(unit: number, fn: number, from: number, values: readonly number[]): void {
    values.forEach((value, i) => this.cells.set(`${unit}/${fn}/${from + i}`, value));
  }

  protected override welcome(socket: Socket): void {
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      if (this.framing === 'ascii') {
        for (let end = held.indexOf('\r\n'); end !== -1; end = held.indexOf('\r\n')) {
          const text = held.toString('latin1', held.lastIndexOf(':', end) + 1, end);
          held = held.subarray(end + 2);
          this.#take(socket, Buffer.from(text, 'hex'));
        }
        return;
      }
      for (let length = this.#frameLength(held); held.length >= length; length = this.#frameLength(held)) {
        this.#take(socket, held.subarray(0, length));
        held = held.subarray(length);
      }
    });
  }

  /** Unit and five bytes; functions 15 and 16 say in the next byte how many more. */
  #frameLength(held: Buffer): number {
    const at = this.framing === 'tcp' ? 6 : 0;
    const more = held.length > at + 6 && (held[at + 1] === 15 || held[at + 1] === 16) ? 1 + (held[at + 6] ?? 0) : 0;
    return at + 6 + more + (this.framing === 'tcp' ? 0 : 2);
  }

  #take(socket: Socket, bytes: Buffer): void {
    const at = this.framing === 'tcp' ? 6 : 0;
    const request: PeerRequest = {
      unit: bytes.readUInt8(at),
      fn: bytes.readUInt8(at + 1),
      address: bytes.readUInt16BE(at + 2),
      count: bytes.readUInt16BE(at + 4),
      rest: Buffer.from(
        bytes.subarray(at + 2, bytes.length - (this.framing === 'tcp' ? 0 : this.framing === 'rtu' ? 2 : 1)),
      ),
    };
    if (request.fn > 4) this.writes += 1;
    this.requests.push(request);
    const wrong = this.misbehave(request, this.requests.length - 1);
    if (wrong === 'ignore') return;
    const transaction = this.framing === 'tcp' ? bytes.readUInt16BE(0) : 0;
    if (wrong !== null && 'exception' in wrong) {
      socket.write(this.frame(transaction, request.unit, Buffer.from([request.fn | 0x80, wrong.exception])));
      return;
    }
    const answer = this.frame(transaction, request.unit, this.#pdu(request));
    if (wrong !== null && 'executeThen' in wrong) {
      const { executeThen, delayMs = 0 } = wrong;
      if (executeThen === 'hang-up') socket.destroy();
      else if (executeThen !== 'silence') {
        const other = this.frame(transaction, request.unit, executeThen(this.#pdu(request)));
        setTimeout(() => (socket.destroyed ? undefined : socket.write(other)), delayMs);
      }
      return;
    }
    if (wrong !== null && 'delayMs' in wrong) {
      setTimeout(() => {
        if (!socket.destroyed) socket.write(answer);
      }, wrong.delayMs);
      return;
    }
    if (wrong === null) socket.write(answer);
    else for (const part of [wrong.raw(answer)].flat()) socket.write(part);
  }

  #pdu(request: PeerRequest): Buffer {
    if (request.fn > 4) return this.#execute(request);
    const cells: number[] = [];
    for (let i = 0; i < request.count; i += 1) {
      const cell = this.cells.get(`${request.unit}/${request.fn}/${request.address + i}`);
      if (cell === undefined) return Buffer.from([request.fn | 0x80, 2]);
      cells.push(cell);
    }
    if (request.fn > 2) {
      const data = Buffer.alloc(cells.length * 2);
      cells.forEach((cell, i) => data.writeUInt16BE(cell, i * 2));
      return Buffer.concat([Buffer.from([request.fn, data.length]), data]);
    }
    const data = Buffer.alloc(Math.ceil(cells.length / 8));
    cells.forEach((cell, i) => (data[i >> 3] = (data[i >> 3] ?? 0) | (cell << (i & 7))));
    return Buffer.concat([Buffer.from([request.fn, data.length]), data]);
  }

  /** Functions 5, 6 and 16 on cells that are there (V1.1b3 §6.5, §6.6, §6.12); any other is exception 1. */
  #execute({ unit, fn, address, count, rest }: PeerRequest): Buffer {
    const refuse = (code: number): Buffer => Buffer.from([fn | 0x80, code]);
    if (fn !== 5 && fn !== 6 && fn !== 16) return refuse(1);
    const values = fn === 5 ? [count === 0xff00 ? 1 : 0] : fn === 6 ? [count] : [];
    if (fn === 16) for (let i = 0; i < count; i += 1) values.push(rest.readUInt16BE(5 + 2 * i));
    const table = fn === 5 ? 1 : 3;
    if (values.some((_, i) => !this.cells.has(`${unit}/${table}/${address + i}`))) return refuse(2);
    this.set(unit, table, address, values);
    return Buffer.concat([Buffer.from([fn]), rest.subarray(0, 4)]);
  }

  frame(transaction: number, unit: number, pdu: Buffer): Buffer {
    if (this.framing === 'tcp') {
      const header = Buffer.alloc(7);
      header.writeUInt16BE(transaction, 0);
      header.writeUInt16BE(pdu.length + 1, 4);
      header.writeUInt8(unit, 6);
      return Buffer.concat([header, pdu]);
    }
    const frame = Buffer.concat([Buffer.from([unit]), pdu]);
    return this.framing === 'rtu' ? withCrc(frame) : asciiFrame(frame);
  }
}

/** Colon, digits, LRC, CR LF. */
export function asciiFrame(bytes: Buffer): Buffer {
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  const lrc = (256 - (sum % 256)) % 256;
  return Buffer.from(
    `:${Buffer.concat([bytes, Buffer.from([lrc])])
      .toString('hex')
      .toUpperCase()}\r\n`,
  );
}

/** CRC-16 of Modbus, bit by bit as the standard's appendix tells it. */
export function withCrc(bytes: Buffer): Buffer {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >>> 8])]);
}
