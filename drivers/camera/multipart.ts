/**
 * `multipart/x-mixed-replace` (RFC 2046 §5.1): how an MJPEG camera sends one picture after another. Pure.
 *
 * Invariants (test/unit/drivers/camera-multipart.test.ts):
 *  P1  The same bytes give the same parts, however they are cut into pieces.
 *  P2  Never more is held than one part, its headers and one piece; a longer part or header ends the stream with its reason.
 *  P3  A part is what stood between its delimiters, or as many bytes as its Content-Length says and a delimiter behind them; anything
 *      else ends the stream. After the end nothing is told.
 */
export interface Part {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Why a stream cannot be read on. */
export type MultipartProblem = 'part-too-long' | 'headers-too-long' | 'bad-headers' | 'bad-delimiter';

export interface MultipartLimits {
  readonly partBytes: number;
  readonly headerBytes: number;
}

const [cr, lf, dash] = [0x0d, 0x0a, 0x2d];
const maxHeaders = 64;

/** The boundary that a Content-Type names; null where it is no multipart stream of pictures. */
export function boundaryOf(contentType: string | undefined): string | null {
  const match =
    /^multipart\/x-mixed-replace\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;.*)?$/i.exec(
      contentType ?? '',
    );
  return match?.[1] ?? match?.[2] ?? null;
}

export class MultipartParser {
  readonly #delimiter: Buffer;
  /** The delimiter at the beginning of a line. */
  readonly #line: Buffer;
  readonly #limits: MultipartLimits;
  readonly #onPart: (part: Part) => void;
  #held: Buffer;
  /** What is held stands from `start` to `end`. */
  #start = 0;
  #end = 0;
  /** Looked through for a delimiter or the end of the headers up to here. */
  #seen = 0;
  #state: 'preamble' | 'delimiter' | 'headers' | 'body' | 'behind' | 'ended' = 'preamble';
  #headers: Map<string, string> = new Map();
  #length: number | null = null;
  #problem: MultipartProblem | null = null;

  /** @param boundary as `boundaryOf` gives it; many cameras write the dashes of the delimiter into it */
  constructor(boundary: string, limits: MultipartLimits, onPart: (part: Part) => void) {
    this.#delimiter = Buffer.from(boundary.startsWith('--') ? boundary : `--${boundary}`, 'latin1');
    this.#line = Buffer.concat([Buffer.of(lf), this.#delimiter]);
    this.#limits = limits;
    this.#onPart = onPart;
    this.#held = Buffer.allocUnsafe(64 * 1024);
  }

  /** Bytes that are held at present. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes the next bytes. What it returns, once, is why nothing more can be read; null while all is well. */
  push(piece: Uint8Array): MultipartProblem | null {
    if (this.#state === 'ended') return this.#problem;
    this.#keep(piece);
    while (this.#step());
    return this.#problem;
  }

  #keep(piece: Uint8Array): void {
    if (this.#start > 0) {
      this.#held.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#seen -= this.#start;
      this.#start = 0;
    }
    if (this.#end + piece.length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#held.length * 2, this.#end + piece.length));
      this.#held.copy(larger, 0, 0, this.#end);
      this.#held = larger;
    }
    this.#held.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** True when there may be more to do with what is held. */
  #step(): boolean {
    switch (this.#state) {
      case 'preamble':
        return this.#skipPreamble();
      case 'delimiter':
        return this.#endOfDelimiter();
      case 'headers':
        return this.#readHeaders();
      case 'body':
        return this.#length === null ? this.#readToDelimiter() : this.#readLength(this.#length);
      case 'behind':
        return this.#expectDelimiter();
      case 'ended':
        return false;
    }
  }

  #fail(problem: MultipartProblem): false {
    this.#problem = problem;
    return this.#finish();
  }

  #finish(): false {
    this.#state = 'ended';
    this.#held = Buffer.alloc(0);
    this.#start = this.#end = this.#seen = 0;
    return false;
  }

  #consume(bytes: number): void {
    this.#start += bytes;
    this.#seen = this.#start;
  }

  /** Where `wanted` begins, or −1; what was looked through is not looked through again. */
  #find(wanted: Buffer): number {
    const at = this.#held.subarray(0, this.#end).indexOf(wanted, Math.max(this.#start, this.#seen - wanted.length + 1));
    if (at < 0) this.#seen = this.#end;
    return at;
  }

  #skipPreamble(): boolean {
    const at = this.#find(this.#delimiter);
    // Where it is not there yet, it begins with the last bytes at the earliest.
    const before = at < 0 ? this.heldBytes - this.#delimiter.length + 1 : at - this.#start;
    if (before > this.#limits.headerBytes) return this.#fail('headers-too-long');
    if (at < 0) return false;
    this.#consume(before + this.#delimiter.length);
    this.#state = 'delimiter';
    return true;
  }

  /** Behind the delimiter: two dashes end the stream, a line end begins a part. */
  #endOfDelimiter(): boolean {
    if (this.heldBytes < 2) return false;
    const [first, second] = this.#held.subarray(this.#start, this.#start + 2);
    if (first === dash && second === dash) return this.#finish();
    const blank = first === 0x20 || first === 0x09;
    if (!blank && first !== lf && !(first === cr && second === lf)) return this.#fail('bad-delimiter');
    this.#consume(blank || first === lf ? 1 : 2);
    if (!blank) this.#state = 'headers';
    return true;
  }

  #readHeaders(): boolean {
    // Cameras that end their lines with LF alone are known.
    const held = this.#held.subarray(this.#start, Math.min(this.#end, this.#start + this.#limits.headerBytes + 4));
    const { at, length } = emptyLine(held, Math.max(0, this.#seen - this.#start - 3));
    this.#seen = this.#end;
    if ((at < 0 ? this.heldBytes - 1 : at) > this.#limits.headerBytes) return this.#fail('headers-too-long');
    if (at < 0) return false;
    const headers = headersOf(held.subarray(0, at).toString('latin1'));
    if (headers === null) return this.#fail('bad-headers');
    const announced = headers.get('content-length');
    if (announced !== undefined && !/^\d{1,15}$/.test(announced)) return this.#fail('bad-headers');
    this.#headers = headers;
    this.#length = announced === undefined ? null : Number(announced);
    if (this.#length !== null && this.#length > this.#limits.partBytes) return this.#fail('part-too-long');
    this.#consume(at + length);
    this.#state = 'body';
    return true;
  }

  #readLength(length: number): boolean {
    if (this.heldBytes < length) return false;
    this.#tell(length);
    this.#consume(length);
    this.#state = 'behind';
    return true;
  }

  /** Behind as many bytes as were announced stands a delimiter, after at most one line end. */
  #expectDelimiter(): boolean {
    if (this.heldBytes < this.#delimiter.length + 2) return false;
    const [first, second] = this.#held.subarray(this.#start, this.#start + 2);
    const skip = first === cr && second === lf ? 2 : first === lf ? 1 : 0;
    const at = this.#start + skip;
    if (!this.#held.subarray(at, at + this.#delimiter.length).equals(this.#delimiter))
      return this.#fail('bad-delimiter');
    this.#consume(skip + this.#delimiter.length);
    this.#state = 'delimiter';
    return true;
  }

  #readToDelimiter(): boolean {
    // A delimiter begins a line; the same bytes in the middle of one belong to the picture.
    const at = this.#find(this.#line);
    const isAfterCr = at > this.#start && this.#held[at - 1] === cr;
    const length = at < 0 ? this.heldBytes - this.#line.length : at - this.#start - (isAfterCr ? 1 : 0);
    if (length > this.#limits.partBytes) return this.#fail('part-too-long');
    if (at < 0) return false;
    this.#tell(length);
    this.#consume(at - this.#start + this.#line.length);
    this.#state = 'delimiter';
    return true;
  }

  #tell(length: number): void {
    this.#onPart({
      headers: this.#headers,
      body: Uint8Array.from(this.#held.subarray(this.#start, this.#start + length)),
    });
  }
}

/** The end of the headers: an empty line, with or without CR. */
function emptyLine(bytes: Buffer, from: number): { readonly at: number; readonly length: number } {
  // Right at the beginning: no header at all.
  if (bytes[0] === lf) return { at: 0, length: 1 };
  if (bytes[0] === cr && bytes[1] === lf) return { at: 0, length: 2 };
  for (let at = bytes.indexOf(lf, from); at >= 0; at = bytes.indexOf(lf, at + 1)) {
    if (bytes[at + 1] === lf) return { at: at + 1, length: 1 };
    if (bytes[at + 1] === cr && bytes[at + 2] === lf) return { at: at + 1, length: 2 };
  }
  return { at: -1, length: 0 };
}

function headersOf(text: string): Map<string, string> | null {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > maxHeaders) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    const [, name = '', value = ''] = match ?? [];
    // Twice the same would mean one thing here and another elsewhere.
    if (match === null || headers.has(name.toLowerCase())) return null;
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}
