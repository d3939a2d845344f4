/** What the curves of the page have in common: their axes and what these span. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curveOptions, lineOf, rangeWith, wideRange, type CurveLook } from '../../../agent/web/plot-options.ts';

let dark = false;
const colour = (name: string) => `${name} ${dark ? 'dark' : 'light'}`;
const look: CurveLook = {
  widthPx: 300,
  heightPx: 96,
  fontPx: 11,
  paddingPx: [6, 4],
  colour,
  times: { sizePx: 22, spacePx: 70, text: (ms) => `at ${ms}` },
  values: { sizePx: 46, spacePx: 28, text: (value) => `${value} °C` },
};

test('a flat line lies in the middle, and what is never negative does not look so', () => {
  assert.deepEqual(wideRange(null, null), [0, 1]);
  assert.deepEqual(wideRange(100, 100), [98, 102]);
  assert.deepEqual(wideRange(0.1, 0.2), [0, 0.7]);
  assert.deepEqual(wideRange(-10, 10), [-12, 12]);
});

test('a limit is always to be seen, and nothing lies on the frame', () => {
  assert.deepEqual(rangeWith(90, 40, 60), [35, 95]);
  assert.deepEqual(rangeWith(10, 40, 60), [5, 65]);
  assert.deepEqual(rangeWith(null, 40, 60), [38, 62]);
  assert.deepEqual(rangeWith(5, null, null), [4.5, 5.5]);
  assert.deepEqual(rangeWith(null, null, null), [-0.5, 1.5]);
});

test('its axes write times of UTC ms and values; without words for a time the zone of the plot has them', () => {
  const ticks = [1, 2];
  const told = (axis: NonNullable<ReturnType<typeof curveOptions>['axes']>[number] | undefined) =>
    typeof axis?.values === 'function' ? Reflect.apply(axis.values, null, [null, ticks, 0, 0, 0]) : null;
  const [x, y] = curveOptions(look).axes ?? [];
  assert.deepEqual(told(x), ['at 1000', 'at 2000']);
  assert.deepEqual(told(y), ['1 °C', '2 °C']);
  const [bare] = curveOptions({ ...look, times: { sizePx: 34, spacePx: 70 } }).axes ?? [];
  assert.equal(told(bare), null);
});

test('a box that is narrow, or not laid out yet, has a curve of a width that can be drawn', () => {
  assert.equal(curveOptions({ ...look, widthPx: 0 }).width, 120);
  assert.equal(curveOptions(look).width, 300);
});

test('colours are asked for when it is drawn, so that a dark page has dark ones', () => {
  const { stroke, spanGaps } = lineOf(colour);
  const drawn = () => (typeof stroke === 'function' ? Reflect.apply(stroke, null, [null, 1]) : stroke);
  assert.equal(drawn(), '--curve light');
  dark = true;
  assert.equal(drawn(), '--curve dark');
  dark = false;
  assert.equal(spanGaps, false);
});
