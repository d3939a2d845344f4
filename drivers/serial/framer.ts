/**
 * Bytes in, whole lines out. Pure state, no clock and no port.
 *
 * Invariants:
 *  - Every byte pushed ends in exactly one of: a line handed out, a terminator, a counted discard, the bounded rest.
 *  - What comes before the first terminator is never handed out: nobody knows whether it is a whole line.
 *  - Noise costs the line it falls into and, if it hits the terminator, the one joined to it; the next is whole again.
 *  - No more than `maxLineBytes` bytes are held.
 *  - The cuts between pushes make no difference.
 */

export interface LineFraming {
  readonly terminator: '\n' | '\r\n' | '\r';
  /** Longest line in bytes, without its terminator. */
  readonly maxLineBytes: number;
}

export interface FramedDiscard {
  /**
   * `truncated`: began before we listened; `overflow`: longer than any line of this machine. Of frames also `garbage`, what is none,
   * and `bad-checksum`.
   */
  readonly reason: 'truncated' | 'overflow' | 'garbage' | 'bad-checksum';
  readonly bytes: number;
}

export interface Framed {
  /** Whole lines, without terminator, as raw bytes in Latin-1 so that no byte is lost before the decoder judges it. */
  readonly lines: readonly string[];
  readonly discards: readonly FramedDiscard[];
}

/** What cuts the stream of a machine that talks by itself. */
export interface StreamFramer {
  /** Takes what arrived, in any cut. */
  push(bytes: Uint8Array): Framed;
  /** The connection is new: whatever was held belongs to the old one. Returns what is thrown away. */
  reset(): readonly FramedDiscard[];
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export class LineFramer implements StreamFramer {
  readonly #maxLineBytes: number;
  readonly #end: number;
  /** The other byte of CR LF: trimmed at both ends of a line, since half of all makers say LF and send CR LF. */
  readonly #other: number;
  readonly #held: Uint8Array;
  #heldBytes = 0;
  #mode: 'first' | 'line' | 'skip' = 'first';
  #skipped = 0;

  constructor(framing: LineFraming) {
    this.#maxLineBytes = framing.maxLineBytes;
    // CR LF is cut at its LF alone: a CR lost to noise must not join two lines.
    this.#end = framing.terminator === '\r' ? carriageReturn : lineFeed;
    this.#other = this.#end === lineFeed ? carriageReturn : lineFeed;
    // One more for the CR that a CR LF machine sends inside our cut.
    this.#held = new Uint8Array(framing.maxLineBytes + 1);
  }

  /** Takes what arrived, in any cut. */
  push(bytes: Uint8Array): Framed {
    const lines: string[] = [];
    const discards: FramedDiscard[] = [];
    let from = 0;
    while (from < bytes.length) {
      const found = bytes.indexOf(this.#end, from);
      const to = found === -1 ? bytes.length : found;
      this.#take(bytes, from, to);
      if (found === -1) break;
      this.#finish(lines, discards);
      from = found + 1;
    }
    return { lines, discards };
  }

  /** The connection is new: whatever was held belongs to the old one. Returns what is thrown away. */
  reset(): readonly FramedDiscard[] {
    const bytes = this.#heldBytes + this.#skipped;
    this.#heldBytes = 0;
    this.#skipped = 0;
    this.#mode = 'first';
    return bytes === 0 ? [] : [{ reason: 'truncated', bytes }];
  }

  /** Bytes that are neither handed out nor counted as discarded yet. */
  get pendingBytes(): number {
    return this.#heldBytes + this.#skipped;
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    const size = to - from;
    if (size === 0) return;
    if (this.#mode === 'line' && this.#heldBytes + size > this.#held.length) this.#mode = 'skip';
    if (this.#mode !== 'line') {
      this.#skipped += size;
      return;
    }
    this.#held.set(bytes.subarray(from, to), this.#heldBytes);
    this.#heldBytes += size;
  }

  #finish(lines: string[], discards: FramedDiscard[]): void {
    const held = this.#heldBytes;
    const lost = held + this.#skipped;
    const mode = this.#mode;
    this.#heldBytes = 0;
    this.#skipped = 0;
    this.#mode = 'line';
    if (mode !== 'line') {
      if (lost > 0) discards.push({ reason: mode === 'first' ? 'truncated' : 'overflow', bytes: lost });
      return;
    }
    let start = 0;
    let end = held;
    if (end > start && this.#held[end - 1] === this.#other) end -= 1;
    if (end > start && this.#held[start] === this.#other) start += 1;
    if (end - start > this.#maxLineBytes) discards.push({ reason: 'overflow', bytes: lost });
    else if (end > start) lines.push(Buffer.from(this.#held.subarray(start, end)).toString('latin1'));
  }
}
