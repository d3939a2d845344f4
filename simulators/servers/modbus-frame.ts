/**
 * Modbus server framing, pure: requests out of a byte stream and replies to them. Sources: MODBUS Application Protocol V1.1b3
 * (PDU, exceptions), MODBUS Messaging on TCP/IP V1.0b (MBAP), MODBUS over Serial Line V1.02 (RTU frame, CRC; ASCII frame, LRC).
 *
 * Invariants (tests in `test/unit/simulators/modbus.test.ts`):
 *  M1  However a stream is cut, the same requests come out of it.
 *  M2  A reply carries words of one register image only.
 *  M3  Nothing is ever written: every writing function answers exception 1.
 */

/** The registers of one machine as they stand at one tick. */
export interface RegisterImage {
  /** 3 = read holding registers, 4 = read input registers. */
  readonly functionCode: 3 | 4;
  readonly firstAddress: number;
  readonly words: Uint16Array;
}

export const illegalFunction = 1;
export const illegalDataAddress = 2;
export const illegalDataValue = 3;
/** The gateway knows no such unit (application protocol, 7). */
export const gatewayTargetFailed = 11;

const maxRegisters = 125;

/** Whether a function changes nothing (application protocol, 5.1): reads of bits and registers. */
export const reads = (functionCode: number): boolean => functionCode >= 1 && functionCode <= 4;

export function exceptionPdu(functionCode: number, code: number): Uint8Array {
  return Uint8Array.of((functionCode | 0x80) & 0xff, code);
}

/** The reply PDU to a request PDU. */
export function answerPdu(pdu: Uint8Array, image: RegisterImage): Uint8Array {
  const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.byteLength);
  const functionCode = pdu[0] ?? 0;
  if (functionCode !== image.functionCode) return exceptionPdu(functionCode, illegalFunction);
  if (pdu.length !== 5) return exceptionPdu(functionCode, illegalDataValue);
  const address = view.getUint16(1);
  const quantity = view.getUint16(3);
  if (quantity < 1 || quantity > maxRegisters) return exceptionPdu(functionCode, illegalDataValue);
  const first = address - image.firstAddress;
  if (first < 0 || first + quantity > image.words.length) return exceptionPdu(functionCode, illegalDataAddress);
  const reply = new Uint8Array(2 + quantity * 2);
  reply[0] = functionCode;
  reply[1] = quantity * 2;
  for (let i = 0; i < quantity; i += 1) {
    const word = image.words[first + i] ?? 0;
    reply[2 + i * 2] = word >> 8;
    reply[3 + i * 2] = word & 0xff;
  }
  return reply;
}

export interface ModbusRequest {
  /** MBAP transaction id; 0 on RTU. */
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Uint8Array;
}

export interface TakenRequests {
  readonly requests: readonly ModbusRequest[];
  /** Bytes of an unfinished frame. */
  readonly rest: Uint8Array;
  /** The stream cannot be followed any more: the connection is to be closed. */
  readonly broken: boolean;
}

/** Takes whole MBAP frames out of `bytes`. */
export function takeTcpRequests(bytes: Uint8Array): TakenRequests {
  const requests: ModbusRequest[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (bytes.length - at >= 7) {
    const length = view.getUint16(at + 4);
    if (view.getUint16(at + 2) !== 0 || length < 2 || length > 254)
      return { requests, rest: new Uint8Array(), broken: true };
    if (bytes.length - at < 6 + length) break;
    requests.push({
      transaction: view.getUint16(at),
      unit: bytes[at + 6] ?? 0,
      pdu: bytes.slice(at + 7, at + 6 + length),
    });
    at += 6 + length;
  }
  return { requests, rest: bytes.slice(at), broken: false };
}

export function tcpFrame(transaction: number, unit: number, pdu: Uint8Array): Uint8Array {
  const frame = new Uint8Array(7 + pdu.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, transaction);
  view.setUint16(4, pdu.length + 1);
  view.setUint8(6, unit);
  frame.set(pdu, 7);
  return frame;
}

/** CRC-16/MODBUS (serial line specification, appendix B): polynomial 0xA001 reflected, start 0xFFFF. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

export function rtuFrame(unit: number, pdu: Uint8Array): Uint8Array {
  const frame = new Uint8Array(pdu.length + 3);
  frame[0] = unit;
  frame.set(pdu, 1);
  const crc = crc16(frame.subarray(0, pdu.length + 1));
  frame[pdu.length + 1] = crc & 0xff;
  frame[pdu.length + 2] = crc >> 8;
  return frame;
}

/** Length of an RTU request by its function code, or null where it cannot be told yet or at all. */
function rtuLength(bytes: Uint8Array, at: number): number | null {
  const functionCode = bytes[at + 1] ?? 0;
  if (functionCode >= 1 && functionCode <= 6) return 8;
  if (functionCode === 15 || functionCode === 16) {
    const byteCount = bytes[at + 6];
    return byteCount === undefined ? null : 9 + byteCount;
  }
  return null;
}

/**
 * Takes RTU requests out of `bytes`. Over a device server there is no 3.5-character silence to trust, so frames are found by
 * function code and checksum. A start that still lacks bytes does not hold up a whole frame behind it: it was noise.
 */
export function takeRtuRequests(bytes: Uint8Array): TakenRequests {
  const requests: ModbusRequest[] = [];
  let unfinished: number | null = null;
  let at = 0;
  while (bytes.length - at >= 2) {
    const length = rtuLength(bytes, at);
    const whole = length !== null && bytes.length - at >= length;
    const frame = whole ? bytes.subarray(at, at + length) : null;
    // A frame with its own checksum appended has the checksum 0.
    if (frame !== null && crc16(frame) === 0) {
      requests.push({ transaction: 0, unit: frame[0] ?? 0, pdu: frame.slice(1, -2) });
      at += frame.length;
      unfinished = null;
      continue;
    }
    if (!whole && mayGoOn(bytes, at)) unfinished ??= at;
    at += 1;
  }
  // No request is longer than 256 bytes: what is left over and longer is noise.
  return { requests, rest: bytes.slice(Math.max(unfinished ?? at, bytes.length - 256)), broken: false };
}

/** Could more bytes make a request of what begins at `at`? */
function mayGoOn(bytes: Uint8Array, at: number): boolean {
  const functionCode = bytes[at + 1] ?? 0;
  return (functionCode >= 1 && functionCode <= 6) || functionCode === 15 || functionCode === 16;
}

const colon = 0x3a;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Longitudinal redundancy check (serial line specification, 6.2.1): two's complement of the sum of the bytes. */
export function lrc(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}

/** Colon, two upper-case hex digits a byte, LRC, CR LF (serial line specification, 2.5.2). */
export function asciiFrame(unit: number, pdu: Uint8Array): Uint8Array {
  const content = Uint8Array.of(unit, ...pdu);
  const digits = [...content, lrc(content)].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
  return new TextEncoder().encode(`:${digits.join('')}\r\n`);
}

/** Takes ASCII requests out of `bytes`: a colon always begins one anew, and what is no frame is left out. */
export function takeAsciiRequests(bytes: Uint8Array): TakenRequests {
  const requests: ModbusRequest[] = [];
  let at = 0;
  for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, at)) {
    const begin = bytes.subarray(0, end).lastIndexOf(colon);
    const hex = begin < at || bytes[end - 1] !== carriageReturn ? '' : text(bytes.subarray(begin + 1, end - 1));
    at = end + 1;
    if (!/^(?:[0-9A-F]{2}){3,}$/.test(hex)) continue;
    const content = Uint8Array.from(Buffer.from(hex, 'hex'));
    // A frame with its own check appended adds up to 0.
    if (lrc(content) === 0) requests.push({ transaction: 0, unit: content[0] ?? 0, pdu: content.slice(1, -1) });
  }
  // No request is longer than 513 characters: what is left over and longer is noise.
  return { requests, rest: bytes.slice(Math.max(at, bytes.length - 513)), broken: false };
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
