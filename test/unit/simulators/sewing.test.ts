import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  initialSewing,
  stepSewing,
  type SewingInputs,
  type SewingParameters,
  type SewingState,
  type SewingStop,
} from '../../../simulators/models/sewing.ts';
import { createRandom } from '../../../simulators/random.ts';

const parameters: SewingParameters = {
  speedRpm: [3200, 4200],
  rampRpmPerS: 12_000,
  burstS: [1, 5],
  handlingS: [3, 15],
  burstsPerPiece: [2, 4],
  bobbinStitches: 20_000,
  bobbinStartStitches: 6000,
  serviceStartStitches: 9_000_000,
  stitchLengthMm: 2.5,
  tensionCn: 105,
  presserForceN: 38,
  busVoltageV: 311,
  runCurrentA: 0.85,
  idlePowerW: 11,
  startTempC: -3,
  heatRiseK: 120,
  heatTimeS: 600,
  oilLevel: 80,
};
const free: SewingInputs = { stop: null, oilLow: false, sewNow: false, restart: false, halted: false, hallTempC: 18 };

/** Runs with a stop of one kind now and then, as a random walk through inputs. */
function run(
  seed: number,
  seconds: number,
  dtS: number,
  onStep: (before: SewingState, after: SewingState, inputs: SewingInputs) => void,
): SewingState {
  const random = createRandom(seed, 'test machine');
  const trouble = createRandom(seed, 'test trouble');
  const stops: SewingStop[] = ['thread_break', 'motor_overload', 'bobbin_empty', 'needle_break'];
  let state = initialSewing(parameters, random);
  let stop: SewingStop | null = null;
  for (let t = 0; t < seconds; t += dtS) {
    if (trouble() < 0.02 * dtS) stop = stops[Math.floor(trouble() * stops.length)] ?? null;
    else if (trouble() < 0.15 * dtS) stop = null;
    const inputs: SewingInputs = { ...free, stop, restart: trouble() < 0.005 * dtS };
    const after = stepSewing(parameters, state, inputs, dtS, random);
    onStep(state, after, inputs);
    state = after;
  }
  return state;
}

const seeds = fc.integer({ min: 0, max: 0xffff_ffff });
const steps = fc.constantFrom(0.02, 0.05, 0.25);

test('W1 stitches are the integral of the shaft speed', () => {
  fc.assert(
    fc.property(seeds, steps, (seed, dtS) => {
      let integral = 0;
      const end = run(seed, 90, dtS, (a, b) => (integral += ((a.speedRpm + b.speedRpm) / 2 / 60) * dtS));
      assert.ok(Math.abs(end.stitches - integral) < 1e-6);
    }),
    { numRuns: 20 },
  );
});

test('W2 speed stays in its bounds and follows its ramp', () => {
  fc.assert(
    fc.property(seeds, steps, (seed, dtS) => {
      run(seed, 90, dtS, (a, b, inputs) => {
        assert.ok(b.speedRpm >= 0 && b.speedRpm <= parameters.speedRpm[1]);
        assert.ok(b.speedRpm - a.speedRpm <= parameters.rampRpmPerS * dtS + 1e-9, 'runs up no faster than the servo');
        if (inputs.stop === null && b.phase === 'slowing')
          assert.ok(a.speedRpm - b.speedRpm <= parameters.rampRpmPerS * dtS + 1e-9);
      });
    }),
    { numRuns: 20 },
  );
});

test('W3 W4 nothing that counts ever falls, and energy is idle power and voltage times current over time', () => {
  fc.assert(
    fc.property(seeds, steps, (seed, dtS) => {
      let energyWh = 0;
      const end = run(seed, 90, dtS, (a, b) => {
        assert.ok(b.stitches >= a.stitches && b.trims >= a.trims && b.pieces >= a.pieces && b.energyWh > a.energyWh);
        energyWh += ((parameters.idlePowerW + b.busVoltageV * b.currentA) * dtS) / 3600;
      });
      assert.ok(Math.abs(end.energyWh - energyWh) < 1e-9);
    }),
    { numRuns: 20 },
  );
});

test('W5 stopped by a fault the shaft comes to rest within half a second; halted it rests at once and energy stands', () => {
  fc.assert(
    fc.property(
      seeds,
      fc.integer({ min: 20, max: 1200 }),
      fc.constantFrom<SewingStop>('thread_break', 'motor_overload', 'needle_break'),
      (seed, n, stop) => {
        const random = createRandom(seed, 'test machine');
        let state = initialSewing(parameters, random);
        for (let i = 0; i < n; i += 1) state = stepSewing(parameters, state, free, 0.05, random);
        let stopped = state;
        for (let i = 0; i < 10; i += 1) stopped = stepSewing(parameters, stopped, { ...free, stop }, 0.05, random);
        const later = stepSewing(parameters, stopped, { ...free, stop }, 0.05, random);
        assert.equal(stopped.speedRpm, 0);
        assert.equal(later.stitches, stopped.stitches);
        const halted = stepSewing(parameters, state, { ...free, halted: true }, 0.05, random);
        assert.equal(halted.speedRpm, 0);
        assert.equal(halted.stitches, state.stitches);
        assert.equal(halted.energyWh, state.energyWh);
      },
    ),
    { numRuns: 40 },
  );
});

test('W6 a piece ends with a trim', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const end = run(seed, 200, 0.05, (a, b) => {
        if (b.pieces > a.pieces) assert.equal(b.trims, a.trims + 1);
      });
      assert.ok(end.pieces * parameters.burstsPerPiece[0] <= end.trims);
      assert.ok((end.pieces + 1) * parameters.burstsPerPiece[1] >= end.trims);
    }),
    { numRuns: 10 },
  );
});

test('bursts last 1 to 5 s and the hands take longer: the needle runs about a fifth of the time', () => {
  const random = createRandom(11, 'duty');
  let state = initialSewing(parameters, random);
  let runningS = 0;
  let burstS = 0;
  const bursts: number[] = [];
  for (let i = 0; i < 36_000; i += 1) {
    const before = state;
    state = stepSewing(parameters, state, free, 0.05, random);
    if (state.speedRpm > 0) {
      runningS += 0.05;
      burstS += 0.05;
    } else if (before.speedRpm > 0) {
      bursts.push(burstS);
      burstS = 0;
    }
  }
  // Slowing down and trimming come on top of the sewing itself.
  assert.ok(Math.min(...bursts) >= 1 && Math.max(...bursts) < 6.2, `${Math.min(...bursts)} … ${Math.max(...bursts)}`);
  assert.ok(runningS / 1800 > 0.18 && runningS / 1800 < 0.38, String(runningS / 1800));
});

test('an overload blocks the motor: current far above running, then none', () => {
  const random = createRandom(2, 'overload');
  let state = initialSewing(parameters, random);
  while (state.phase !== 'sewing') state = stepSewing(parameters, state, free, 0.05, random);
  state = stepSewing(parameters, state, { ...free, stop: 'motor_overload' }, 0.05, random);
  assert.ok(state.currentA > 4);
  for (let i = 0; i < 10; i += 1)
    state = stepSewing(parameters, state, { ...free, stop: 'motor_overload' }, 0.05, random);
  assert.ok(state.currentA < 0.2);
});

test('the operator changes the bobbin in time; only the fault empties it', () => {
  const random = createRandom(5, 'bobbin');
  let state = initialSewing(parameters, random);
  let least = Number.POSITIVE_INFINITY;
  let changes = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const before = state.bobbinLeft;
    state = stepSewing(parameters, state, free, 0.05, random);
    least = Math.min(least, state.bobbinLeft);
    if (state.bobbinLeft > before) changes += 1;
  }
  assert.ok(least > 0.2 * parameters.bobbinStitches, String(least));
  assert.ok(changes >= 2, String(changes));
  assert.equal(stepSewing(parameters, state, { ...free, stop: 'bobbin_empty' }, 0.05, random).bobbinLeft, 0);
});

test('a vibration sensor never stands still for a second, running or not', () => {
  const random = createRandom(9, 'vibration');
  let state = initialSewing(parameters, random);
  let same = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const before = state.vibrationMmS.toFixed(2);
    state = stepSewing(parameters, state, free, 0.25, random);
    same = state.vibrationMmS.toFixed(2) === before ? same + 1 : 0;
    assert.ok(same <= 5, `${same} equal lines`);
  }
});
