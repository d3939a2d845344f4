/**
 * From the bytes of a block to values. Pure.
 *
 * Registers are big-endian on the wire (MODBUS Application Protocol V1.1b3 §4.2); how makers lay longer values over registers
 * is not standardised: A is the most significant byte of a 32-bit value, so ABCD is high word first, CDAB low word first, BADC
 * and DCBA the same with the bytes of each register swapped. Longer values follow the same rule over all their registers.
 *
 * The profile's word order is about values of several registers. A single register is big-endian as the standard says, unless
 * the signal itself names BADC or DCBA.
 */
import type { Profile, SignalSpec, wordOrders } from '../profiles/schema.ts';
import { bad, decodeNumber, decodeText, type Decoded } from '../decoded.ts';
import { modbusLength } from '../profiles/check.ts';
import type { PlanItem } from './plan.ts';

type WordOrder = (typeof wordOrders)[number];
type ModbusSource = Extract<SignalSpec['from'], { table: string }>;

/** A signal with where it is read and how. */
export interface SignalItem extends PlanItem {
  readonly signal: string;
  readonly pollClass: string;
  /** @param data of a block @param at registers (or bits) from the start of the block */
  readonly decode: (data: Uint8Array, at: number) => Decoded;
}

/** Every Modbus signal of a profile, ready to be planned and decoded. */
export function signalItems(profile: Profile): SignalItem[] {
  const base = profile.modbus?.addressBase ?? 0;
  const items: SignalItem[] = [];
  for (const [signal, spec] of Object.entries(profile.signals)) {
    const from = spec.from;
    if (!('table' in from)) continue;
    items.push({
      signal,
      pollClass: spec.poll,
      table: from.table,
      address: from.address - base,
      length: modbusLength(from),
      decode: decoderOf(spec, from, profile.modbus?.wordOrder ?? 'ABCD'),
    });
  }
  return items;
}

function decoderOf(spec: SignalSpec, from: ModbusSource, profileOrder: WordOrder): SignalItem['decode'] {
  if (from.table === 'coil' || from.table === 'discrete') {
    return (data, at) => decodeNumber(spec, ((data[at >> 3] ?? 0) >> (at & 7)) & 1);
  }
  const length = modbusLength(from);
  const order = from.wordOrder ?? (length === 1 || from.type === 'string' ? 'ABCD' : profileOrder);
  const size = length * 2;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const arranged = (data: Uint8Array, at: number): boolean => {
    if (data.length < (at + length) * 2) return false;
    arrange(bytes, data, at * 2, order);
    return true;
  };
  if (from.type === 'string') {
    return (data, at) => (arranged(data, at) ? decodeString(bytes) : bad('bad-length'));
  }
  const { bit } = from;
  if (bit !== undefined) {
    return (data, at) => (arranged(data, at) ? decodeNumber(spec, (view.getUint16(0) >> bit) & 1) : bad('bad-length'));
  }
  const raw = rawReader(from.type, view);
  return (data, at) => (arranged(data, at) ? decodeNumber(spec, raw()) : bad('bad-length'));
}

/** Copies a value from the wire so that its most significant byte comes first. */
function arrange(into: Uint8Array, data: Uint8Array, from: number, order: WordOrder): void {
  const size = into.length;
  const lowWordFirst = order === 'CDAB' || order === 'DCBA';
  const swapBytes = order === 'BADC' || order === 'DCBA';
  for (let i = 0; i < size; i += 1) {
    const word = i & ~1;
    const source = (lowWordFirst ? size - 2 - word : word) + (swapBytes ? 1 - (i & 1) : i & 1);
    into[i] = data[from + source] ?? 0;
  }
}

function rawReader(type: Exclude<ModbusSource['type'], 'string'>, view: DataView): () => number {
  switch (type) {
    case 'uint16':
      return () => view.getUint16(0);
    case 'int16':
      return () => view.getInt16(0);
    case 'uint32':
      return () => view.getUint32(0);
    case 'int32':
      return () => view.getInt32(0);
    case 'uint64':
      return () => Number(view.getBigUint64(0));
    case 'int64':
      return () => Number(view.getBigInt64(0));
    case 'float32':
      return () => view.getFloat32(0);
    case 'float64':
      return () => view.getFloat64(0);
    case 'bcd16':
    case 'bcd32':
      return () => binaryCodedDecimal(view);
  }
}

/** Four bits a digit; NaN when a digit is above nine, which decodes to a bad reading. */
function binaryCodedDecimal(view: DataView): number {
  let value = 0;
  for (let i = 0; i < view.byteLength; i += 1) {
    const high = view.getUint8(i) >> 4;
    const low = view.getUint8(i) & 0xf;
    if (high > 9 || low > 9) return Number.NaN;
    value = value * 100 + high * 10 + low;
  }
  return value;
}

/** Texts are padded with NULs or blanks; what follows the first NUL is left-over memory of the controller. */
function decodeString(bytes: Uint8Array): Decoded {
  const end = bytes.indexOf(0);
  return decodeText(Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1'));
}
