/**
 * Frames of the ISO 1745 kind, as EFKA drives send them: bytes in, frames out. Pure state, no clock and no port.
 *
 *     SOH ADR STX text ETX BCC     an answer; BCC is the EXOR of everything from ADR to ETX
 *     SOH ADR STX text ENQ         a question, as a line that echoes gives our own back
 *     ADR NAK, ADR ACK             no text and no check
 *     % ADR error                  the "B18" link: ADR in two hex digits, the error in two or four
 *
 * EFKA AB286A5400, manual 402280, §7.6 to §7.9; efka.net, "Communication errors", for the last.
 *
 * Invariants:
 *  - Every byte pushed ends in exactly one of: a frame, a counted discard, the bounded rest.
 *  - The cuts between pushes make no difference.
 *  - No more than `maxHeldBytes` bytes are held.
 *  - A byte changed, put in or lost costs at most one frame: what fails is searched anew from its second byte on, so a start that
 *    was swallowed by a damaged frame is found again.
 *
 * What the BCC cannot see: noise that turns a character into ETX, and the next into the BCC of what stands before it, makes a shorter frame.
 * The rest of the true one then follows as garbage, so who believes an answer looks at `lostSinceText`.
 */

export type IsoFrame =
  | { readonly kind: 'text'; readonly address: number; readonly text: string }
  | { readonly kind: 'enquiry'; readonly address: number; readonly text: string }
  | { readonly kind: 'nak' | 'ack'; readonly address: number }
  /** `digits` of the error: two, or four with leading zeros. */
  | { readonly kind: 'error'; readonly address: number; readonly code: number; readonly digits: 2 | 4 };

export interface IsoDiscard {
  /** `bad-checksum`: a whole frame but for its BCC; `truncated`: the rest of a frame; `overflow`: longer than any; else noise. */
  readonly reason: 'bad-checksum' | 'truncated' | 'overflow' | 'garbage';
  readonly bytes: number;
}

export interface IsoFramed {
  readonly frames: readonly IsoFrame[];
  readonly discards: readonly IsoDiscard[];
}

const SOH = 0x01;
const STX = 0x02;
const ETX = 0x03;
const ENQ = 0x05;
const ACK = 0x06;
const NAK = 0x15;
const percent = 0x25;

/**
 * Drives are made with $F0. Below $80 an address looks like text, and the BCC could not tell a value that an ETX put in by noise cuts short: with the
 * highest bit set no character of the text can be the BCC of what stands before it.
 */
export const lowestAddress = 0x80;
/** Answers of a drive are a dozen characters long. */
export const maxTextBytes = 64;
/** SOH ADR STX text ETX BCC. */
export const maxHeldBytes = maxTextBytes + 5;

/** EXOR over `bytes`, as the BCC of a frame is formed from ADR to ETX, both included. */
export function blockCheck(bytes: Iterable<number>): number {
  let check = 0;
  for (const byte of bytes) check ^= byte;
  return check;
}

/** What begins at the first byte: a frame of `size` bytes, nothing that could be one, or not enough bytes to say. */
type Look = { readonly size: number; readonly frame: IsoFrame } | { readonly fault: IsoDiscard['reason'] } | 'more';

export class Iso1745Framer {
  #held: number[] = [];
  /** Bytes thrown away one after the other for the same reason are told as one discard. */
  #lost: { reason: IsoDiscard['reason']; bytes: number } | null = null;
  #lostSinceText = 0;

  /** Takes what arrived, in any cut. */
  push(bytes: Uint8Array): IsoFramed {
    const frames: IsoFrame[] = [];
    const discards: IsoDiscard[] = [];
    for (const byte of bytes) {
      this.#held.push(byte);
      this.#settle(frames, discards, false);
    }
    return { frames, discards };
  }

  /**
   * Nothing more is to come: the line is silent, or the connection is gone. An error of two digits, which four could have
   * followed, is told now; everything else that is held is thrown away.
   */
  end(): IsoFramed {
    const frames: IsoFrame[] = [];
    const discards: IsoDiscard[] = [];
    this.#settle(frames, discards, true);
    this.#tell(discards);
    return { frames, discards };
  }

  /** Bytes thrown away behind the last frame with a text, told or not. */
  get lostSinceText(): number {
    return this.#lostSinceText;
  }

  /** Bytes that are neither in a frame nor told as discarded yet. */
  get pendingBytes(): number {
    return this.#held.length + (this.#lost?.bytes ?? 0);
  }

  #settle(frames: IsoFrame[], discards: IsoDiscard[], isEnd: boolean): void {
    while (this.#held.length > 0) {
      const look = lookAt(this.#held, isEnd);
      if (look === 'more') return;
      if ('frame' in look) {
        this.#tell(discards);
        frames.push(look.frame);
        if (look.frame.kind === 'text') this.#lostSinceText = 0;
        this.#held.splice(0, look.size);
      } else {
        // A damaged frame is one trouble, however many of its bytes are then found to begin nothing.
        if (this.#lost === null || (look.fault !== 'garbage' && this.#lost.reason !== look.fault)) {
          this.#tell(discards);
          this.#lost = { reason: look.fault, bytes: 0 };
        }
        this.#lost.bytes += 1;
        this.#lostSinceText += 1;
        this.#held.shift();
        // Noise without an end is told in pieces.
        if (this.#lost.bytes >= maxHeldBytes) this.#tell(discards);
      }
    }
  }

  #tell(discards: IsoDiscard[]): void {
    if (this.#lost !== null) discards.push(this.#lost);
    this.#lost = null;
  }
}

const isAddress = (byte: number): boolean => byte >= lowestAddress;
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

function lookAt(held: readonly number[], isEnd: boolean): Look {
  const more: Look = isEnd ? { fault: 'truncated' } : 'more';
  const [first = 0, second] = held;
  if (first === SOH) return lookAtBlock(held, more);
  if (first === percent) {
    const error = lookAtError(held, isEnd);
    if (error !== null) return error;
  }
  if (!isAddress(first)) return { fault: 'garbage' };
  if (second === undefined) return isEnd ? { fault: 'garbage' } : 'more';
  if (second === NAK || second === ACK) {
    return { size: 2, frame: { kind: second === NAK ? 'nak' : 'ack', address: first } };
  }
  return { fault: 'garbage' };
}

function lookAtBlock(held: readonly number[], more: Look): Look {
  const [, address, stx] = held;
  if (address === undefined) return more;
  if (!isAddress(address)) return { fault: 'garbage' };
  if (stx === undefined) return more;
  if (stx !== STX) return { fault: 'garbage' };
  let at = 3;
  while (at < held.length && isPrintable(held[at] ?? 0)) at += 1;
  if (at - 3 > maxTextBytes) return { fault: 'overflow' };
  const end = held[at];
  if (end === undefined) return more;
  const text = String.fromCharCode(...held.slice(3, at));
  if (end === ENQ) return { size: at + 1, frame: { kind: 'enquiry', address, text } };
  if (end !== ETX) return { fault: 'truncated' };
  const check = held[at + 1];
  if (check === undefined) return more;
  if (check !== blockCheck(held.slice(1, at + 1))) return { fault: 'bad-checksum' };
  return { size: at + 2, frame: { kind: 'text', address, text } };
}

/** Null where it is no error. */
function lookAtError(held: readonly number[], isEnd: boolean): Look | null {
  let digits = 0;
  while (digits < 6 && isHex(held[1 + digits])) digits += 1;
  const isCut = held.length === 1 + digits && !isEnd;
  if (digits < 6 && isCut) return 'more';
  // Two digits of the address, then two or four of the error.
  if (digits !== 4 && digits !== 6) return null;
  const size = digits === 6 ? 7 : 5;
  const text = String.fromCharCode(...held.slice(1, size));
  const address = Number.parseInt(text.slice(0, 2), 16);
  return {
    size,
    frame: { kind: 'error', address, code: Number.parseInt(text.slice(2), 16), digits: digits === 6 ? 4 : 2 },
  };
}

function isHex(byte: number | undefined): boolean {
  return byte !== undefined && /^[0-9A-Fa-f]$/.test(String.fromCharCode(byte));
}
