import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrated, type LineSighting, numberingOf } from '../../../models/vision/calibration.ts';
import { tubeGeometrySchema, type TubeGeometry } from '../../../models/vision/position.ts';
import { Random } from '../drivers/modbus-random.ts';

/** 30 inch, gauge 28: 2639 needles of 0.770 mm; 512 px of 1/9 mm show 73.9 of them. */
const needles = 2639;
const pxPerNeedle = (2033 / 2639) * 9;
const geometry: TubeGeometry = tubeGeometrySchema.parse({
  needles,
  firstNeedle: 1,
  feeders: 96,
  circumferenceMm: 2033,
  mmPerPx: 1 / 9,
  referenceColumnPx: 256,
  referenceRowPx: 256,
  direction: 1,
  columns: 1,
  zeroNeedle: null,
  zeroError: 0,
  advanceMm: 53.3,
});

interface Machine {
  readonly zero: number;
  /** The way numbers pass the middle of the picture, and the way they rise in it. */
  readonly direction: 1 | -1;
  readonly columns: 1 | -1;
}

const wrapped = (off: number) => off - needles * Math.round(off / needles);

/** A needle in the pictures of some revolutions, each at another column, with the errors as they are told. Written out by hand. */
function seen(machine: Machine, needle: number, revolutions: number, random: Random, sdNeedles = 0.3): LineSighting[] {
  const noise = () => (random.below(2001) / 1000 - 1 + random.below(2001) / 1000 - 1) * sdNeedles * 1.22;
  return Array.from({ length: revolutions }, (_, n) => {
    const xPx = 30 + random.below(450);
    // needle = zero + direction · needles · turns + columns · (x − 256) / pxPerNeedle
    const inMiddle = (machine.direction * (needle - machine.zero)) / needles;
    const beside = (machine.direction * machine.columns * (xPx - 256)) / pxPerNeedle / needles;
    const turns = 40 + n + inMiddle - Math.floor(inMiddle) - beside + noise() / needles;
    return {
      turn: { turns, randomSd: sdNeedles / needles, systematicSd: 0.1 / needles, perS: 0.58, isAnchored: true },
      xPx,
      xSdPx: 0.5,
    };
  });
}

test('B1: the zero lies within its bound, and the way the cloth runs is found whatever was said', () => {
  const random = new Random(1);
  let within = 0;
  for (let n = 0; n < 200; n += 1) {
    const machine = {
      zero: 1 + random.below(needles),
      direction: n % 2 === 0 ? 1 : -1,
      columns: 1,
    } as const;
    const needle = 1 + random.below(needles);
    const found = calibrated(geometry, needle, seen(machine, needle, 5, random), 4);
    assert.ok(found.kind === 'zero', JSON.stringify(found));
    assert.equal(found.direction, machine.direction);
    assert.ok(found.zeroError > 0 && found.zeroError < 1.5);
    if (Math.abs(wrapped(found.zeroNeedle - machine.zero)) <= found.zeroError) within += 1;
  }
  assert.ok(within >= 190, `${within} of 200`);
});

test('seen at one column only, the way that was said is taken, and it is told that it is not known', () => {
  const random = new Random(2);
  const machine = { zero: 700, direction: 1, columns: 1 } as const;
  const [one] = seen(machine, 1200, 1, random, 0);
  assert.ok(one !== undefined);
  const same = Array.from({ length: 5 }, (_, n) => ({ ...one, turn: { ...one.turn, turns: one.turn.turns + n } }));
  const found = calibrated(geometry, 1200, same, 4);
  assert.ok(found.kind === 'zero');
  assert.equal(found.direction, null);
  assert.ok(Math.abs(wrapped(found.zeroNeedle - 700)) < 0.2);
});

test('B2: without a line, with lint alone, with two lines and with a line too unsure there is no zero', () => {
  const random = new Random(3);
  const machine = { zero: 700, direction: 1, columns: 1 } as const;
  assert.deepEqual(calibrated(geometry, 1, [], 3), { kind: 'no-line', revolutions: 0 });
  const lint = [100, 600, 900, 1500].flatMap((needle) => seen(machine, needle, 1, random));
  assert.equal(calibrated(geometry, 1, lint, 3).kind, 'no-line');
  const line = seen(machine, 1200, 5, random);
  assert.equal(calibrated(geometry, 1200, [...line, ...lint], 4).kind, 'zero');
  const two = [...line, ...seen(machine, 300, 4, random)];
  assert.deepEqual(calibrated(geometry, 1200, two, 4), { kind: 'several-lines', lines: 2 });
  const unsure = line.map((one) => ({ ...one, turn: { ...one.turn, systematicSd: 8 / needles } }));
  const found = calibrated(geometry, 1200, unsure, 4);
  // 2.58 · 8 = 20.6 needles, and half a feeder's pitch is 13.7.
  assert.deepEqual(found, { kind: 'uncertain', k: 21 });
});

test('a line across the last needle is one line', () => {
  const random = new Random(4);
  for (const zero of [1, 2639, 1320]) {
    for (const needle of [1, 2639]) {
      const found = calibrated(geometry, needle, seen({ zero, direction: 1, columns: 1 }, needle, 6, random), 5);
      assert.ok(found.kind === 'zero' && Math.abs(wrapped(found.zeroNeedle - zero)) < 1.5, JSON.stringify(found));
    }
  }
});

test('a second needle says which way numbers rise in the picture', () => {
  const random = new Random(5);
  for (const columns of [1, -1] as const) {
    for (const direction of [1, -1] as const) {
      const machine = { zero: 812, direction, columns };
      const [first, second] = [120, 1900].map((needle) => {
        const found = calibrated(geometry, needle, seen(machine, needle, 5, random), 4);
        assert.ok(found.kind === 'zero' && found.direction !== null);
        return { needle, zeroNeedle: found.zeroNeedle, direction: found.direction };
      });
      assert.ok(first !== undefined && second !== undefined);
      const numbering = numberingOf(geometry, first, second, 4);
      assert.equal(numbering?.columns, columns);
      assert.equal(numbering?.direction, direction);
      assert.ok(Math.abs(wrapped((numbering?.zeroNeedle ?? 0) - 812)) < 1.5, `${numbering?.zeroNeedle}`);
      assert.equal(numberingOf(geometry, first, { ...second, zeroNeedle: second.zeroNeedle + 50 }, 4), null);
      assert.equal(numberingOf(geometry, first, { ...second, needle: 125 }, 4), null, 'too near');
    }
  }
});
