import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WaleMemory, type OddAgain } from '../../../models/vision/wale-memory.ts';

const needles = 600;
const size = 24;
const viewWales = 60;
const as = (values: Float32Array) => values;

/** By hand: looks of a crowd that is standard normal in every part, drawn anew in each half and each revolution. */
function drawn(seed: number) {
  let state = (seed * 2_654_435_761) >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

interface Machine {
  readonly seed: number;
  readonly revolutions: number;
  /** What a wale has beside its noise; `revolution` counts from 0. */
  readonly added?: (needle: number, revolution: number, half: number) => Float32Array | null;
  /** How far off the place of a picture is, needles. */
  readonly off?: (revolution: number) => number;
  readonly gate?: number;
}

/** Everything told, with its needle and revolution. */
function told({ seed, revolutions, added = () => null, off = () => 0, gate = 1.6 }: Machine) {
  const memory = new WaleMemory(needles);
  const normal = drawn(seed);
  const all: (OddAgain & { readonly needle: number; readonly revolution: number })[] = [];
  for (let revolution = 0; revolution < revolutions; revolution += 1) {
    for (let first = 0; first < needles; first += viewWales) {
      const wales = Array.from({ length: viewWales }, (_, i) => {
        const needle = first + i;
        const halves = [0, 1].map((half) => {
          const more = added(needle, revolution, half);
          return Float32Array.from({ length: size }, (__, part) => normal() + (more?.[part] ?? 0));
        });
        const [upper = new Float32Array(size), lower = upper] = halves;
        const values = upper.map((value, part) => (value + (lower[part] ?? 0)) / 2);
        return { at: (needle + off(revolution) + needles) % needles, values, halves: [upper, lower] as const };
      });
      const turns = revolution + first / needles;
      const picture = { turns, alongFromMm: 50 * turns, alongToMm: 50 * turns + 40, wales };
      const odd = memory.add(picture, as, gate);
      all.push(...odd.map((one) => ({ ...one, needle: first + one.index, revolution })));
    }
  }
  return all;
}

const worn = Float32Array.from({ length: size }, (_, part) => (part % 3 === 0 ? 3.5 : -1));

test('M1: a needle that wears out is told in the second revolution that shows it, with the cloth of both', () => {
  const all = told({ seed: 7, revolutions: 6, added: (needle, rev) => (needle === 233 && rev >= 4 ? worn : null) });
  assert.deepEqual(
    all.map(({ needle, revolution }) => [needle, revolution]),
    [[233, 5]],
  );
  assert.ok((all[0]?.oddness ?? 0) >= 1);
  // Needle 233 is in the fourth picture of revolution 4, at turn 4.3.
  assert.deepEqual(all[0]?.before, { alongFromMm: 50 * 4.3, alongToMm: 50 * 4.3 + 40 });
});

test('M1: what is off once, however far, and what is off in half of the height, is not told', () => {
  const far = worn.map((value) => 30 * value);
  assert.deepEqual(
    told({ seed: 8, revolutions: 6, added: (needle, rev) => (needle === 233 && rev === 4 ? far : null) }),
    [],
  );
  const halved = (needle: number, rev: number, half: number) =>
    needle === 233 && rev >= 4 && half === 0 ? worn : null;
  assert.deepEqual(told({ seed: 9, revolutions: 7, added: halved }), []);
});

test('M2: a needle whose place jumps is found within the gate, and not beyond', () => {
  const machine = {
    seed: 10,
    revolutions: 6,
    added: (needle: number, rev: number) => (needle === 233 && rev >= 4 ? worn : null),
  };
  const off = (revolution: number) => (revolution === 5 ? 6 : 0);
  assert.equal(told({ ...machine, off, gate: 8 }).length, 1);
  assert.deepEqual(told({ ...machine, off, gate: 4 }), []);
});

test('M3: needles that differ for good, each a little in its own way, are not told, whatever the machine', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 1, noNaN: true }), (seed, spread) => {
      const own = drawn(seed + 1);
      const offs = Array.from({ length: needles }, () => Float32Array.from({ length: size }, () => spread * own()));
      assert.deepEqual(told({ seed, revolutions: 5, added: (needle) => offs[needle] ?? null }), []);
    }),
    { numRuns: 12 },
  );
});

test('M3: where a stretch of cloth is restless all of its wales are odd, and none is told', () => {
  const normal = drawn(3);
  const unrest = Array.from({ length: needles }, () => Float32Array.from({ length: size }, () => 4 * normal()));
  const added = (needle: number, revolution: number, half: number) => {
    if (needle < 120 || needle >= 180 || revolution < 3) return null;
    return (unrest[(needle * 7 + revolution * 131 + half * 57) % needles] ?? worn).map((value) => value);
  };
  assert.deepEqual(told({ seed: 12, revolutions: 7, added }), []);
});

test('M3: where cloth is restless here and there, what few looks say of it is not taken for the limit', () => {
  for (const seed of [2, 7]) {
    const [own, wide] = [drawn(seed + 900), drawn(seed + 500)];
    const spreads = new Map<number, number>();
    const added = (needle: number, revolution: number) => {
      const look = needle * 10 + revolution;
      const spread = spreads.get(look) ?? Math.sqrt(Math.max(0, Math.exp(0.8 * wide()) - 1));
      spreads.set(look, spread);
      return Float32Array.from({ length: size }, () => spread * own());
    };
    assert.deepEqual(told({ seed, revolutions: 3, added }), []);
  }
});

test('M4: what was seen a revolution and a half ago is forgotten', () => {
  const seen = (needle: number, rev: number) => (needle === 233 && (rev === 3 || rev === 5) ? worn : null);
  assert.deepEqual(told({ seed: 13, revolutions: 7, added: seen }), []);
});
