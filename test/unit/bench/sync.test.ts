import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { profileSchema } from '../../../drivers/profiles/schema.ts';
import { cycleS, floorProfile, floorValues, isRunning, signalsEach } from '../../bench/sync-floor.ts';
import { HandTimers } from '../../bench/sync-hand-timers.ts';
import { MqttPackets } from '../../bench/sync-mqtt-packets.ts';
import { HandClock } from '../../bench/sync-play.ts';

test('the floor of the bench has 24 summarised signals, in the order of its values', () => {
  const profile = profileSchema.parse(floorProfile(1_000));
  const summarised = Object.values(profile.signals).filter(({ kind }) => kind === 'gauge' || kind === 'counter');
  assert.equal(summarised.length, signalsEach);
  assert.deepEqual(
    Object.keys(profile.signals),
    floorValues(0, 0).map(([signal]) => signal),
  );
});

test('a machine of the floor runs half of the time, its counters never fall and stand still while it does', () => {
  const counters = ['stitch.total', 'run.seconds'];
  let ran = 0;
  let before = new Map(floorValues(7, 0));
  for (let s = 1; s <= cycleS; s += 1) {
    const now = new Map(floorValues(7, s));
    if (isRunning(7, s)) ran += 1;
    for (const counter of counters) {
      const step = Number(now.get(counter)) - Number(before.get(counter));
      assert.ok(step >= 0, `${counter} fell by ${step}`);
      if (!isRunning(7, s) && !isRunning(7, s - 1)) assert.equal(step, 0);
    }
    before = now;
  }
  assert.equal(ran, cycleS / 2);
});

test('the same second of a machine is always the same', () => {
  assert.deepEqual(floorValues(3, 500), floorValues(3, 500));
  assert.notDeepEqual(floorValues(3, 500), floorValues(4, 500));
});

test('hand-moved clocks go together', () => {
  const clock = new HandClock(5_000);
  const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
  clock.sinceMs += 250;
  assert.deepEqual([clock.wallMs() - wallMs, clock.monotonicMs() - monotonicMs], [250, 250]);
});

test('hand-moved timers go off in order, at their time, and one that was cleared while it ran is gone', () => {
  const timers = new HandTimers();
  const seen: string[] = [];
  const note = (what: string) => () => void seen.push(`${what} ${timers.nowMs}`);
  timers.set(note('late'), 300, false);
  timers.set(note('early'), 100, false);
  const every: number = timers.set(
    () => {
      note('every')();
      if (timers.nowMs >= 400) timers.clear(every);
    },
    200,
    true,
  );
  timers.set(() => void timers.set(note('within'), 20, false), 150, false);
  timers.pass(250);
  assert.deepEqual(seen, ['early 100', 'within 170', 'every 200']);
  timers.pass(1_000);
  assert.deepEqual(seen.slice(3), ['late 300', 'every 400']);
});

test('MQTT packets are found however TCP cuts them', () => {
  // MQTT 3.1.1 by hand: PUBLISH with 200 bytes behind a length of two bytes (0xc8 0x01), PINGREQ, PUBACK, PINGRESP.
  const bytes = Uint8Array.of(
    0x32,
    0xc8,
    0x01,
    ...Array.from({ length: 200 }, () => 0xc0),
    0xc0,
    0,
    0x40,
    2,
    0,
    1,
    0xd0,
    0,
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (cuts) => {
      const packets = new MqttPackets();
      const types: number[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        types.push(...packets.types(bytes.subarray(at, at + cut)));
        at += cut;
      }
      assert.deepEqual(types, [3, 12, 4, 13]);
    }),
  );
});
