/**
 * The part of a Modbus message that is the same on every transport: MODBUS Application Protocol V1.1b3, §6.1–6.6 and §6.12. Pure.
 * Only the four functions that read can be made here. What writes comes ready-made out of an `AllowedWrite`, and from nowhere else.
 */
import type { AllowedWrite } from './allowed-write.ts';

/** 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. */
export type ReadFunction = 1 | 2 | 3 | 4;

export interface ReadRequest {
  readonly unit: number;
  readonly fn: ReadFunction;
  /** Protocol address, from 0. */
  readonly address: number;
  /** Registers, or bits for functions 1 and 2. */
  readonly count: number;
}

/** What a bus can ask. */
export type BusRequest = ReadRequest | AllowedWrite;

export function isRead(request: BusRequest): request is ReadRequest {
  return request.fn <= 4;
}

/** What became of one request. It never throws: a machine that does not answer is an everyday thing. */
export type Reply =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** The machine answered that it will not: exception code, §7. */
  | { readonly kind: 'exception'; readonly code: number }
  /** One lower-case word group, such as `timeout`, `connection-lost`, `bad-checksum`. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Highest exception bit of a function code, §7. */
export const exceptionBit = 0x80;

/** Bytes of data in a good answer. To a write it is address and value (or count), which stand right behind the function. */
export function dataLength(request: BusRequest): number {
  if (!isRead(request)) return 4;
  return request.fn <= 2 ? Math.ceil(request.count / 8) : request.count * 2;
}

/** Bytes before the data: the function, and with a read how many bytes follow. */
export function dataOffset(request: BusRequest): number {
  return isRead(request) ? 2 : 1;
}

/** The five bytes of a read request, written at `offset`. */
export function writeReadPdu(into: Uint8Array, offset: number, request: ReadRequest): void {
  into[offset] = request.fn;
  into[offset + 1] = request.address >> 8;
  into[offset + 2] = request.address & 0xff;
  into[offset + 3] = request.count >> 8;
  into[offset + 4] = request.count & 0xff;
}

/** Any request as a PDU. */
export function requestPdu(request: BusRequest): Uint8Array {
  if (!isRead(request)) return request.pdu();
  const pdu = new Uint8Array(5);
  writeReadPdu(pdu, 0, request);
  return pdu;
}

export type Answer =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'mismatch'; readonly reason: 'wrong-function' | 'bad-length' };

/** Judges a PDU as the answer to `request`. The data is a view into `pdu`, not a copy. */
export function answerOf(pdu: Uint8Array, request: BusRequest): Answer {
  if (pdu[0] === (request.fn | exceptionBit)) {
    const code = pdu[1];
    return pdu.length === 2 && code !== undefined
      ? { kind: 'exception', code }
      : { kind: 'mismatch', reason: 'bad-length' };
  }
  if (pdu[0] !== request.fn) return { kind: 'mismatch', reason: 'wrong-function' };
  const length = dataLength(request);
  const offset = dataOffset(request);
  const isRight = pdu.length === offset + length && (!isRead(request) || pdu[1] === length);
  return isRight ? { kind: 'data', data: pdu.subarray(offset) } : { kind: 'mismatch', reason: 'bad-length' };
}
