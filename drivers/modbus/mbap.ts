/**
 * Framing of Modbus TCP: MODBUS Messaging on TCP/IP V1.0b, §3.1.3. Pure; bytes in, frames out.
 *
 * Invariants:
 *  - Every byte pushed ends in exactly one of: a frame handed out, counted garbage, the bounded rest.
 *  - The cuts between pushes make no difference.
 *  - At most one frame (260 bytes) is held.
 */
import { isRead, requestPdu, writeReadPdu, type BusRequest } from './pdu.ts';

export interface MbapFrame {
  readonly transaction: number;
  readonly unit: number;
  /** View into the pushed bytes; valid as long as the caller keeps them. */
  readonly pdu: Uint8Array;
}

export interface MbapPushed {
  readonly frames: readonly MbapFrame[];
  /** Bytes that belong to no frame. */
  readonly garbageBytes: number;
}

const headerLength = 7;
/** Unit id and a PDU of two bytes, the shortest answer there is. */
const shortestLength = 3;
/** Unit id and the longest PDU (253). */
const longestLength = 254;

/** One request as bytes for the wire. */
export function mbapRequest(transaction: number, request: BusRequest): Uint8Array {
  if (!isRead(request)) return mbapFrame(transaction, request.unit, requestPdu(request));
  const bytes = new Uint8Array(headerLength + 5);
  bytes[0] = transaction >> 8;
  bytes[1] = transaction & 0xff;
  bytes[5] = 6;
  bytes[6] = request.unit;
  writeReadPdu(bytes, headerLength, request);
  return bytes;
}

function mbapFrame(transaction: number, unit: number, pdu: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerLength + pdu.length);
  bytes[0] = transaction >> 8;
  bytes[1] = transaction & 0xff;
  bytes[5] = 1 + pdu.length;
  bytes[6] = unit;
  bytes.set(pdu, headerLength);
  return bytes;
}

/** The PDU inside a frame that leaves. */
export function pduOfMbap(frame: Uint8Array): Uint8Array {
  return frame.subarray(headerLength);
}

export class MbapFramer {
  readonly #isOurs: (transaction: number) => boolean;
  #held: Uint8Array = new Uint8Array(0);
  /** After garbage any seven bytes can look like a header; then only a transaction id of ours begins a frame. */
  #inStep = true;

  constructor(isOurs: (transaction: number) => boolean) {
    this.#isOurs = isOurs;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): MbapPushed {
    const bytes = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    const frames: MbapFrame[] = [];
    let garbageBytes = 0;
    let at = 0;
    while (bytes.length - at >= headerLength) {
      const length = this.#lengthAt(bytes, at);
      if (length === null) {
        this.#inStep = false;
        garbageBytes += 1;
        at += 1;
        continue;
      }
      const end = at + 6 + length;
      if (end > bytes.length) break;
      this.#inStep = true;
      frames.push({
        transaction: word(bytes, at),
        unit: bytes[at + 6] ?? 0,
        pdu: bytes.subarray(at + headerLength, end),
      });
      at = end;
    }
    // A copy: the rest must not keep a large chunk alive.
    this.#held = at === bytes.length ? new Uint8Array(0) : bytes.slice(at);
    return { frames, garbageBytes };
  }

  /** Gives up the part of a frame that is held, so that it cannot swallow the next one. Returns its bytes. */
  giveUp(): number {
    const bytes = this.#held.length;
    this.#held = new Uint8Array(0);
    if (bytes > 0) this.#inStep = false;
    return bytes;
  }

  /** The length field when a header may begin at `at`, else null. */
  #lengthAt(bytes: Uint8Array, at: number): number | null {
    if (word(bytes, at + 2) !== 0) return null;
    const length = word(bytes, at + 4);
    if (length < shortestLength || length > longestLength) return null;
    return this.#inStep || this.#isOurs(word(bytes, at)) ? length : null;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
