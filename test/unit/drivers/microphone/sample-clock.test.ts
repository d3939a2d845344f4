import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SampleClock, type Jump } from '../../../../drivers/microphone/sample-clock.ts';
import { Random } from '../modbus-random.ts';

const rateHz = 48_000;

interface Course {
  readonly seconds: number;
  readonly skewPpm?: number;
  readonly jitterMs?: number;
  readonly blockMs?: number;
  readonly startMs?: number;
  /** A block that is late holds up those behind it, as over TCP; else each comes by itself. */
  readonly isInOrder?: boolean;
  /** How late a block is besides, ms. */
  readonly late?: (atMs: number) => number;
  /** Samples the device drops before the block at this time. */
  readonly dropAtMs?: number;
  readonly drop?: number;
}

/** A device whose clock is off sends blocks that come late, in their order. */
function run(course: Course, random: Random) {
  const {
    seconds,
    skewPpm = 0,
    jitterMs = 0,
    blockMs = 20,
    startMs = 1_000,
    dropAtMs = Infinity,
    drop = 0,
    isInOrder = true,
  } = course;
  const clock = new SampleClock(rateHz);
  const jumps: Jump[] = [];
  const msOfTruth = (sample: number) => startMs + ((sample * 1000) / rateHz) * (1 + skewPpm / 1e6);
  const length = (rateHz * blockMs) / 1000;
  let told = 0;
  let real = 0;
  let arrivedMs = 0;
  let isDropped = false;
  while (real < seconds * rateHz) {
    real += length;
    told += length;
    const readyMs = msOfTruth(real);
    if (readyMs >= dropAtMs && !isDropped) {
      real += drop;
      isDropped = true;
    }
    const lateMs = (random.below(1_000_000) / 1_000_000) * jitterMs + (course.late?.(readyMs) ?? 0);
    arrivedMs = Math.max(isInOrder ? arrivedMs : 0, msOfTruth(real) + lateMs);
    const jump = clock.arrived(told, arrivedMs);
    if (jump !== null) {
      jumps.push(jump);
      told += jump.missing;
    }
  }
  return { clock, jumps, told, errorMs: clock.msOf(told) - msOfTruth(real) };
}

/** Most error, ms, over all skews and latenesses. */
function worstOf(course: Course & { readonly jitterMs: number }, limitMs: number, numRuns: number): void {
  fc.assert(
    fc.property(
      fc.integer({ min: -200, max: 200 }),
      fc.nat(course.jitterMs),
      fc.integer(),
      (skewPpm, jitterMs, seed) => {
        const { errorMs, jumps } = run({ ...course, skewPpm, jitterMs }, new Random(seed));
        assert.ok(Math.abs(errorMs) < limitMs, `${errorMs} ms at ${skewPpm} ppm, ${jitterMs} ms`);
        assert.deepEqual(jumps, []);
      },
    ),
    { numRuns },
  );
}

test('C1: after a minute of blocks that are each up to 50 ms late, at 200 ppm of skew, it is right to a millisecond', () => {
  worstOf({ seconds: 60, jitterMs: 50, isInOrder: false }, 1, 200);
});

test('where a late block holds up those behind it hardly any is in time: two milliseconds', () => {
  worstOf({ seconds: 60, jitterMs: 50 }, 2, 200);
});

test('up to 200 ms late it is right to 10 ms after two minutes, to 80 ms where blocks hold each other up, and sees no jump', () => {
  worstOf({ seconds: 120, jitterMs: 200, isInOrder: false }, 10, 50);
  worstOf({ seconds: 120, jitterMs: 200 }, 80, 50);
});

test('an hour later it is as right as after a minute: it forgets', () => {
  const { errorMs, clock } = run({ seconds: 3_600, skewPpm: 150, jitterMs: 50 }, new Random(3));
  assert.ok(Math.abs(errorMs) < 1, String(errorMs));
  assert.ok(Math.abs(clock.skew * 1e6 - 150) < 20, String(clock.skew));
});

test('a sample has its time and a time its sample', () => {
  const { clock } = run({ seconds: 30, skewPpm: 100, jitterMs: 20 }, new Random(5));
  for (const sample of [0, 1, 48_000, 1_000_000.5]) {
    assert.ok(Math.abs(clock.sampleAt(clock.msOf(sample)) - sample) < 1e-3);
  }
});

test('C2: a network that is held up for three seconds and then brings all of it is no jump', () => {
  const hold = (atMs: number) => (atMs > 20_000 && atMs < 23_000 ? 23_000 - atMs : 0);
  const { errorMs, jumps } = run({ seconds: 60, jitterMs: 50, late: hold }, new Random(7));
  assert.deepEqual(jumps, []);
  assert.ok(Math.abs(errorMs) < 1, String(errorMs));
});

test('C2: a route that is slower by ten milliseconds from now on is no jump', () => {
  const { jumps } = run({ seconds: 60, jitterMs: 5, late: (atMs) => (atMs > 20_000 ? 10 : 0) }, new Random(7));
  assert.deepEqual(jumps, []);
});

test('C3: samples that a device dropped without a word are a jump of that length, within three seconds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 60, max: 5_000 }),
      fc.nat(50),
      fc.integer({ min: -200, max: 200 }),
      fc.integer(),
      (dropMs, jitterMs, skewPpm, seed) => {
        // A jump has to stand out of what is usual: three times the lateness of the best block of half a second.
        const drop = Math.round(((dropMs + jitterMs) * rateHz) / 1000);
        const course = { seconds: 60, jitterMs, skewPpm, dropAtMs: 30_000, drop };
        const { jumps, errorMs } = run(course, new Random(seed));
        assert.equal(jumps.length, 1);
        const [jump] = jumps;
        assert.ok(jump !== undefined);
        const offMs = ((jump.missing - drop) * 1000) / rateHz;
        assert.ok(Math.abs(offMs) < 12, `${offMs} ms off of ${dropMs + jitterMs}`);
        assert.ok(Math.abs(errorMs) < 5, String(errorMs));
        const beforeS = jump.fromSample / rateHz;
        assert.ok(beforeS > 28 && beforeS < 30, String(beforeS));
      },
    ),
    { numRuns: 100 },
  );
});

test('a clock that was begun again knows nothing of before', () => {
  const clock = new SampleClock(rateHz);
  clock.arrived(960, 1_000);
  clock.restart();
  assert.equal(clock.isKnown, false);
  clock.arrived(1_920, 9_000);
  assert.ok(Math.abs(clock.msOf(1_920) - 9_000) < 1e-9);
});
