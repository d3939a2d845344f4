import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bindings, createWeave, drawWeave, warpOnTop } from '../../../../simulators/cloth/weave.ts';
import type { View } from '../../../../simulators/cloth/view.ts';

test('the same weave and view give the same sheet', () => {
  const make = () =>
    createWeave({
      seed: 2,
      binding: bindings.twill,
      endsPerCm: 20,
      picksPerCm: 18,
      pxPerMm: 10,
      warpTone: 0.6,
      weftTone: 0.7,
      cover: 0.93,
      unevenness: 1,
      lensMm: 0.04,
    });
  const view: View = { widthPx: 120, heightPx: 80, pxPerMm: 10, xMm: 300, yMm: 200, turnRad: 0 };
  const [one, two] = [new Float32Array(120 * 80), new Float32Array(120 * 80)];
  drawWeave(make(), view, [], one);
  const other = make();
  drawWeave(other, { ...view, xMm: 900 }, [{ kind: 'broken_end', end: 1800, fromPick: 0, toPick: 9000 }], two);
  assert.notDeepEqual(two, one);
  drawWeave(other, view, [], two);
  assert.deepEqual(two, one);
  assert.ok(one.every((value) => value >= 0 && value <= 1.2));
});

test('plain: every end passes over one pick and under the next; twill: over two, under two, a step further with each end', () => {
  fc.assert(
    fc.property(fc.integer({ min: -999, max: 9999 }), fc.integer({ min: -999, max: 9999 }), (end, pick) => {
      const plain = (e: number, p: number) => warpOnTop(bindings.plain, e, p);
      assert.notEqual(plain(end, pick), plain(end, pick + 1));
      assert.notEqual(plain(end, pick), plain(end + 1, pick));
      const twill = (e: number, p: number) => warpOnTop(bindings.twill, e, p);
      assert.equal([0, 1, 2, 3].filter((k) => twill(end, pick + k)).length, 2);
      assert.equal(twill(end, pick), twill(end + 1, pick + 1));
      assert.notEqual(twill(end, pick), twill(end, pick + 2));
    }),
  );
});
