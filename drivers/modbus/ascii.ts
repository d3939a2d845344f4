/**
 * Framing of Modbus ASCII: MODBUS over Serial Line V1.02, §2.5.2. Pure; bytes in, the answer to one request out.
 *
 * A frame is a colon, two hexadecimal digits a byte, a checksum byte (LRC) and CR LF. A colon always begins a frame, so noise
 * costs at most the frame it falls into.
 *
 * Invariants:
 *  - Only a frame of hexadecimal digits with a right LRC, from the asked unit, with the asked function and length, is an answer.
 *  - Every other byte is counted in a discard.
 */
import { answerOf, type BusRequest } from './pdu.ts';
import type { RtuAnswer, RtuDiscard } from './rtu.ts';

/** The longest frame: colon, 253 bytes of PDU with unit and LRC as digits, CR LF (§2.5.2.1). */
export const longestAsciiFrame = 513;

const colon = 0x3a;
const [cr, lf] = [0x0d, 0x0a];

/** Sum of all bytes and this one is 0 modulo 256 (§6.2.1). */
export function lrc(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}

type Piece =
  | { readonly kind: 'frame'; readonly bytes: number; readonly unit: number; readonly pdu: Uint8Array }
  | { readonly kind: 'bad-checksum' | 'truncated' | 'garbage'; readonly bytes: number };

/**
 * What the bytes hold as the answer to `request`: the first that fits, and everything else by what it was. `late` are answers that
 * would fit too; behind an answer that is the same they are `duplicate`.
 */
export function receiveAscii(
  bytes: Uint8Array,
  request: BusRequest,
): { readonly answer: RtuAnswer | null; readonly discards: readonly RtuDiscard[] } {
  let answer: RtuAnswer | null = null;
  let answered: Uint8Array | null = null;
  const discards: RtuDiscard[] = [];
  for (const piece of pieces(bytes)) {
    if (piece.kind !== 'frame') {
      discards.push({ reason: piece.kind, bytes: piece.bytes });
      continue;
    }
    const { unit, pdu } = piece;
    const judged = answerOf(pdu, request);
    if (unit !== request.unit) discards.push({ reason: 'wrong-unit', bytes: piece.bytes });
    else if (judged.kind === 'mismatch') discards.push({ reason: judged.reason, bytes: piece.bytes });
    else if (answered === null) {
      answer = judged;
      answered = pdu;
    } else {
      const isSame = answered.length === pdu.length && answered.every((byte, i) => byte === pdu[i]);
      discards.push({ reason: isSame ? 'duplicate' : 'late', bytes: piece.bytes });
    }
  }
  return { answer, discards };
}

/** Names what thrown-away bytes were. `request` is the one they came after. */
export function describeAscii(bytes: Uint8Array, request: BusRequest): RtuDiscard[] {
  return pieces(bytes).map((piece) => {
    if (piece.kind !== 'frame') return { reason: piece.kind, bytes: piece.bytes };
    if (piece.unit !== request.unit) return { reason: 'wrong-unit', bytes: piece.bytes };
    const judged = answerOf(piece.pdu, request);
    return { reason: judged.kind === 'mismatch' ? judged.reason : 'late', bytes: piece.bytes };
  });
}

/** The bytes cut at colons and at the ends of frames; nothing is left out. */
function pieces(bytes: Uint8Array): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  while (at < bytes.length) {
    const next = bytes.indexOf(colon, at + 1);
    const limit = next === -1 ? bytes.length : next;
    if (bytes[at] !== colon) {
      found.push({ kind: 'garbage', bytes: limit - at });
      at = limit;
      continue;
    }
    const end = endOfFrame(bytes, at, limit);
    found.push(
      end === null ? { kind: 'truncated', bytes: limit - at } : frameOf(bytes.subarray(at + 1, end - 2), end - at),
    );
    at = end ?? limit;
  }
  return found;
}

/** Behind the CR LF of the frame that begins at `from`, or null when it has none before `limit`. */
function endOfFrame(bytes: Uint8Array, from: number, limit: number): number | null {
  for (let at = from + 1; at + 1 < limit; at += 1) if (bytes[at] === cr && bytes[at + 1] === lf) return at + 2;
  return null;
}

function frameOf(digits: Uint8Array, length: number): Piece {
  const bytes = new Uint8Array(digits.length >> 1);
  let isHex = digits.length % 2 === 0 && bytes.length >= 4;
  for (let i = 0; isHex && i < bytes.length; i += 1) {
    const high = digitOf(digits[2 * i]);
    const low = digitOf(digits[2 * i + 1]);
    isHex = high >= 0 && low >= 0;
    bytes[i] = (high << 4) | low;
  }
  if (!isHex || lrc(bytes) !== 0) return { kind: 'bad-checksum', bytes: length };
  return { kind: 'frame', bytes: length, unit: bytes[0] ?? 0, pdu: bytes.subarray(1, -1) };
}

/** Value of a hexadecimal digit, capital as the standard says or small as some send it; −1 when it is none. */
function digitOf(character: number | undefined): number {
  if (character === undefined) return -1;
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const letter = character & ~0x20;
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x37 : -1;
}
