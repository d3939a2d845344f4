import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  labelMargin,
  mostMove,
  moveOf,
  movedThreshold,
  spreadsOf,
  type Label,
} from '../../../models/voiceprint/feedback.ts';

/** Nothing that was told lies lower: the threshold itself is never lower than that. */
const spreads = fc.double({ min: -mostMove, max: 40, noNaN: true });
const label = fc.record({ said: fc.constantFrom('false-alarm' as const, 'real' as const), spreads });
const labels = fc.array(label, { maxLength: 12 });
const falseAlarm = (lay: number): Label => ({ said: 'false-alarm', spreads: lay });
const real = (lay: number): Label => ({ said: 'real', spreads: lay });

test('a false alarm moves the threshold a spread above itself, a real fault that was hardly told a spread below', () => {
  assert.equal(moveOf([falseAlarm(0.5)]), 1.5);
  assert.equal(moveOf([real(0.25)]), -0.75);
  assert.equal(moveOf([real(9)]), 0, 'a fault that was told anyway moves nothing');
});

test('F1: all labels together move it by at most three spreads', () => {
  fc.assert(fc.property(labels, (said) => assert.ok(Math.abs(moveOf(said)) <= mostMove)));
  assert.equal(moveOf([falseAlarm(100)]), mostMove);
  assert.equal(moveOf([real(-mostMove)]), -mostMove);
});

test('F2: no false alarm moves it above a labelled real fault, and one that is not at the bound is told again', () => {
  fc.assert(
    fc.property(labels, spreads, (said, lay) => {
      const moved = moveOf([...said, real(lay)]);
      assert.ok(moved <= lay);
      if (lay - labelMargin >= -mostMove) assert.ok(lay - moved >= labelMargin - 1e-9);
    }),
  );
  assert.equal(moveOf([falseAlarm(2), real(1.5)]), 0.5);
});

test('F3: the order is of no matter, and a label that is taken back takes its move with it', () => {
  fc.assert(
    fc.property(labels, label, fc.nat(), (said, one, at) => {
      assert.equal(moveOf(said), moveOf(said.toReversed()));
      const place = at % (said.length + 1);
      const more = said.toSpliced(place, 0, one);
      assert.equal(moveOf(more.toSpliced(place, 1)), moveOf(said));
    }),
  );
  assert.equal(moveOf([]), 0);
});

test('F4: a false alarm more never lowers the threshold, a real fault more never raises it', () => {
  fc.assert(
    fc.property(labels, spreads, (said, lay) => {
      assert.ok(moveOf([...said, falseAlarm(lay)]) >= moveOf(said));
      assert.ok(moveOf([...said, real(lay)]) <= moveOf(said));
    }),
  );
});

test('F2: whatever was told lies no lower than the threshold it was told by, so no label is below the bound', () => {
  const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  fc.assert(
    fc.property(number(-mostMove, mostMove), number(-5, 30), number(0.01, 3), (moved, score, spread) => {
      const threshold = movedThreshold({ threshold: 5, spread }, moved);
      const lay = spreadsOf({ score, threshold, spread, moved });
      assert.ok(lay >= moved);
      if (score >= threshold) assert.ok(Math.abs(5 + lay * spread - score) < 1e-6);
    }),
  );
});
