import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findMark, type MarkWatch, noWatch, withMark } from '../../../models/vision/index-mark.ts';
import { tubeGeometrySchema } from '../../../models/vision/position.ts';
import { noMarks, withPulse } from '../../../models/vision/turns.ts';

const width = 300;

/** A dark ring with light stretches. */
function ring(...marks: readonly (readonly [from: number, to: number])[]) {
  const pixels = new Uint8Array(width * 12);
  for (let i = 0; i < pixels.length; i += 1) {
    const x = (i % width) + 0.5;
    pixels[i] = marks.some(([from, to]) => x > from && x < to) ? 200 : 40 + (i % 7);
  }
  return { width, height: 12, pixels };
}

test('a mark is found at its middle', () => {
  assert.ok(Math.abs((findMark(ring([100, 106]), 0, 12) ?? 0) - 103) < 0.1);
  assert.ok(Math.abs((findMark(ring([101, 106]), 0, 12) ?? 0) - 103.5) < 0.1);
});

test('no mark, one at the edge, two, and a lit ring are none', () => {
  assert.equal(findMark(ring(), 0, 12), null);
  assert.equal(findMark(ring([-3, 4]), 0, 12), null);
  assert.equal(findMark(ring([295, 310]), 0, 12), null);
  assert.equal(findMark(ring([100, 106], [120, 126]), 0, 12), null);
  assert.equal(findMark(ring([50, 250]), 0, 12), null);
});

const geometryOf = (direction: 1 | -1, columns: 1 | -1) =>
  tubeGeometrySchema.parse({
    needles: 2000,
    feeders: 60,
    circumferenceMm: 1500,
    mmPerPx: 0.2,
    referenceColumnPx: 150,
    referenceRowPx: 100,
    direction,
    columns,
    zeroNeedle: 1,
    zeroError: 0,
    advanceMm: 50,
  });

test('wherever in the view the mark is seen, the pulse is when it passes the reference column', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, -1 as const),
      fc.constantFrom(1 as const, -1 as const),
      fc.double({ min: 1500, max: 6000, noNaN: true }),
      fc.array(fc.double({ min: -120, max: 120, noNaN: true }), { minLength: 2, maxLength: 8 }),
      (direction, columns, revolutionMs, offsPx) => {
        const geometry = geometryOf(direction, columns);
        // Needles that rise and numbers that rise to the right: the cloth goes to the left, by 1500 mm a revolution.
        const perMs = (-direction * columns * 1500) / 0.2 / revolutionMs;
        let watch: MarkWatch = noWatch;
        offsPx.forEach((offPx, n) => {
          watch = withMark(watch, n * revolutionMs + offPx / perMs, 150 + offPx, geometry, 1000);
        });
        const { marks } = watch.index;
        assert.equal(marks.length, offsPx.length);
        marks.forEach(({ timeMs, turn }, n) => {
          assert.equal(turn, n);
          assert.ok(Math.abs(timeMs - n * revolutionMs) < 1e-6);
        });
      },
    ),
  );
});

test('two frames of one pass are one pulse, and one pass alone is none', () => {
  const geometry = geometryOf(1, 1);
  let watch = withMark(noWatch, 0, 180, geometry, 1000);
  watch = withMark(watch, 5, 155, geometry, 1000);
  assert.equal(watch.index.marks.length, 0);
  watch = withMark(watch, 2000, 180, geometry, 1000);
  watch = withMark(watch, 2005, 155, geometry, 1000);
  assert.deepEqual(
    watch.index.marks.map(({ turn }) => turn),
    [0, 1],
  );
});

test('after a stand-still two passes are needed again, and turns go on being counted', () => {
  const geometry = geometryOf(1, 1);
  let watch: MarkWatch = noWatch;
  for (const timeMs of [0, 2000, 4000, 90_000]) watch = withMark(watch, timeMs, 150, geometry, 1000);
  assert.deepEqual([watch.index.marks.length, watch.index.breaks], [1, 1]);
  watch = withMark(watch, 93_000, 150, geometry, 1000);
  assert.deepEqual(
    watch.index.marks.map(({ timeMs, turn }) => [timeMs, turn]),
    [
      [90_000, 3],
      [93_000, 4],
    ],
  );
});

test('a mark missed in a revolution is bridged where the time fits, and only for a source that may miss', () => {
  const bridged = [0, 2000, 4000, 8010, 10_010].reduce((m, t) => withPulse(m, t, 1000, true), noMarks);
  assert.deepEqual(
    bridged.marks.map(({ turn }) => turn),
    [0, 1, 2, 4, 5],
  );
  assert.equal(bridged.lost, 1);
  const unsure = [0, 2000, 4000, 8200].reduce((m, t) => withPulse(m, t, 1000, true), noMarks);
  assert.deepEqual(
    unsure.marks.map(({ turn }) => turn),
    [4],
  );
  const strict = [0, 2000, 4000, 8010].reduce((m, t) => withPulse(m, t, 1000), noMarks);
  assert.deepEqual(
    strict.marks.map(({ turn }) => turn),
    [4],
  );
});
