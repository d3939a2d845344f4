import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  fabricLengthMm,
  initialKnitting,
  stepKnitting,
  type KnittingInputs,
  type KnittingParameters,
} from '../../../simulators/models/knitting.ts';
import { createRandom } from '../../../simulators/random.ts';

const parameters: KnittingParameters = {
  diameterInch: 30,
  gauge: 28,
  feeders: 96,
  coursesPerCm: 18,
  speedRpm: 27,
  rampRpmPerS: 6,
  brakeRpmPerS: 18,
  revolutionsPerRoll: 20,
  rollStartRevolutions: 0,
  doffS: 5,
  yarnTensionCn: 4.6,
  idlePowerW: 310,
  runPowerW: 2650,
  startTempC: 24,
  heatRiseK: 26,
  heatTimeS: 1800,
  oilLevel: 78,
};
const free: KnittingInputs = { stop: null, restart: false, halted: false, hallTempC: 20 };

// The figures are those of the trade's own examples, worked out by hand: fabric a revolution, fabric a minute.
for (const [name, machine, advanceMm, fabricM] of [
  [
    '30" E28 96 feeders at 35 1/min',
    { diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18, speedRpm: 35 },
    53.3,
    1.87,
  ],
  [
    '34" E24 102 feeders at 28 1/min',
    { diameterInch: 34, gauge: 24, feeders: 102, coursesPerCm: 16, speedRpm: 28 },
    63.8,
    1.79,
  ],
] as const) {
  test(`a minute of knitting makes the fabric of ${name}`, () => {
    const p: KnittingParameters = { ...parameters, ...machine, revolutionsPerRoll: 10_000 };
    let state = initialKnitting(p);
    for (let i = 0; i < 1200; i += 1) state = stepKnitting(p, state, free, 0.05, createRandom(1, 'knit'));
    assert.ok(Math.abs(state.revolutions - machine.speedRpm) < 0.01, `${state.revolutions} revolutions`);
    assert.ok(Math.abs(fabricLengthMm(p, state) / state.revolutions - advanceMm) < 0.06);
    assert.ok(Math.abs(fabricLengthMm(p, state) / 1000 - fabricM) < 0.006);
  });
}

test('K1 K2 K3 revolutions integrate speed, fabric follows revolutions, nothing falls', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.constantFrom(0.05, 0.25), (seed, dtS) => {
      const random = createRandom(seed, 'knit');
      const trouble = createRandom(seed, 'trouble');
      let state = initialKnitting(parameters);
      let revolutions = 0;
      let energyWh = 0;
      let stopped = false;
      for (let t = 0; t < 120; t += dtS) {
        if (trouble() < 0.1 * dtS) stopped = !stopped;
        const next = stepKnitting(parameters, state, { ...free, stop: stopped ? 'yarn_break' : null }, dtS, random);
        revolutions += ((state.speedRpm + next.speedRpm) / 2 / 60) * dtS;
        energyWh += (next.powerW * dtS) / 3600;
        assert.ok(next.speedRpm >= 0 && next.speedRpm <= parameters.speedRpm);
        assert.ok(next.speedRpm - state.speedRpm <= parameters.rampRpmPerS * dtS + 1e-9);
        assert.ok(state.speedRpm - next.speedRpm <= parameters.brakeRpmPerS * dtS + 1e-9);
        assert.ok(
          next.revolutions >= state.revolutions && next.rolls >= state.rolls && next.energyWh >= state.energyWh,
        );
        state = next;
      }
      assert.ok(Math.abs(state.revolutions - revolutions) < 1e-6);
      assert.ok(Math.abs(state.energyWh - energyWh) < 1e-9);
      assert.ok(Math.abs(fabricLengthMm(parameters, state) - revolutions * (960 / 18)) < 1e-3);
      const made = state.rolls * parameters.revolutionsPerRoll + state.rollRevolutions;
      assert.ok(Math.abs(made - revolutions) < 1e-6, 'every revolution is on a roll');
    }),
    { numRuns: 20 },
  );
});

test('K4 a yarn break brings the cylinder to rest within two seconds; a halt stops revolutions and energy at once', () => {
  const random = createRandom(4, 'knit');
  let state = initialKnitting(parameters);
  for (let i = 0; i < 100; i += 1) state = stepKnitting(parameters, state, free, 0.05, random);
  const halted = stepKnitting(parameters, state, { ...free, halted: true }, 0.05, random);
  assert.deepEqual([halted.speedRpm, halted.revolutions, halted.energyWh], [0, state.revolutions, state.energyWh]);
  for (let i = 0; i < 40; i += 1)
    state = stepKnitting(parameters, state, { ...free, stop: 'yarn_break' }, 0.05, random);
  assert.equal(state.speedRpm, 0);
  const later = stepKnitting(parameters, state, { ...free, stop: 'yarn_break' }, 0.05, random);
  assert.equal(later.revolutions, state.revolutions);
  assert.ok(state.yarnTensionCn < 0.5, 'a broken yarn carries no tension');
});

test('a full roll is taken off by hand, and knitting goes on by itself', () => {
  const random = createRandom(6, 'roll');
  let state = initialKnitting({ ...parameters, rollStartRevolutions: 19 });
  const phases = new Set<string>();
  for (let i = 0; i < 1000; i += 1) {
    state = stepKnitting(parameters, state, free, 0.05, random);
    phases.add(state.phase);
  }
  assert.deepEqual([...phases], ['knitting', 'doffing']);
  assert.equal(state.phase, 'knitting');
  assert.ok(state.rolls >= 1);
});
