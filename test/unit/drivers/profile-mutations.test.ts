/**
 * The shipped profiles are right to the bit, and a profile with one thing wrong shows: every signal of a simulated machine is
 * read with the profile over a shift with all its faults, in model time, first as it ships, then with one address, bit, scale,
 * sign or word order changed. The machine is encoded by hand, so what is shown is the truth.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Value } from '../../../drivers/contract.ts';
import type { Decoded } from '../../../drivers/decoded.ts';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile, SignalSpec } from '../../../drivers/profiles/schema.ts';
import { lineDecoder } from '../../../drivers/serial/line.ts';
import { createFloorModel } from '../../../simulators/floor/model.ts';
import { encodeRetrofitLine } from '../../../simulators/maps/retrofit-csv.ts';
import { encodeSewingRef } from '../../../simulators/maps/sewing-ref.ts';
import { encodeSilverstar, silverstarFirstAddress } from '../../../simulators/maps/sewing-silverstar.ts';
import { loadScenario, scenarioFile } from '../../../simulators/scenario/load.ts';

type Values = ReadonlyMap<string, Value>;

/** Everything the machines with this map showed, four times a second for 90 s. */
function shift(map: string): Values[] {
  const loaded = loadScenario(scenarioFile('demo'));
  assert.ok(loaded.ok);
  const model = createFloorModel(loaded.scenario, 3);
  const shown: Values[] = [];
  for (let ms = 0; ms < 90_000; ms += 250) {
    model.step(250);
    for (const machine of model.machines) if (machine.scenario.map === map) shown.push(machine.values());
  }
  return shown;
}

/** Reads one machine image with a profile: what is not there is absent. */
type Reader = (values: Values) => ReadonlyMap<string, Decoded>;

function registerReader(profile: Profile, table: string, first: number, encode: (v: Values) => Uint16Array): Reader {
  const items = signalItems(profile);
  return (values) => {
    const words = encode(values);
    const bytes = new Uint8Array(words.length * 2);
    for (const [i, word] of words.entries()) new DataView(bytes.buffer).setUint16(2 * i, word);
    const there = items.filter(
      (item) => item.table === table && item.address >= first && item.address + item.length <= first + words.length,
    );
    return new Map(there.map((item) => [item.signal, item.decode(bytes, item.address - first)]));
  };
}

function lineReader(profile: Profile): Reader {
  assert.ok(profile.line !== undefined);
  const decoder = lineDecoder(profile, profile.line);
  return (values) => {
    const decoded = decoder.decode(encodeRetrofitLine(values).trimEnd());
    return new Map(decoded.kind === 'values' ? decoded.values.map((one) => [one.signal, one.decoded]) : []);
  };
}

const machines = {
  'sewing-modbus-ref': (p: Profile) => registerReader(p, 'input', 0, encodeSewingRef),
  'sewing-modbus-silverstar': (p: Profile) => registerReader(p, 'holding', silverstarFirstAddress, encodeSilverstar),
  'sewing-retrofit-csv': lineReader,
} as const;

/** True when the signal was read as it was shown, every time. */
function agrees(signal: string, shown: readonly Values[], read: Reader): boolean {
  return shown.every((values) => {
    const decoded = read(values).get(signal);
    const truth = values.get(signal);
    if (decoded === undefined || decoded.quality !== 'good') return false;
    return typeof truth === 'number' && typeof decoded.value === 'number'
      ? Math.abs(decoded.value - truth) <= 1e-6 * Math.max(1, Math.abs(truth))
      : decoded.value === truth;
  });
}

type Mutation = (spec: SignalSpec, profile: Profile) => SignalSpec | null;
const withFrom = (spec: SignalSpec, change: object): SignalSpec => ({ ...spec, from: { ...spec.from, ...change } });
const isNumber = (spec: SignalSpec) => spec.kind === 'gauge' || spec.kind === 'counter';
/** Only where raw values reach the sign bit of their type can a sign show: below zero, and in counters that start high. */
function reachesSignBit(map: string, signal: string): boolean {
  const fourDigits = map === 'sewing-modbus-silverstar' && ['piece.count', 'trim.count'].includes(signal);
  return signal === 'motor.temp' || (/\.(total|count|stitches)$/.test(signal) && !fourDigits);
}

const mutations: Readonly<Record<string, Mutation>> = {
  'the next address': (spec) => {
    if ('field' in spec.from) return withFrom(spec, { field: (spec.from.field + 1) % 7 });
    return 'table' in spec.from && spec.from.bit === undefined
      ? withFrom(spec, { address: Number(spec.from.address) + 1 })
      : null;
  },
  'the next bit': (spec) =>
    'table' in spec.from && spec.from.bit !== undefined ? withFrom(spec, { bit: spec.from.bit + 1 }) : null,
  'ten times the scale': (spec) => (isNumber(spec) ? { ...spec, scale: spec.scale * 10 } : null),
  'the other sign': (spec) => {
    if (!('table' in spec.from) || !isNumber(spec)) return null;
    const other = { int16: 'uint16', uint16: 'int16', uint32: 'int32' } as const;
    const { type } = spec.from;
    return type in other ? withFrom(spec, { type: other[type as keyof typeof other] }) : null;
  },
  'the other word order': (spec, profile) => {
    if (!('table' in spec.from) || !['uint32', 'float32'].includes(spec.from.type)) return null;
    return withFrom(spec, { wordOrder: profile.modbus?.wordOrder === 'CDAB' ? 'ABCD' : 'CDAB' });
  },
};

for (const [name, reader] of Object.entries(machines)) {
  describe(name, () => {
    const profile = loadProfile(name, []);
    const shown = shift(name);

    test('as it ships every signal is read as it is shown', () => {
      const read = reader(profile);
      const wrong = Object.keys(profile.signals).filter((signal) => !agrees(signal, shown, read));
      assert.deepEqual(wrong, []);
    });

    for (const [what, mutate] of Object.entries(mutations)) {
      const changes = Object.entries(profile.signals).flatMap(([signal, spec]) => {
        const changed = mutate(spec, profile);
        return changed === null || (what === 'the other sign' && !reachesSignBit(name, signal))
          ? []
          : [{ signal, changed }];
      });
      // A line has no bits and no word order.
      if (changes.length === 0) continue;
      test(`with ${what} each of ${changes.length} signals is read wrongly at least once`, () => {
        for (const { signal, changed } of changes) {
          const read = reader({ ...profile, signals: { ...profile.signals, [signal]: changed } });
          assert.equal(agrees(signal, shown, read), false, `${signal} with ${what} reads the same`);
        }
      });
    }
  });
}
