import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  defaultHealthOptions,
  hearSecond,
  heardSome,
  passTime,
  reasonOf,
  referenceOf,
  startHealth,
  troubles,
  type MicrophoneReference,
} from '../../../../drivers/microphone/health.ts';
import { SoundMeter, type SoundMeasure } from '../../../../drivers/microphone/measure.ts';
import { Random } from '../modbus-random.ts';

const rateHz = 48_000;
type Sound = (i: number, random: Random) => number;

const noise = (random: Random) => (random.below(2_000_001) - 1_000_000) / 1_000_000;
/** A machine: lines below and noise over all of it. */
const machine =
  ({ gain = 1, highs = 1 } = {}): Sound =>
  (i, random) =>
    gain *
    (0.1 * Math.sin((i / rateHz) * 2 * Math.PI * 180) +
      0.05 * Math.sin((i / rateHz) * 2 * Math.PI * 1_950) +
      highs * 0.05 * Math.sin((i / rateHz) * 2 * Math.PI * 9_000) +
      0.001 * noise(random));

class Rig {
  readonly random = new Random(7);
  readonly meter = new SoundMeter(rateHz);
  health = startHealth(0);
  nowMs = 0;
  reference: MicrophoneReference | null = null;
  readonly measures: SoundMeasure[] = [];
  readonly states: string[] = [];

  #note(health: typeof this.health): void {
    if (health.verdict.kind !== this.health.verdict.kind) this.states.push(health.verdict.kind);
    this.health = health;
  }
  hear(seconds: number, sound: Sound): void {
    for (let second = 0; second < seconds; second += 1) {
      this.nowMs += 1_000;
      const samples = Float32Array.from({ length: rateHz }, (_, i) => {
        const value = sound(this.nowMs * 48 + i, this.random);
        // As a converter of 16 bits does.
        return Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))) / 32_768;
      });
      this.take({ channels: [samples], holes: [] });
    }
  }
  take(block: Parameters<SoundMeter['push']>[0]): void {
    for (const measure of this.meter.push(block)) {
      this.measures.push(measure);
      this.#note(hearSecond(this.health, measure, this.nowMs, this.reference));
    }
  }
  wait(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 500;
      this.#note(passTime(this.health, this.nowMs));
    }
  }
  get reason(): string {
    return reasonOf(this.health.verdict) ?? '';
  }
  teach(): void {
    this.hear(12, machine());
    this.reference = referenceOf(this.measures.slice(-10));
    assert.ok(this.reference !== null);
  }
}

test('a microphone that is well is well, loud or soft, and while the machine stands', () => {
  const rig = new Rig();
  rig.teach();
  rig.hear(5, machine({ gain: 2 }));
  rig.hear(15, machine({ gain: 0.3 }));
  // The room alone, with no highs in it.
  rig.hear(30, (i) => 0.002 * Math.sin((i / rateHz) * 2 * Math.PI * 100));
  rig.hear(5, machine());
  assert.deepEqual(rig.states, ['ok']);
});

test('each trouble is told with its figure, and ends', () => {
  const cases: readonly (readonly [string, Sound, RegExp])[] = [
    ['dead', () => 0, /^it sends one value$/],
    ['dead', () => 0.25, /^it sends one value$/],
    [
      'dead',
      (_i, random) => (random.below(60) === 0 ? 1 / 32_768 : 0),
      /^it sends one value$|^its level is -1\d\d dB$/,
    ],
    ['clipped', machine({ gain: 12 }), /^\d+ % of the samples are at full scale$/],
    ['offset', (i, random) => 0.2 + machine()(i, random), /^a direct voltage of 20 % of full scale lies on it$/],
    ['muffled', machine({ highs: 0.1 }), /^above 4 kHz it has lost (19|20) dB against what was taught$/],
  ];
  for (const [state, sound, reason] of cases) {
    const rig = new Rig();
    rig.teach();
    rig.hear(13, sound);
    assert.equal(rig.states.join(' '), `ok ${state}`);
    assert.match(rig.reason, reason);
    rig.hear(6, machine());
    assert.equal(rig.states.join(' '), `ok ${state} ok`);
  }
});

test('what are no numbers is told, however good the rest is', () => {
  const rig = new Rig();
  for (let second = 0; second < 5; second += 1) {
    rig.nowMs += 1_000;
    const samples = Float32Array.from({ length: rateHz }, (_, i) => machine()(i, rig.random));
    rig.take({ channels: [samples], holes: [{ from: 0, to: 4_800 }] });
  }
  assert.equal(rig.states.at(-1), 'damaged');
  assert.equal(rig.reason, '10 % of what it sends are no numbers');
});

test('H4: without samples it is stalled, from the first moment on; with sound it is well again', () => {
  const rig = new Rig();
  rig.wait(2_500);
  assert.deepEqual(rig.states, []);
  rig.wait(1_000);
  assert.deepEqual(rig.states, ['stalled']);
  assert.match(rig.reason, /^no sound for [34] s$/);
  rig.hear(5, machine());
  assert.deepEqual(rig.states, ['stalled', 'ok']);
  // A trickle that never makes a second is sound that comes.
  rig.health = heardSome(rig.health, rig.nowMs + 2_000);
  rig.wait(4_500);
  assert.deepEqual(rig.states, ['stalled', 'ok']);
  rig.wait(1_000);
  assert.deepEqual(rig.states, ['stalled', 'ok', 'stalled']);
});

test('H1: two seconds are no trouble, and between the two limits nothing changes', () => {
  const rig = new Rig();
  rig.hear(3, machine());
  const offset =
    (dc: number): Sound =>
    (i, random) =>
      dc + machine()(i, random);
  rig.hear(2, offset(0.2));
  rig.hear(3, machine());
  rig.hear(10, offset(0.07));
  assert.deepEqual(rig.states, ['ok'], 'between the limits it is not raised');
  rig.hear(5, offset(0.2));
  rig.hear(10, offset(0.07));
  assert.deepEqual(rig.states, ['ok', 'offset'], 'between the limits it is not cleared');
  rig.hear(5, machine());
  assert.deepEqual(rig.states, ['ok', 'offset', 'ok']);
});

test('H3: without a reference nothing is said of muffled', () => {
  const rig = new Rig();
  rig.hear(20, machine({ highs: 0 }));
  assert.deepEqual(rig.states, ['ok']);
  assert.equal(referenceOf(rig.measures.slice(0, 9)), null);
});

test('levels are those of the tones, each on its side of 4 kHz', () => {
  for (const rate of [16_000, 44_100, 48_000]) {
    const meter = new SoundMeter(rate);
    const tone = (hz: number) =>
      Float32Array.from({ length: 2 * rate }, (_, i) => Math.sin((i / rate) * 2 * Math.PI * hz));
    const [, low] = meter.push({ channels: [tone(500)], holes: [] });
    const [, high] = new SoundMeter(rate).push({ channels: [tone(7_000)], holes: [] });
    assert.ok(low !== undefined && high !== undefined);
    assert.ok(Math.abs(low.lowDb + 3) < 0.2 && low.highDb < -60, `${low.lowDb} ${low.highDb}`);
    assert.ok(Math.abs(high.highDb + 3) < 0.5 && high.lowDb < -10, `${high.lowDb} ${high.highDb}`);
    assert.ok(Math.abs(low.rmsDb + 3) < 0.05);
  }
});

test('any seconds at any times: the worst is told, with a reason, and what is told held its time', () => {
  const measure = fc.record({
    rmsDb: fc.constantFrom(-100, -87, -20),
    peak: fc.constant(0.5),
    dc: fc.constantFrom(0, 0.07, -0.3),
    clippedShare: fc.constantFrom(0, 0.005, 0.1),
    sameShare: fc.constantFrom(0, 0.99, 1),
    badShare: fc.constantFrom(0, 0.005, 0.5),
    lowDb: fc.constantFrom(-60, -20),
    highDb: fc.constantFrom(-60, -30),
  });
  const reference = { lowDb: -20, highDb: -30 };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2_500), fc.option(measure)), { maxLength: 60 }), (steps) => {
      let health = startHealth(0);
      let nowMs = 0;
      for (const [ms, second] of steps) {
        nowMs += ms;
        const before = health;
        health = second === null ? passTime(health, nowMs) : hearSecond(health, second, nowMs, reference);
        const { kind } = health.verdict;
        assert.equal(reasonOf(health.verdict) === null, kind === 'ok' || kind === 'starting');
        for (const trouble of troubles) {
          const latch = health.latches[trouble];
          if (latch.isOn === before.latches[trouble].isOn || (trouble === 'stalled' && latch.isOn)) continue;
          const sinceMs = before.latches[trouble].changingSinceMs ?? nowMs;
          const { raiseMs, clearMs, muffledMs } = defaultHealthOptions;
          const holdMs = latch.isOn ? (trouble === 'muffled' ? muffledMs : raiseMs) : clearMs;
          assert.ok(nowMs - sinceMs >= holdMs, `${trouble} after ${nowMs - sinceMs} ms`);
        }
        const worst = troubles.find((trouble) => health.latches[trouble].isOn);
        assert.equal(kind, worst ?? (health.hasHeard ? 'ok' : 'starting'));
      }
    }),
    { numRuns: 1_000 },
  );
});
