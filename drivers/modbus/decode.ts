/**
 * From the bytes of a block to values. Pure.
 *
 * Registers are big-endian on the wire (MODBUS Application Protocol V1.1b3 §4.2); how makers lay longer values over registers
 * is not standardised: A is the most significant byte of a 32-bit value, so ABCD is high word first, CDAB low word first, BADC
 * and DCBA the same with the bytes of each register swapped. Longer values follow the same rule over all their registers; where a
 * machine treats the halves of a 64-bit value apart, an order of eight letters says so.
 *
 * The profile's word order is about values of several registers. A single register is big-endian as the standard says, unless
 * the signal itself names BADC or DCBA.
 *
 * Invariants:
 *  - Whole numbers are exact: one of 64 bits beyond ±(2^53 − 1), or of 16 decimal digits, is bad (`not-exact`), never rounded.
 *  - A block that is too short gives `bad-length`, never the bytes of a neighbour.
 *  - Decoding a number allocates nothing but its result.
 */
import type { longOrders, ModbusSource, wordOrders } from '../profiles/modbus.ts';
import { modbusLength, wireAddress } from '../profiles/modbus.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { bad, decodeNumber, decodeText, type Decoded } from '../decoded.ts';
import type { PlanItem } from './plan.ts';

export type WordOrder = (typeof wordOrders)[number] | (typeof longOrders)[number];

/** A signal with where it is read and how. */
export interface SignalItem extends PlanItem {
  readonly signal: string;
  readonly pollClass: string;
  /** @param data of a block @param at registers (or bits) from the start of the block */
  readonly decode: (data: Uint8Array, at: number) => Decoded;
}

/** Every Modbus signal of a profile, ready to be planned and decoded. */
export function signalItems(profile: Profile): SignalItem[] {
  const { addressBase = 0, notation = 'plain' } = profile.modbus ?? {};
  const items: SignalItem[] = [];
  const layouts = new Layouts();
  for (const [signal, spec] of Object.entries(profile.signals)) {
    const from = spec.from;
    if (!('table' in from)) continue;
    const found = wireAddress(from.address, { addressBase, notation });
    // A checked profile has none such.
    if (found === null) continue;
    items.push({
      signal,
      pollClass: spec.poll,
      table: from.table,
      address: found.address,
      length: modbusLength(from),
      decode: decoderOf(spec, from, profile.modbus?.wordOrder ?? 'ABCD', layouts),
    });
  }
  return items;
}

/** @param layouts shared by the decoders of one machine */
export function decoderOf(
  spec: SignalSpec,
  from: ModbusSource,
  profileOrder: WordOrder,
  layouts: Layouts = new Layouts(),
): SignalItem['decode'] {
  if (from.table === 'coil' || from.table === 'discrete') {
    return (data, at) => {
      const byte = data[at >> 3];
      return byte === undefined ? bad('bad-length') : decodeNumber(spec, (byte >> (at & 7)) & 1);
    };
  }
  if (from.type === 'uint8' || from.type === 'int8') return byteDecoder(spec, from);
  const length = modbusLength(from);
  const order = from.wordOrder ?? (length === 1 || from.type === 'string' ? 'ABCD' : profileOrder);
  const { sources, bytes, view } = layouts.of(order, length * 2);
  /** Copies a value from the wire so that its most significant byte comes first; false when the block is too short. */
  const arrange = (data: Uint8Array, at: number): boolean => {
    if (data.length < (at + length) * 2) return false;
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = data[at * 2 + (sources[i] ?? 0)] ?? 0;
    return true;
  };
  if (from.type === 'string') {
    return (data, at) => (arrange(data, at) ? decodeString(bytes) : bad('bad-length'));
  }
  const [lowest, highest] = from.bit === undefined ? (from.bits ?? [0, 15]) : [from.bit, from.bit];
  if (highest - lowest < 15) {
    const mask = (1 << (highest - lowest + 1)) - 1;
    return (data, at) =>
      arrange(data, at) ? decodeNumber(spec, (view.getUint16(0) >> lowest) & mask) : bad('bad-length');
  }
  // Most of what machines have are single registers as the standard lays them: they need not be laid out anew.
  if ((from.type === 'uint16' || from.type === 'int16') && sources[0] === 0) {
    const sign = from.type === 'int16' ? 16 : 0;
    return (data, at) => {
      const high = data[at * 2];
      const low = data[at * 2 + 1];
      return high === undefined || low === undefined
        ? bad('bad-length')
        : decodeNumber(spec, (((high << 8) | low) << sign) >> sign);
    };
  }
  const raw = rawReader(from.type, view);
  return (data, at) => (arrange(data, at) ? decodeNumber(spec, raw()) : bad('bad-length'));
}

interface Layout {
  readonly sources: Uint8Array;
  /** Where a value is laid out before it is read. Decoding keeps nothing in it. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** By order and size. A machine has a few of them: one for each signal was 1 kB, 5 MB at fifty machines of a hundred registers. */
class Layouts {
  readonly #known = new Map<string, Layout>();

  of(order: WordOrder, size: number): Layout {
    const name = `${order} ${size}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(size);
    const layout = { sources: sourcesOf(order, size), bytes, view: new DataView(bytes.buffer) };
    this.#known.set(name, layout);
    return layout;
  }
}

function byteDecoder(spec: SignalSpec, from: ModbusSource): SignalItem['decode'] {
  const half = from.byte === 'high' ? 0 : 1;
  const sign = from.type === 'int8' ? 24 : 0;
  return (data, at) => {
    const byte = data[at * 2 + half];
    return byte === undefined ? bad('bad-length') : decodeNumber(spec, (byte << sign) >> sign);
  };
}

/** Where on the wire each byte of a value is, its most significant first. */
export function sourcesOf(order: WordOrder, size: number): Uint8Array {
  const sources = new Uint8Array(size);
  if (order.length === size) {
    for (let wire = 0; wire < size; wire += 1) sources[order.charCodeAt(wire) - 65] = wire;
    return sources;
  }
  const lowWordFirst = order === 'CDAB' || order === 'DCBA';
  const swapBytes = order === 'BADC' || order === 'DCBA';
  for (let i = 0; i < size; i += 1) {
    const word = i & ~1;
    sources[i] = (lowWordFirst ? size - 2 - word : word) + (swapBytes ? 1 - (i & 1) : i & 1);
  }
  return sources;
}

/** The number in `view`. One of 64 bits that is not exact comes out beyond the safe integers, where `decodeNumber` refuses it. */
function rawReader(type: Exclude<ModbusSource['type'], 'string' | 'uint8' | 'int8'>, view: DataView): () => number {
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
      return () => view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
    case 'int64':
      return () => view.getInt32(0) * 0x1_0000_0000 + view.getUint32(4);
    case 'float32':
      return () => view.getFloat32(0);
    case 'float64':
      return () => view.getFloat64(0);
    case 'bcd16':
    case 'bcd32':
    case 'bcd64':
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
