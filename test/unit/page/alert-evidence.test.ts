import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { curveOf } from '../../../agent/web/alert-evidence.ts';

const at = 1_700_000_000_000;
const alert = (evidence: Record<string, string | number | null>, signal: string | null = 'motor.temp') => ({
  signal,
  evidence,
  onsetMs: at,
  raisedMs: at + 5_000,
  clearedMs: null,
});

test('an alert that was judged against a limit has a curve with that limit, from before it began', () => {
  const curve = curveOf(alert({ value: 91.2, limit: 85 }), at + 60_000);
  assert.deepEqual(curve, {
    signal: 'motor.temp',
    limit: 85,
    fromMs: at - 600_000,
    toMs: at + 60_000,
    onsetMs: at,
    raisedMs: at + 5_000,
  });
});

test('what was judged by its rate, or by standing still, has a curve and no line; a code or silence has none', () => {
  assert.equal(curveOf(alert({ value: 4, perS: 0.2, limit: 0.1 }), at)?.limit, null);
  assert.equal(curveOf(alert({ value: 4, forS: 600 }), at)?.limit, null);
  assert.equal(curveOf(alert({ code: '11' }), at), null);
  assert.equal(curveOf(alert({ afterS: 30, reason: 'timeout' }, null), at), null);
});

test('a curve never reaches past now, and holds the moment of the alert where now is after it', () => {
  fc.assert(
    fc.property(fc.nat({ max: 86_400_000 }), fc.option(fc.nat({ max: 86_400_000 })), (agoMs, clearedAfterMs) => {
      const nowMs = at + 5_000 + agoMs;
      const clearedMs = clearedAfterMs === null ? null : at + 5_000 + Math.min(agoMs, clearedAfterMs);
      const curve = curveOf({ ...alert({ value: 1, limit: 2 }), clearedMs }, nowMs);
      assert.ok(curve !== null && curve.fromMs < curve.raisedMs && curve.raisedMs <= curve.toMs && curve.toMs <= nowMs);
    }),
  );
});
