import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulses } from '../../../agent/senses/ear/pulses.ts';

function withPulses(...at: readonly number[]): Pulses {
  const pulses = new Pulses();
  for (const one of at) pulses.add(one);
  return pulses;
}

test('L1: marks of a piece reach two seconds beyond it, and are at the rate of the model', () => {
  const pulses = withPulses(1_000, 40_000, 60_000, 80_000, 130_000);
  assert.deepEqual(pulses.marksOf(50_000, 12_288, 24_000), [-20_000, 20_000, 60_000]);
  pulses.clear();
  assert.deepEqual(pulses.marksOf(50_000, 12_288, 24_000), []);
});

test('L2: an even run ends with the last pulse, and begins where one is missing, too many or the speed changes', () => {
  assert.deepEqual(withPulses(0, 100, 200, 300).evenSince(0, 1_000), [0, 100, 200, 300]);
  assert.deepEqual(withPulses(0, 100, 300, 400, 505).evenSince(0, 1_000), [300, 400, 505]);
  assert.deepEqual(withPulses(0, 50, 100, 200, 300).evenSince(0, 1_000), [100, 200, 300]);
  assert.deepEqual(withPulses(0, 100, 200, 300).evenSince(50, 250), [100, 200]);
  assert.deepEqual(withPulses().evenSince(0, 1_000), []);
});

test('L3: of pulses the newest are kept, and no more than twelve thousand', () => {
  const pulses = new Pulses();
  for (let i = 0; i < 50_000; i += 1) pulses.add(i * 10);
  const kept = pulses.evenSince(0, 1_000_000);
  assert.ok(kept.length >= 6_000 && kept.length <= 12_000, String(kept.length));
  assert.equal(kept.at(-1), 499_990);
});
