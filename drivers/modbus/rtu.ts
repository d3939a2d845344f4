/**
 * Framing of Modbus RTU: MODBUS over Serial Line V1.02, §2.5.1. Pure; bytes in, the answer to one request out.
 *
 * RTU has no transaction id and, over TCP, no silent intervals either: a frame is recognised by what was asked (unit, function,
 * length) and its CRC, searched at every offset.
 *
 * Invariants:
 *  - Only a frame with a right CRC, from the asked unit, with the asked function and length, is an answer.
 *  - Bytes around it never make it unreadable, and every one of them is counted in a discard.
 *  - The cuts between pushes make no difference to the answer.
 *  - At most `maxHeldBytes` are held.
 */
import type { DiscardedEvent } from '../contract.ts';
import { dataLength, dataOffset, exceptionBit, isRead, requestPdu, type BusRequest } from './pdu.ts';

export type DiscardReason = DiscardedEvent['reason'];

/** Two of the longest frames (256 bytes, §2.5.1): one of noise, one answer. */
const maxHeldBytes = 512;
const exceptionFrameLength = 5;

const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** CRC of bytes `from` … `to` (exclusive), §6.2.2; it goes on the wire low byte first. */
export function crc16(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffff;
  for (let i = from; i < to; i += 1) crc = (crc >> 8) ^ (crcTable[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  return crc;
}

/** One request as bytes for the wire. */
export function rtuRequest(request: BusRequest): Uint8Array {
  const pdu = requestPdu(request);
  const end = 1 + pdu.length;
  const bytes = new Uint8Array(end + 2);
  bytes[0] = request.unit;
  bytes.set(pdu, 1);
  const crc = crc16(bytes, 0, end);
  bytes[end] = crc & 0xff;
  bytes[end + 1] = crc >> 8;
  return bytes;
}

/** The PDU inside a frame that leaves. */
export function pduOfRtu(frame: Uint8Array): Uint8Array {
  return frame.subarray(1, -2);
}

/** Unit, function, length, data and CRC; the answer to a write has no length. */
function answerFrameLength(request: BusRequest): number {
  return 1 + dataOffset(request) + dataLength(request) + 2;
}

export type RtuAnswer =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number };

export interface RtuDiscard {
  readonly reason: DiscardReason;
  readonly bytes: number;
}

/** Receives the answer to one request. Make a new one for every request. */
export class RtuReceiver {
  readonly #request: BusRequest;
  readonly #frameLength: number;
  #held: Uint8Array = new Uint8Array(0);
  #overflowBytes = 0;

  constructor(request: BusRequest) {
    this.#request = request;
    this.#frameLength = answerFrameLength(request);
  }

  /** True when as much has come as an answer takes, so that more is not worth waiting for long. */
  get isFull(): boolean {
    return (
      this.#held.length >= this.#frameLength ||
      (this.#held.length >= exceptionFrameLength && this.#held[1] === (this.#request.fn | exceptionBit))
    );
  }

  /** The answer with everything that was thrown away around it, or null while it is not complete. */
  push(chunk: Uint8Array): { readonly answer: RtuAnswer; readonly discards: readonly RtuDiscard[] } | null {
    const all = new Uint8Array(this.#held.length + chunk.length);
    all.set(this.#held);
    all.set(chunk, this.#held.length);
    for (let at = 0; at + exceptionFrameLength <= all.length; at += 1) {
      const length = this.#answerLengthAt(all, at);
      if (length === null) continue;
      const answer: RtuAnswer =
        all[at + 1] === this.#request.fn
          ? { kind: 'data', data: all.slice(at + 1 + dataOffset(this.#request), at + length - 2) }
          : { kind: 'exception', code: all[at + 2] ?? 0 };
      const discards = [
        ...this.#overflow(),
        ...describe(all.subarray(0, at), this.#request),
        ...describeTrailing(all.subarray(at + length), all.subarray(at, at + length), this.#request),
      ];
      this.#held = new Uint8Array(0);
      return { answer, discards };
    }
    const excess = Math.max(0, all.length - maxHeldBytes);
    this.#overflowBytes += excess;
    this.#held = excess === 0 ? all : all.slice(excess);
    return null;
  }

  /** The wait is over without an answer: why, and what is thrown away. */
  giveUp(): { readonly reason: 'timeout' | DiscardReason; readonly discards: readonly RtuDiscard[] } {
    const discards = [...this.#overflow(), ...describe(this.#held, this.#request)];
    this.#held = new Uint8Array(0);
    return { reason: discards[0]?.reason ?? 'timeout', discards };
  }

  #overflow(): RtuDiscard[] {
    const bytes = this.#overflowBytes;
    this.#overflowBytes = 0;
    return bytes === 0 ? [] : [{ reason: 'overflow', bytes }];
  }

  /** Length of the answer that begins at `at`, or null when none does. */
  #answerLengthAt(bytes: Uint8Array, at: number): number | null {
    if (bytes[at] !== this.#request.unit) return null;
    const fn = bytes[at + 1];
    let length: number;
    if (fn === (this.#request.fn | exceptionBit)) length = exceptionFrameLength;
    else if (fn === this.#request.fn && (!isRead(this.#request) || bytes[at + 2] === dataLength(this.#request)))
      length = this.#frameLength;
    else return null;
    return isFrame(bytes, at, length) ? length : null;
  }
}

function isFrame(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + length;
  if (end > bytes.length) return false;
  return crc16(bytes, at, end - 2) === ((bytes[end - 2] ?? 0) | ((bytes[end - 1] ?? 0) << 8));
}

/** Names what thrown-away bytes were, whole frames first. `request` is the one they came after. */
export function describe(bytes: Uint8Array, request: BusRequest): RtuDiscard[] {
  const discards: RtuDiscard[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = wholeFrameLengthAt(bytes, at);
    if (length === null) break;
    discards.push({ reason: misfit(bytes, at, length, request), bytes: length });
    at += length;
  }
  const rest = bytes.length - at;
  if (rest > 0) discards.push({ reason: restReason(bytes, at, request), bytes: rest });
  return discards;
}

function describeTrailing(bytes: Uint8Array, answer: Uint8Array, request: BusRequest): RtuDiscard[] {
  const repeats = bytes.length >= answer.length && answer.every((byte, i) => bytes[i] === byte);
  if (!repeats) return describe(bytes, request);
  return [
    { reason: 'duplicate', bytes: answer.length },
    ...describeTrailing(bytes.subarray(answer.length), answer, request),
  ];
}

/** Length of a whole answer of any unit with a right CRC at `at`, or null. */
function wholeFrameLengthAt(bytes: Uint8Array, at: number): number | null {
  const fn = bytes[at + 1];
  if (fn === undefined) return null;
  const length = fn & exceptionBit ? exceptionFrameLength : fn <= 4 ? (bytes[at + 2] ?? 0) + exceptionFrameLength : 8;
  return isFrame(bytes, at, length) ? length : null;
}

function misfit(bytes: Uint8Array, at: number, length: number, request: BusRequest): DiscardReason {
  if (bytes[at] !== request.unit) return 'wrong-unit';
  if (((bytes[at + 1] ?? 0) & ~exceptionBit) !== request.fn) return 'wrong-function';
  return length === answerFrameLength(request) ? 'late' : 'bad-length';
}

function restReason(bytes: Uint8Array, at: number, request: BusRequest): DiscardReason {
  if (bytes[at] !== request.unit || bytes[at + 1] !== request.fn) return 'garbage';
  return bytes.length - at < answerFrameLength(request) ? 'truncated' : 'bad-checksum';
}
