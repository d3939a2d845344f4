/**
 * The part of a Modbus message that is the same on every transport: MODBUS Application Protocol V1.1b3, §6.1–6.4. Pure.
 * Only the four functions that read exist here, so that no code path can write to a machine.
 */

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

/** What became of one request. It never throws: a machine that does not answer is an everyday thing. */
export type Reply =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** The machine answered that it will not: exception code, §7. */
  | { readonly kind: 'exception'; readonly code: number }
  /** One lower-case word group, such as `timeout`, `connection-lost`, `bad-checksum`. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Highest exception bit of a function code, §7. */
export const exceptionBit = 0x80;

/** Bytes of data in a good answer. */
export function dataLength(request: ReadRequest): number {
  return request.fn <= 2 ? Math.ceil(request.count / 8) : request.count * 2;
}

/** The five bytes of a read request, written at `offset`. */
export function writeReadPdu(into: Uint8Array, offset: number, request: ReadRequest): void {
  into[offset] = request.fn;
  into[offset + 1] = request.address >> 8;
  into[offset + 2] = request.address & 0xff;
  into[offset + 3] = request.count >> 8;
  into[offset + 4] = request.count & 0xff;
}

export type Answer =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'mismatch'; readonly reason: 'wrong-function' | 'bad-length' };

/** Judges a PDU as the answer to `request`. The data is a view into `pdu`, not a copy. */
export function answerOf(pdu: Uint8Array, request: ReadRequest): Answer {
  if (pdu[0] === (request.fn | exceptionBit)) {
    const code = pdu[1];
    return pdu.length === 2 && code !== undefined
      ? { kind: 'exception', code }
      : { kind: 'mismatch', reason: 'bad-length' };
  }
  if (pdu[0] !== request.fn) return { kind: 'mismatch', reason: 'wrong-function' };
  const length = dataLength(request);
  if (pdu[1] !== length || pdu.length !== 2 + length) return { kind: 'mismatch', reason: 'bad-length' };
  return { kind: 'data', data: pdu.subarray(2) };
}
