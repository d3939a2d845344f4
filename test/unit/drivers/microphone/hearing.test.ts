import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hearing } from '../../../../drivers/microphone/hearing.ts';
import { RateCheck } from '../../../../drivers/microphone/rate-check.ts';
import type { Gap } from '../../../../drivers/microphone/ring.ts';

const rateHz = 48_000;

function rig({ hasPulse = false, channels = 1 } = {}) {
  const gaps: Gap[] = [];
  const pulses: number[] = [];
  let seconds = 0;
  const hearing = new Hearing(
    { rateHz, channels, hasPulse, isRateChecked: true },
    {
      onSecond: () => {
        seconds += 1;
      },
      onGap: (gap) => gaps.push(gap),
      onPulse: (at) => pulses.push(at),
    },
  );
  let nowMs = 1_000;
  const sound = (ms: number, second: (sample: number) => number = () => 0): void => {
    for (let at = 0; at < ms; at += 20) {
      nowMs += 20;
      const from = hearing.ring.endSample;
      const make = (value: (i: number) => number) => Float32Array.from({ length: 960 }, (_, i) => value(from + i));
      const all = [make((i) => Math.sin(i / 10)), make(second)].slice(0, channels);
      hearing.sound({ channels: all, holes: [] }, nowMs);
    }
  };
  return {
    hearing,
    gaps,
    pulses,
    sound,
    wait: (ms: number) => {
      nowMs += ms;
    },
    gap: (samples: number | null, why: string) => hearing.gap(samples, why, nowMs),
    seconds: () => seconds,
  };
}

test('a gap of known length takes its numbers, and a second is not measured across it', () => {
  const { hearing, gaps, sound, gap, seconds } = rig();
  sound(900);
  gap(4_800, 'packets-lost');
  sound(900);
  assert.deepEqual(gaps, [{ fromSample: 43_200, toSample: 48_000, why: 'packets-lost' }]);
  assert.equal(seconds(), 0);
  sound(200);
  assert.equal(seconds(), 1);
  assert.equal(hearing.ring.read(0, 43_000, 48_500).kind, 'gap');
  assert.equal(hearing.ring.read(0, 48_000, 90_000).kind, 'samples');
});

test('a gap of unknown length is as long as the clock says when sound comes again', () => {
  const { hearing, gaps, sound, gap, wait } = rig();
  sound(5_000);
  gap(null, 'connection-lost');
  gap(null, 'sender-restarted');
  wait(2_500);
  sound(1_000);
  const [only, ...more] = gaps;
  assert.ok(only !== undefined && more.length === 0);
  assert.equal(only.why, 'connection-lost');
  assert.ok(Math.abs(only.toSample - only.fromSample - 2.5 * rateHz) <= 1, JSON.stringify(only));
  assert.ok(Math.abs(hearing.clock.msOf(hearing.ring.endSample) - 9_500) < 0.1);
});

test('a block of which every other sample is no number is one gap, not a thousand', () => {
  const { hearing, gaps } = rig();
  const holes = Array.from({ length: 400 }, (_, i) => ({ from: 2 * i + 1, to: 2 * i + 2 }));
  hearing.sound({ channels: [new Float32Array(960)], holes }, 1_000);
  assert.deepEqual(gaps, [{ fromSample: 1, toSample: 800, why: 'no-number' }]);
  assert.equal(hearing.ring.read(0, 0, 2).kind, 'gap');
  assert.equal(hearing.ring.read(0, 800, 960).kind, 'samples');
});

test('before the first sound there is no gap', () => {
  const { gaps, sound, gap } = rig();
  gap(null, 'connection-lost');
  sound(100);
  assert.deepEqual(gaps, []);
});

test('samples that were dropped without a word are a gap, and all that was heard meanwhile is not trusted', () => {
  const { hearing, gaps, sound, wait } = rig();
  sound(10_000);
  wait(300);
  sound(3_000);
  const [jump] = gaps;
  assert.ok(jump !== undefined);
  assert.equal(jump.why, 'samples-missing');
  assert.ok(jump.fromSample <= 10 * rateHz && jump.fromSample >= 9.9 * rateHz);
  assert.ok(Math.abs(hearing.ring.endSample - 13.3 * rateHz) < 100, String(hearing.ring.endSample));
  assert.equal(hearing.ring.read(0, 10 * rateHz, 10 * rateHz + 10).kind, 'gap');
});

test('pulses of the second channel are told in the numbers of the ring, on both sides of a gap', () => {
  const { pulses, sound, gap } = rig({ hasPulse: true, channels: 2 });
  const mark = (sample: number) => (sample % 12_000 < 48 ? 0.5 : 0);
  sound(4_000, mark);
  gap(24_000, 'packets-lost');
  sound(4_000, mark);
  assert.ok(pulses.length >= 24, String(pulses.length));
  for (const at of pulses) assert.ok(Math.abs((at % 12_000) - 23.5) < 0.01, String(at));
  assert.ok((pulses.at(-1) ?? 0) > 8 * rateHz);
});

test('a rate that is none of what was said is told after two stretches, a network that catches up is not', () => {
  const course = (samplesOf: (ms: number) => number): (number | null)[] => {
    const check = new RateCheck(rateHz);
    return Array.from({ length: 3_500 }, (_, i) => check.arrived(samplesOf(i * 20), i * 20)).filter(
      (hz) => hz !== null,
    );
  };
  assert.deepEqual(
    course(() => 960),
    [],
  );
  assert.equal(course(() => 882)[0], 44_100);
  assert.equal(course(() => 1_920)[0], 96_000);
  const hold = course((ms) => (ms > 15_000 && ms < 25_000 ? 0 : ms === 25_000 ? 501 * 960 : 960));
  assert.deepEqual(hold, []);
});
