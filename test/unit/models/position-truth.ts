/**
 * Truth for the tests of position: a machine that turns evenly with its own errors, a camera, a needle. Nothing of it comes from the code
 * that is tested: the true needle in a column is reckoned from time, not from a turn.
 */
import { type TubeGeometry, tubeGeometrySchema } from '../../../models/vision/position.ts';
import {
  type SpeedReading,
  turnFromEncoder,
  turnFromTelemetry,
  unwrapped,
} from '../../../models/vision/counted-turns.ts';
import { noMarks, turnFromIndex, withPulse } from '../../../models/vision/turns.ts';

/** 30 inch, E28, 96 feeders, 18 courses/cm, 13 wales/cm: 2639 needles, 2030 mm round, 53.3 mm a revolution. */
export const geometry: TubeGeometry = tubeGeometrySchema.parse({
  needles: 2639,
  firstNeedle: 1,
  feeders: 96,
  circumferenceMm: 2030,
  mmPerPx: 0.14,
  scaleError: 0.005,
  referenceColumnPx: 256,
  referenceRowPx: 256,
  direction: 1,
  columns: 1,
  newest: 'top',
  zeroNeedle: 700,
  zeroError: 0.4,
  advanceMm: 53.333,
});
const pitchMm = 2030 / 2639;
export const revolutionMs = 60_000 / 35;

/** mulberry32, and a normal number from two of its (Box and Muller). */
export function drawing(seed: number) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
  const within = (bound: number) => (uniform() * 2 - 1) * bound;
  const normal = (sd: number) => sd * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, within, normal };
}
export type Draw = ReturnType<typeof drawing>;

/** Needles between two, the shorter way round. */
export const offBy = (named: number, truth: number): number => {
  const off = Math.abs(named - truth) % 2639;
  return Math.min(off, 2639 - off);
};

export interface Trial {
  /** Needle in the reference column at turn 0, as it truly is. */
  readonly zero: number;
  readonly truth: number;
  /** Column the line is truly in when the machine has turned so far. */
  readonly column: (turns: number) => number;
}

/** A needle and a camera as `draw` has them. */
export function trial(draw: Draw): Trial {
  const truth = 1 + Math.floor(draw.uniform() * 2639);
  const zero = 700 + draw.within(0.4);
  // The camera's scale is off by its bound, the same in every picture.
  const scale = 1 + draw.within(0.005);
  const column = (turns: number) => {
    const middle = zero + 2639 * (turns % 1);
    const off = ((((truth - middle) % 2639) + 2639 + 1319.5) % 2639) - 1319.5;
    return 256 + (off * pitchMm * scale) / 0.14;
  };
  return { zero, truth, column };
}

/** Turns at which the line stands somewhere in a view of 512 px, in revolution `n`. */
export function passing(t: Trial, n: number, draw: Draw): number {
  const wanted = (draw.uniform() * 480 - 240) * 0.14; // mm from the middle
  const turn = (((t.truth - wanted / pitchMm - 700) / 2639) % 1) + 1;
  return n + (turn % 1);
}

/** Turns as pulses of the index mark tell them, of a machine whose speed sways. */
export function indexSource(draw: Draw) {
  const timing = {
    frameJitterMs: 0.3,
    pulseJitterMs: 0.1,
    offsetMs: 0.2,
    driftPpm: 20,
    sinceZeroMs: 5000,
    speedSpread: 0.0005,
    speedCycle: 0.0005,
  };
  const offset = draw.within(timing.offsetMs) + draw.within(timing.driftPpm * 1e-6 * timing.sinceZeroMs);
  const cycle = draw.within(timing.speedCycle);
  const lengths = Array.from({ length: 7 }, () => revolutionMs * (1 + draw.normal(timing.speedSpread / 2)));
  const starts = lengths.reduce((all, length) => [...all, (all.at(-1) ?? 0) + length], [0]);
  // Within a revolution the speed goes up and down once: late by up to cycle / 4 of it in the middle.
  const trueMs = (turns: number) => {
    const whole = Math.floor(turns);
    const f = turns - whole;
    return (starts[whole] ?? 0) + (lengths[whole] ?? 0) * (f + cycle * f * (1 - f));
  };
  const marks = starts.reduce(
    (all, timeMs) => withPulse(all, timeMs + draw.normal(timing.pulseJitterMs), 500),
    noMarks,
  );
  return (turns: number) => turnFromIndex(marks, trueMs(turns) + offset + draw.normal(timing.frameJitterMs), timing);
}

/** Turns as an encoder tells them, whose count is latched with each picture. */
export function encoderSource(draw: Draw) {
  const scale = { countsPerTurn: 4096, wrapsAt: 65_536, latchJitterMs: 0.1, errorCounts: 1 };
  const error = draw.within(scale.errorCounts);
  let total: number | null = null;
  return (turns: number) => {
    const latched = turns + draw.normal(scale.latchJitterMs) / revolutionMs;
    const count = Math.floor(latched * 4096 + error);
    total = unwrapped(total, count % 65_536, 65_536);
    return turnFromEncoder(total, 1000 / revolutionMs, scale);
  };
}

/** Turns as readings of the speed tell them, with or without a count of revolutions. */
export function telemetrySource(pollMs: number, counts: boolean, rpm = 35) {
  return (draw: Draw) => {
    const phase = draw.uniform() * pollMs;
    const turnMs = 60_000 / rpm;
    const timing = { jitterMs: 4, offsetMs: 5, speedError: 0.001, oldestMs: 500 };
    const offset = draw.within(timing.offsetMs);
    const error = 1 + draw.within(timing.speedError);
    const readings: SpeedReading[] = Array.from({ length: Math.ceil((8 * turnMs) / pollMs) }, (_, i) => {
      const timeMs = phase + i * pollMs;
      return {
        timeMs: timeMs + offset + draw.normal(timing.jitterMs),
        rpm: rpm * error,
        revolutions: counts ? Math.floor(timeMs / turnMs) : null,
      };
    });
    return (turns: number) => turnFromTelemetry(readings, turns * turnMs, timing);
  };
}
