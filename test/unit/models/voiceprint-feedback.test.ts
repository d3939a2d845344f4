import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mostMove, moveOf, type Label } from '../../../models/voiceprint/feedback.ts';

const print = { threshold: 5, spread: 0.5 };
const label = fc.record({
  occurrence: fc.uuid(),
  said: fc.constantFrom('false-alarm' as const, 'real' as const),
  score: fc.double({ min: 0, max: 20, noNaN: true }),
});
const falseAlarm = (score: number): Label => ({ occurrence: `f${score}`, said: 'false-alarm', score });
const real = (score: number): Label => ({ occurrence: `r${score}`, said: 'real', score });

test('a false alarm moves the threshold to its own score', () => {
  assert.equal(moveOf([falseAlarm(5.8)], print), 5.8 - 5);
});

test('F1: all labels together move it by at most three spreads', () => {
  fc.assert(
    fc.property(fc.array(label), (labels) => {
      assert.ok(Math.abs(moveOf(labels, print)) <= mostMove * print.spread + 1e-9);
    }),
  );
  assert.equal(moveOf([falseAlarm(100)], print), 1.5);
});

test('F2: no false alarm moves it above a labelled real fault', () => {
  fc.assert(
    fc.property(fc.array(label), fc.double({ min: 5.01, max: 20, noNaN: true }), (labels, score) => {
      assert.ok(print.threshold + moveOf([...labels, real(score)], print) <= score);
    }),
  );
  assert.equal(moveOf([falseAlarm(6.4), real(6)], print), 0.5, 'a spread below the fault');
});

test('F3: the order is of no matter, and a label that is taken back takes its move with it', () => {
  fc.assert(
    fc.property(fc.array(label), (labels) => {
      assert.equal(moveOf(labels, print), moveOf(labels.toReversed(), print));
    }),
  );
  assert.equal(moveOf([], print), 0);
  assert.equal(moveOf([real(9)], print), 0, 'a fault that was told anyway moves nothing');
});
