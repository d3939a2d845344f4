/**
 * Frames of a fixed length: bytes in, whole frames out, and what is in them. Pure state, no clock and no port.
 *
 * Invariants:
 *  - Every byte pushed ends in exactly one of: a frame handed out, a counted discard, the bounded rest.
 *  - A frame has its start, its end and its checksum, as far as the format names them, or is none; the format names enough to tell a
 *    whole frame from a torn one (`profiles/check-serial.ts`).
 *  - A byte changed, put in or lost costs at most one frame, where start and end do not stand inside a frame or a checksum guards it: what
 *    fails is searched anew from its second byte on.
 *  - No more than one frame is held. The cuts between pushes make no difference.
 */
import { bad, decodeNumber, good, type Decoded } from '../decoded.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { byteLength, type BytesSource, type FixedFormat } from '../profiles/serial.ts';
import type { Framed, FramedDiscard, StreamFramer } from './framer.ts';
import { decodeField, isPrintable, type LineDecoder } from './line.ts';

export class FixedFramer implements StreamFramer {
  readonly #format: FixedFormat;
  readonly #start: Uint8Array;
  readonly #end: Uint8Array;
  readonly #held: Uint8Array;
  #heldBytes = 0;
  /** Bytes thrown away one after the other are told as one discard. */
  #lost: { reason: FramedDiscard['reason']; bytes: number } | null = null;

  constructor(format: FixedFormat) {
    this.#format = format;
    this.#start = Buffer.from(format.start ?? '', 'hex');
    this.#end = Buffer.from(format.end ?? '', 'hex');
    this.#held = new Uint8Array(format.bytes);
  }

  push(bytes: Uint8Array): Framed {
    const lines: string[] = [];
    const discards: FramedDiscard[] = [];
    for (const byte of bytes) {
      this.#held[this.#heldBytes] = byte;
      this.#heldBytes += 1;
      this.#settle(lines, discards);
    }
    return { lines, discards };
  }

  reset(): readonly FramedDiscard[] {
    const discards: FramedDiscard[] = [];
    this.#tell(discards);
    if (this.#heldBytes > 0) discards.push({ reason: 'truncated', bytes: this.#heldBytes });
    this.#heldBytes = 0;
    return discards;
  }

  get pendingBytes(): number {
    return this.#heldBytes + (this.#lost?.bytes ?? 0);
  }

  #settle(lines: string[], discards: FramedDiscard[]): void {
    for (;;) {
      const fault = this.#faultOf();
      if (fault === null) {
        if (this.#heldBytes < this.#format.bytes) return;
        this.#tell(discards);
        lines.push(Buffer.from(this.#held).toString('latin1'));
        this.#heldBytes = 0;
        return;
      }
      if (this.#lost === null || (fault === 'bad-checksum' && this.#lost.reason !== fault)) {
        this.#tell(discards);
        this.#lost = { reason: fault, bytes: 0 };
      }
      this.#lost.bytes += 1;
      this.#held.copyWithin(0, 1, this.#heldBytes);
      this.#heldBytes -= 1;
      // Noise without an end is told in pieces.
      if (this.#lost.bytes >= this.#format.bytes) this.#tell(discards);
    }
  }

  /** Why the held bytes begin no frame; null while they may. */
  #faultOf(): 'garbage' | 'bad-checksum' | null {
    const held = this.#held.subarray(0, this.#heldBytes);
    const known = Math.min(this.#start.length, held.length);
    if (this.#start.subarray(0, known).some((byte, i) => held[i] !== byte)) return 'garbage';
    const { bytes, checksum } = this.#format;
    if (held.length < bytes) return null;
    if (this.#end.some((byte, i) => held[bytes - this.#end.length + i] !== byte)) return 'garbage';
    return checksum === undefined || isRight(held, checksum) ? null : 'bad-checksum';
  }

  #tell(discards: FramedDiscard[]): void {
    if (this.#lost !== null) discards.push(this.#lost);
    this.#lost = null;
  }
}

function isRight(frame: Uint8Array, { kind, at, from }: NonNullable<FixedFormat['checksum']>): boolean {
  const covered = frame.subarray(from, at);
  switch (kind) {
    case 'xor8':
      return covered.reduce((check, byte) => check ^ byte, 0) === frame[at];
    case 'sum8':
      return covered.reduce((sum, byte) => (sum + byte) & 0xff, 0) === frame[at];
    case 'crc16-modbus': {
      const crc = crc16(covered);
      return (crc & 0xff) === frame[at] && crc >> 8 === frame[at + 1];
    }
  }
}

/** CRC-16 with the polynomial 0xA001 and the start 0xFFFF (Modbus over Serial Line V1.02, §2.5.1.2). */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** The decoder of a profile with `line.fixed`. It is given frames as the framer hands them out. */
export function fixedDecoder(profile: Profile): LineDecoder {
  const places: { readonly signal: string; readonly read: (frame: string) => Decoded }[] = [];
  for (const [signal, spec] of Object.entries(profile.signals)) {
    const { from } = spec;
    if ('at' in from) places.push({ signal, read: (frame) => readBytes(spec, from, frame) });
    if ('columns' in from) {
      const [first, last] = from.columns;
      places.push({ signal, read: (frame) => readColumns(spec, frame.slice(first, last + 1)) });
    }
  }
  return {
    signals: places.map(({ signal }) => signal),
    decode: (frame) => ({
      kind: 'values',
      values: places.map(({ signal, read }) => ({ signal, decoded: read(frame) })),
    }),
  };
}

/** A column that is wholly blank is one the board has no value for. */
function readColumns(spec: SignalSpec, text: string): Decoded {
  return isPrintable(text) ? decodeField(spec, text) : bad('garbage');
}

function readBytes(spec: SignalSpec, from: BytesSource, frame: string): Decoded {
  const bytes = Buffer.from(frame, 'latin1').subarray(from.at, from.at + byteLength(from));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength !== byteLength(from)) return bad('missing-field');
  const raw = numberIn(view, from);
  if (from.bit !== undefined) return good(Math.floor(raw / 2 ** from.bit) % 2 === 1);
  return decodeNumber(spec, raw);
}

function numberIn(view: DataView, { type, order }: BytesSource): number {
  const isLittle = order === 'little';
  switch (type) {
    case 'uint8':
      return view.getUint8(0);
    case 'int8':
      return view.getInt8(0);
    case 'uint16':
      return view.getUint16(0, isLittle);
    case 'int16':
      return view.getInt16(0, isLittle);
    case 'uint32':
      return view.getUint32(0, isLittle);
    case 'int32':
      return view.getInt32(0, isLittle);
    case 'float32':
      return view.getFloat32(0, isLittle);
  }
}
