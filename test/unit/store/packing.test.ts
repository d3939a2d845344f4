import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { packRows, unpackRows, type SignalRow, type StateRow } from '../../../agent/store/packing.ts';
import { bootA, bootB, nowMs } from './making.ts';

const plain = { noNullPrototype: true } as const;
const text = fc.string({ maxLength: 12 });
// SQLite has no −0, and no number that is not finite in these columns.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const value = fc.oneof(number, fc.integer(), fc.constantFrom(2 ** 52, -(2 ** 53), 0.1, 5e-324));
const orNull = fc.option(value);
const head = {
  minuteMs: fc.integer({ min: 0, max: 59 }).map((minute) => nowMs + minute * 60_000),
  machine: fc.constant('ls-1'),
  readingBoot: fc.constantFrom(bootA, bootB),
  segment: fc.nat(3),
  revision: fc.integer({ min: 1, max: 9 }),
  boot: fc.constantFrom(bootA, bootB),
  n: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  atMs: fc.integer({ min: -nowMs, max: nowMs * 2 }),
};
const signalRow: fc.Arbitrary<SignalRow> = fc.record(
  {
    ...head,
    signal: fc.constantFrom('stitches', 'spindle.speed', 'motor.temp'),
    samples: fc.nat(),
    good: fc.nat(),
    sum: value,
    integral: value,
    coveredS: value,
    min: orNull,
    max: orNull,
    first: orNull,
    last: orNull,
    delta: orNull,
    uncertainty: orNull,
    from: orNull,
    to: orNull,
    fromMs: orNull,
    toMs: orNull,
    wraps: orNull,
    resets: orNull,
  },
  plain,
);
const stateRow: fc.Arbitrary<StateRow> = fc.record({ ...head, seconds: text, causes: text }, plain);
const rows = fc.record({
  signals: fc.array(signalRow, { maxLength: 40 }),
  states: fc.array(stateRow, { maxLength: 10 }),
});

/** Rows of a signal stay in their order; the order of signals does not count. */
const bySignal = (signals: readonly SignalRow[]) =>
  signals.toSorted((a, b) => (a.signal < b.signal ? -1 : Number(a.signal > b.signal)));

test('M1: what is unpacked equals what was packed, all of it or one signal', () => {
  fc.assert(
    fc.property(rows, ({ signals, states }) => {
      const bytes = packRows({ signals, states });
      const all = unpackRows(bytes);
      assert.deepEqual(bySignal(all?.signals ?? []), bySignal(signals));
      assert.deepEqual(all?.states, states);
      const one = unpackRows(bytes, 'stitches');
      assert.deepEqual(one, { signals: signals.filter((row) => row.signal === 'stitches'), states: [] });
    }),
  );
});

test('M2: damaged bytes are no rows or the same rows, never others', () => {
  fc.assert(
    fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 255 }), (packed, place, flip) => {
      const bytes = packRows(packed);
      const damaged = Buffer.from(bytes);
      const at = place % damaged.length;
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      const [read, sound] = [unpackRows(damaged), unpackRows(bytes)];
      if (read === null) return;
      const known = new Set([...(sound?.signals ?? []), ...(sound?.states ?? [])].map((row) => JSON.stringify(row)));
      for (const row of [...read.signals, ...read.states]) assert.ok(known.has(JSON.stringify(row)));
    }),
  );
  for (const nonsense of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(100, 255), Buffer.from('{}{}{}')]) {
    assert.equal(unpackRows(nonsense), null);
  }
});
