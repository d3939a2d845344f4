/**
 * A hundred thousand random profiles on random machines through planner, search and decoder: no crash, no hang, no wrong value
 * called good, and nothing bad but what the machine refuses or the value forbids. What is right is worked out here from the
 * registers with whole numbers of any size, knowing nothing of the decoder.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profileProblems } from '../../../drivers/profiles/check.ts';
import { longOrders, wordOrders, type ModbusSource, type ModbusType } from '../../../drivers/profiles/modbus.ts';
import { profileSchema, type Profile, type SignalSpec } from '../../../drivers/profiles/schema.ts';
import { answer, watch, type Model } from './modbus-model.ts';
import { Random, runs, seed } from './modbus-random.ts';

const base = profileSchema.parse({
  profile: 'random',
  version: 1,
  title: 'random',
  kind: 'other',
  protocol: 'modbus',
  verified: false,
  source: ['test'],
  modbus: {},
  signals: { 'a.b': { kind: 'gauge', unit: 'C62', from: { table: 'holding', address: 0 } } },
  states: [{ state: 'IDLE' }],
});

type Table = ModbusSource['table'];
const sizes: Readonly<Record<Exclude<ModbusType, 'string'>, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 1,
  int16: 1,
  uint32: 2,
  int32: 2,
  uint64: 4,
  int64: 4,
  float32: 2,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
  bcd64: 4,
};
const types = Object.keys(sizes) as [ModbusType, ...ModbusType[]];

interface Case {
  readonly profile: Profile;
  /** Where each signal is on the wire. */
  readonly wire: ReadonlyMap<string, { readonly fn: number; readonly address: number; readonly length: number }>;
}

const firstDigit = { coil: '0', discrete: '1', input: '3', holding: '4' } as const;
const functions = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

function randomCase(random: Random): Case {
  const signals: Record<string, SignalSpec> = {};
  const wire = new Map<string, { fn: number; address: number; length: number }>();
  const notation = random.of<'plain' | '4xxxx'>('plain', 'plain', '4xxxx');
  const addressBase = random.of<0 | 1>(0, 1);
  const span = random.of(20, 60, 300);
  const table = random.of<Table>('holding', 'input');
  for (let i = random.below(10); i >= 0; i -= 1) {
    const name = `s.${i}`;
    const isBit = random.chance(0.15);
    const at = random.below(span);
    const own = isBit ? random.of<Table>('coil', 'discrete') : table;
    const written = notation === 'plain' ? at + addressBase : `${firstDigit[own]}${String(at + 1).padStart(4, '0')}`;
    const from: ModbusSource = { table: own, address: written, type: 'uint16' };
    const common = { unit: 'C62', scale: 1, offset: 0, notANumber: [], poll: 'normal' };
    let length = 1;
    if (isBit) signals[name] = { ...common, kind: 'flag', from };
    else if (random.chance(0.1)) {
      length = 1 + random.below(5);
      const more = random.chance(0.5) ? {} : { wordOrder: random.of(...wordOrders) };
      signals[name] = { ...common, kind: 'text', from: { ...from, type: 'string', registers: length, ...more } };
    } else {
      const type = random.of(...types);
      length = type === 'string' ? 1 : sizes[type];
      const isByte = type === 'uint8' || type === 'int8';
      const order = length === 4 && random.chance(0.5) ? random.of(...longOrders) : random.of(...wordOrders);
      const lowest = random.below(16);
      const source: ModbusSource = {
        ...from,
        type,
        ...(isByte ? { byte: random.of('low', 'high') } : random.chance(0.5) ? { wordOrder: order } : {}),
        ...(type === 'uint16' && random.chance(0.5) ? { bits: [lowest, lowest + random.below(16 - lowest)] } : {}),
      };
      const gauge = { ...common, kind: 'gauge', deadband: 0, heartbeatS: 60, summarise: true, from: source } as const;
      signals[name] = random.chance(0.3)
        ? {
            ...common,
            kind: 'counter',
            heartbeatS: 60,
            wrapsAt: 2 ** random.of(16, 32, 64),
            maxRatePerS: 1,
            from: source,
          }
        : random.chance(0.3)
          ? { ...gauge, range: [-100, random.of(100, 40_000)], notANumber: [random.below(65_536)] }
          : gauge;
    }
    wire.set(name, { fn: functions[own], address: at, length });
  }
  const modbus = {
    wordOrder: random.of(...wordOrders),
    addressBase,
    notation,
    maxRegistersPerRead: random.of(5, 30, 125, 125),
    maxGapRegisters: random.of(0, 2, 8, 20),
  };
  return { profile: { ...base, modbus, signals }, wire };
}

function randomModel(random: Random): Model {
  const salt = random.below(1 << 30);
  const holes = random.of(0, 0, 0.02, 0.2);
  const limit = random.chance(0.6) ? 125 : 1 + random.below(40);
  const small = random.chance(0.3);
  const hash = (fn: number, address: number): number => {
    let x = Math.imul(address * 4 + fn + 1, 0x9e3779b1) ^ salt;
    x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
    return (x ^ (x >>> 13)) >>> 0;
  };
  return {
    limit,
    ...(random.chance(0.1) ? { border: 1 + random.below(60) } : {}),
    cell(fn, address) {
      const x = hash(fn, address);
      if ((x >>> 16) / 65_536 < holes) return null;
      if (fn <= 2) return x & 1;
      // Mostly zeros, and digits, so that numbers of 64 bits, BCD and texts are good now and then.
      return small && x & 0x30_0000 ? 0 : small ? x & 0x7979 : x & 0xffff;
    },
  };
}

/** The value by the profile's words, or why there is none. */
function rightValue(spec: SignalSpec, registers: readonly number[], profileOrder: string): unknown {
  if (!('table' in spec.from)) return null;
  const { type, wordOrder, bits, byte, table } = spec.from;
  if (table === 'coil' || table === 'discrete') return registers[0] === 1;
  const wire = registers.flatMap((register) => [register >> 8, register & 0xff]);
  const order = wordOrder ?? (wire.length === 2 || type === 'string' ? 'ABCD' : profileOrder);
  const bytes = arranged(wire, order);
  if (type === 'string') {
    const end = bytes.indexOf(0);
    const text = String.fromCharCode(...bytes.slice(0, end === -1 ? bytes.length : end)).trim();
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? 'bad:garbage' : text;
  }
  const raw = rawNumber(type, bytes, byte === 'high', bits);
  if (raw === null || (typeof raw === 'number' && !Number.isFinite(raw))) return 'bad:not-a-number';
  if (spec.notANumber.includes(Number(raw))) return 'bad:not-a-number';
  // Comparing whole numbers of any size with others is exact.
  if (spec.range !== undefined && (raw < spec.range[0] || raw > spec.range[1])) return 'bad:out-of-range';
  if (spec.kind === 'counter' && (raw < 0 || raw >= spec.wrapsAt)) return 'bad:out-of-range';
  const isExact = raw <= Number.MAX_SAFE_INTEGER && raw >= -Number.MAX_SAFE_INTEGER;
  return isExact ? Number(raw) : 'bad:not-exact';
}

function arranged(wire: readonly number[], order: string): number[] {
  if (order.length === wire.length) {
    const bytes: number[] = [];
    order.split('').forEach((letter, i) => (bytes[letter.charCodeAt(0) - 65] = wire[i] ?? 0));
    return bytes;
  }
  const words: number[][] = [];
  for (let i = 0; i < wire.length; i += 2) words.push(wire.slice(i, i + 2));
  if (order === 'CDAB' || order === 'DCBA') words.reverse();
  return words.flatMap((word) => (order === 'BADC' || order === 'DCBA' ? word.toReversed() : word));
}

function rawNumber(
  type: Exclude<ModbusType, 'string'>,
  bytes: readonly number[],
  isHigh: boolean,
  bits: readonly [number, number] | undefined,
): bigint | number | null {
  const hex = Buffer.from(bytes).toString('hex');
  const whole = BigInt(`0x${hex}`);
  if (type === 'float32') return Buffer.from(bytes).readFloatBE();
  if (type === 'float64') return Buffer.from(bytes).readDoubleBE();
  if (type.startsWith('bcd')) return /^\d+$/.test(hex) ? BigInt(hex) : null;
  if (type === 'uint8' || type === 'int8') {
    const half = (isHigh ? whole >> 8n : whole) & 0xffn;
    return type === 'int8' ? BigInt.asIntN(8, half) : half;
  }
  if (bits !== undefined) return (whole >> BigInt(bits[0])) % (1n << BigInt(bits[1] - bits[0] + 1));
  return type.startsWith('u') ? whole : BigInt.asIntN(bytes.length * 8, whole);
}

test('random profiles on random machines', { timeout: 300_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const random = new Random(seed);
  const count = runs(100_000);
  let goods = 0;
  let bads = 0;
  let refused = 0;
  for (let i = 0; i < count; i += 1) {
    const { profile, wire } = randomCase(random);
    const model = randomModel(random);
    const told = `run ${i} of seed ${seed}`;
    if (i < 2_000) assert.deepEqual(profileProblems(profile), [], told);
    const expected = new Map<string, unknown>();
    for (const [signal, { fn, address, length }] of wire) {
      const spec = profile.signals[signal] ?? assert.fail(told);
      const alone = answer(model, { unit: 1, fn: fn as 1 | 2 | 3 | 4, address, count: length });
      const registers = Array.from({ length }, (_, k) => model.cell(fn, address + k) ?? 0);
      const value = rightValue(spec, registers, profile.modbus?.wordOrder ?? 'ABCD');
      expected.set(signal, alone.kind === 'exception' ? `bad:modbus-exception-${alone.code}` : value);
    }
    const watched = watch(t, profile, (request) => answer(model, request));
    const search = await watched.cycles(1);
    // Each refusal is a half, a span alone or a confirmation, and none is asked twice.
    if (search.length > 6 * wire.size + 2) assert.fail(`${told}: ${search.length} requests for ${wire.size} signals`);
    const isReadable = [...expected.values()].some((value) => !String(value).startsWith('bad:modbus'));
    for (const cycle of isReadable ? [1, 2] : [1]) {
      if (cycle === 2) await watched.cycles(1);
      const readings = watched.taken();
      if (readings.length !== wire.size) assert.fail(`${told}: ${readings.length} readings of ${wire.size} signals`);
      for (const reading of readings) {
        const found = reading.quality === 'bad' ? `bad:${reading.reason}` : reading.value;
        if (!Object.is(found, expected.get(reading.signal)) && found !== expected.get(reading.signal)) {
          const spec = JSON.stringify(profile.signals[reading.signal]);
          assert.fail(`${told}: ${spec} is ${String(found)}, not ${String(expected.get(reading.signal))}`);
        }
        if (reading.quality === 'good') goods += 1;
        else if (reading.reason.startsWith('modbus')) refused += 1;
        else bads += 1;
      }
    }
    watched.end();
  }
  assert.ok(goods > count && refused > count / 10 && bads > count / 10, 'each outcome is met often');
  t.diagnostic(`${count} profiles, seed ${seed}: ${goods} good, ${refused} refused, ${bads} disbelieved`);
});
