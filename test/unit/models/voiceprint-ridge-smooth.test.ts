import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { smoothRidge } from '../../../models/voiceprint/ridge-smooth.ts';

const rows = 96;
const turns = 4;
const pulses = Array.from({ length: turns + 1 }, (_, turn) => turn * rows);
const count = turns * rows;

/** A cylinder that is ahead by so much in the middle of each turn. */
const swayed = (needles: number) =>
  Float64Array.from({ length: count }, (_, i) => needles * Math.sin((2 * Math.PI * (i + 0.5)) / rows));

test('S2: the same place at every row is the place, whatever the cylinder does', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -20, max: 40, noNaN: true }),
      fc.double({ min: -4, max: 4, noNaN: true }),
      (place, sway) => {
        const path = swayed(sway);
        const found = smoothRidge({
          at: path.map((ahead) => place + ahead),
          weight: new Float64Array(count).fill(4),
          pulses,
        });
        assert.ok(Math.abs(found.place - place) < 0.3, `${found.place} for ${place}`);
        for (const [i, ahead] of found.ahead.entries()) assert.ok(Math.abs(ahead - (path[i] ?? 0)) < 0.4);
      },
    ),
    { numRuns: 50 },
  );
});

test('S1: where nothing is heard at the pulses the place still comes out, from how a cylinder turns', () => {
  const path = swayed(3);
  const isHeard = (i: number) => i % rows > rows / 4 && i % rows < (3 * rows) / 4;
  const weight = Float64Array.from({ length: count }, (_, i) => (isHeard(i) ? 4 : 0));
  const found = smoothRidge({ at: path.map((ahead) => 10 + ahead), weight, pulses });
  assert.ok(Math.abs(found.place - 10) < 1, String(found.place));
  for (const pulse of pulses.slice(1, -1)) {
    const middle = ((found.ahead[pulse - 1] ?? NaN) + (found.ahead[pulse] ?? NaN)) / 2;
    assert.ok(Math.abs(middle) < 0.2, String(middle));
  }
});

test('a click that lies anywhere moves the path by a small part of that', () => {
  const at = new Float64Array(count).fill(7);
  at[100] = 19;
  const found = smoothRidge({ at, weight: new Float64Array(count).fill(4), pulses });
  assert.ok(Math.abs(found.place - 7) < 0.5);
  assert.ok(Math.abs(found.ahead[100] ?? NaN) < 2);
});

test('nothing heard at all is no place and no path', () => {
  const found = smoothRidge({ at: new Float64Array(count), weight: new Float64Array(count), pulses });
  assert.equal(found.place, 0);
  assert.ok(found.ahead.every((ahead) => Math.abs(ahead) < 1e-9));
});
