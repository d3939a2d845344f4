/**
 * The only things that can write to a Modbus machine: set-points of a profile, and one value of one of them on its way. Pure.
 *
 * Invariants:
 *  - An `AllowedWrite` is made by `ModbusSetPoint.allow` alone: for an address a profile lists, with a value inside its range that
 *    its type holds exactly. Nobody else has the key, nothing else has its private bytes, and they are handed out as copies.
 *  - Its function is 5 (one coil), 6 (one register) or 16 (registers): MODBUS Application Protocol V1.1b3 §6.5, §6.6, §6.12.
 *  - Never for unit 0: behind a gateway that is everybody on the line (MODBUS over Serial Line V1.02 §2.1).
 */
import type { SetPoint, SetPointValue } from '../contract.ts';
import type { Decoded } from '../decoded.ts';
import { DriverError } from '../errors.ts';
import type { Profile } from '../profiles/schema.ts';
import { signalSpec } from '../profiles/schema.ts';
import { defaultForm, rawOf, writeAddress, writeLength, type SetPointSpec } from '../profiles/writes.ts';
import { decoderOf, signalItems, sourcesOf, type SignalItem, type WordOrder } from './decode.ts';
import type { ReadRequest } from './pdu.ts';
import { functionOfTable } from './plan.ts';

export type WriteFunction = 5 | 6 | 16;

/** In nobody's hands but this module's. */
const key = Symbol('only for set-points');

export class AllowedWrite {
  readonly unit: number;
  readonly fn: WriteFunction;
  /** Protocol address, from 0. */
  readonly address: number;
  readonly count: number;
  readonly #pdu: Uint8Array;

  constructor(hand: symbol, unit: number, pdu: Uint8Array, count: number) {
    if (hand !== key) throw new DriverError('writeHeldBack', 'a write that is no set-point');
    this.unit = unit;
    this.fn = pdu[0] as WriteFunction;
    this.address = ((pdu[1] ?? 0) << 8) | (pdu[2] ?? 0);
    this.count = count;
    this.#pdu = pdu;
    Object.freeze(this);
  }

  /** The message, as a copy. */
  pdu(): Uint8Array {
    return this.#pdu.slice();
  }

  /** What a machine that did it answers behind the function: address and value, or address and count (§6.5, §6.6, §6.12). */
  isConfirmedBy(data: Uint8Array): boolean {
    return data.length === 4 && data.every((byte, i) => byte === this.#pdu[i + 1]);
  }

  /** Whether this is one, byte for byte what leaves, and for that unit. What only looks like one is none. */
  static permits(write: unknown, unit: number, pdu: Uint8Array): boolean {
    if (typeof write !== 'object' || write === null || !(#pdu in write)) return false;
    const own = write.#pdu;
    return write.unit === unit && own.length === pdu.length && own.every((byte, i) => byte === pdu[i]);
  }
}

/**
 * The last look at a message before it leaves, in every bus right before the socket or port: a read (functions 1 to 4, five
 * bytes), or exactly what an allowed write is.
 */
export function mayLeave(unit: number, pdu: Uint8Array, write: unknown): boolean {
  const fn = pdu[0] ?? 0;
  if (fn >= 1 && fn <= 4) return pdu.length === 5;
  return AllowedWrite.permits(write, unit, pdu);
}

/** How what was written is read again. */
interface ReadBack {
  readonly request: ReadRequest;
  readonly decode: (data: Uint8Array) => SetPointValue | null;
  /** How far apart two numbers may be that are the same. */
  readonly toleranceOf: number;
}

export type Allowed =
  | { readonly write: AllowedWrite; readonly value: SetPointValue }
  | { readonly write: null; readonly reason: string };

export class ModbusSetPoint {
  readonly info: SetPoint;
  readonly #spec: SetPointSpec;
  readonly #unit: number;
  readonly #address: number;
  readonly #order: WordOrder;
  /** The address itself. */
  readonly #own: ReadBack;
  readonly #verify: ReadBack;

  constructor(name: string, spec: SetPointSpec, address: number, unit: number, profile: Profile) {
    this.#spec = spec;
    this.#unit = unit;
    this.#address = address;
    this.#order = spec.wordOrder ?? (writeLength(spec) === 1 ? 'ABCD' : (profile.modbus?.wordOrder ?? 'ABCD'));
    const { title, range, step, table, type, scale } = spec;
    const isSwitch = table === 'coil';
    const exact = type === 'float32' || isSwitch ? null : Math.abs(scale);
    this.info = { name, title, unit: spec.unit, kind: isSwitch ? 'switch' : 'number', range, step: step ?? exact };
    this.#own = readBackOf(unit, ownItem(spec, address, this.#order), 0);
    const signal = spec.verify === undefined ? undefined : profile.signals[spec.verify];
    const shown = signalItems(profile).find((item) => item.signal === spec.verify);
    const verifyScale = Math.max(isSwitch ? 0 : Math.abs(scale), Math.abs(signal?.scale ?? 0));
    this.#verify = shown === undefined ? this.#own : readBackOf(unit, shown, verifyScale / 2);
  }

  /** What the machine is asked to see what it has now. */
  get read(): ReadBack {
    return this.#own;
  }

  /** What the machine is asked to see whether it took a value. */
  get verify(): ReadBack {
    return this.#verify;
  }

  /** The one way to a write. `value` in the result is what the machine will show, as far as its type holds it. */
  allow(value: SetPointValue): Allowed {
    const spec = this.#spec;
    if (this.#unit === 0) return { write: null, reason: 'unit-0-is-everybody' };
    if (typeof value !== (spec.table === 'coil' ? 'boolean' : 'number')) return { write: null, reason: 'wrong-kind' };
    const number = Number(value);
    if (!(number >= spec.range[0] && number <= spec.range[1])) return { write: null, reason: 'out-of-range' };
    const raw = rawOf(spec, number);
    if (raw === null) return { write: null, reason: 'between-steps' };
    const pdu = pduOf(spec, this.#address, raw, this.#order);
    return { write: new AllowedWrite(key, this.#unit, pdu, writeLength(spec)), value };
  }

  /** Whether what was read back is what was written. */
  isTaken(wanted: SetPointValue, readBack: SetPointValue): boolean {
    if (typeof wanted === 'boolean' || typeof readBack === 'boolean') return wanted === readBack;
    const held = this.#spec.type === 'float32' ? 1e-6 * Math.max(Math.abs(wanted), Math.abs(this.#spec.scale)) : 0;
    const dust = 1e-9 * Math.max(1, Math.abs(wanted));
    return Math.abs(wanted - readBack) <= Math.max(this.#verify.toleranceOf, held, dust);
  }
}

/** The set-points of a profile at one unit; none for a profile that lists none. */
export function setPointsOf(profile: Profile, unit: number): Map<string, ModbusSetPoint> {
  const found = new Map<string, ModbusSetPoint>();
  if (profile.protocol !== 'modbus') return found;
  for (const [name, spec] of Object.entries(profile.writes ?? {})) {
    const address = writeAddress(spec, profile.modbus ?? defaultForm);
    // A checked profile has none without.
    if (address !== null) found.set(name, new ModbusSetPoint(name, spec, address, unit, profile));
  }
  return found;
}

function pduOf(spec: SetPointSpec, address: number, raw: number, order: WordOrder): Uint8Array {
  const head = [address >> 8, address & 0xff];
  if (spec.table === 'coil') return Uint8Array.from([5, ...head, raw === 1 ? 0xff : 0x00, 0x00]);
  const wire = wireBytes(spec, raw, order);
  if (wire.length === 2 && spec.function !== 16) return Uint8Array.from([6, ...head, ...wire]);
  return Uint8Array.from([16, ...head, 0, wire.length / 2, wire.length, ...wire]);
}

/** The registers as they go over the wire. */
function wireBytes(spec: SetPointSpec, raw: number, order: WordOrder): Uint8Array {
  const size = 2 * writeLength(spec);
  const view = new DataView(new ArrayBuffer(size));
  switch (spec.type) {
    case 'uint16':
    case 'int16':
      view.setUint16(0, raw);
      break;
    case 'uint32':
    case 'int32':
      view.setUint32(0, raw);
      break;
    case 'float32':
      view.setFloat32(0, raw);
      break;
    case 'bcd16':
    case 'bcd32':
      for (let at = size - 1, rest = raw; at >= 0; at -= 1, rest = Math.floor(rest / 100)) {
        view.setUint8(at, ((Math.floor(rest / 10) % 10) << 4) | (rest % 10));
      }
      break;
  }
  const wire = new Uint8Array(size);
  sourcesOf(order, size).forEach((from, i) => {
    wire[from] = view.getUint8(i);
  });
  return wire;
}

/** The set-point as if it were a signal, without a range: what stands in the machine is shown, allowed or not. */
function ownItem(spec: SetPointSpec, address: number, wordOrder: WordOrder): SignalItem {
  const { table, type, scale, offset, unit } = spec;
  const from = { table, address, type, wordOrder };
  const kind = table === 'coil' ? 'flag' : 'gauge';
  const signal = signalSpec.parse(kind === 'flag' ? { kind, from } : { kind, unit, scale, offset, from });
  const decode = 'table' in signal.from ? decoderOf(signal, signal.from, wordOrder) : neverDecoded;
  return { signal: '', pollClass: '', table, address, length: writeLength(spec), decode };
}

const neverDecoded = (): Decoded => ({ quality: 'bad', reason: 'unknown' });

function readBackOf(unit: number, item: SignalItem, toleranceOf: number): ReadBack {
  const { table, address, length } = item;
  return {
    request: { unit, fn: functionOfTable[table], address, count: length },
    toleranceOf,
    decode: (data) => {
      const decoded = item.decode(data, 0);
      return decoded.quality === 'bad' || typeof decoded.value === 'string' ? null : decoded.value;
    },
  };
}
