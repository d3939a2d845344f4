import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarPolls } from '../../../agent/senses/ear/polls.ts';
import type { Reading } from '../../../drivers/contract.ts';

const good = (signal: string, value: number, monotonicMs: number): Reading => ({
  machine: 'ls-1',
  signal,
  quality: 'good',
  value,
  // The machine's own clock: an hour off, and it stands while nothing changes.
  sourceTimeMs: 3_600_000,
  receivedTimeMs: 7_200_000,
  monotonicMs,
});
const readings = (machine: string, ...list: Reading[]) => ({ kind: 'readings' as const, machine, readings: list });

test('the speed of a machine that is listened to is told with how old it is, whatever its own clock shows', () => {
  let nowMs = 1_000;
  const polls = new EarPolls(['ls-1'], () => nowMs);
  for (const signal of ['spindle.speed', 'cylinder.speed']) {
    assert.deepEqual(polls.saw(readings('ls-1', good(signal, 4000, 900))), [
      { kind: 'poll', machine: 'ls-1', ageMs: 100, isRunning: true, speed: 4000 },
    ]);
  }
  nowMs = 2_000;
  assert.deepEqual(polls.saw(readings('ls-1', good('spindle.speed', 0, 2_000))), [
    { kind: 'poll', machine: 'ls-1', ageMs: 0, isRunning: false, speed: 0 },
  ]);
});

test('other signals, other machines and what lies in the past say nothing', () => {
  const polls = new EarPolls(['ls-1'], () => 0);
  assert.deepEqual(polls.saw(readings('ls-1', good('motor.temp', 40, 0))), []);
  assert.deepEqual(polls.saw(readings('ls-2', good('spindle.speed', 4000, 0))), []);
  const past = { ...readings('ls-1', good('spindle.speed', 4000, 0)), past: { fromMs: 0, toMs: 1 } };
  assert.deepEqual(polls.saw(past), []);
});

test('a speed that is below nothing is not known', () => {
  const polls = new EarPolls(['ls-1'], () => 0);
  const [poll] = polls.saw(readings('ls-1', good('spindle.speed', -5, 0)));
  assert.deepEqual([poll?.isRunning, poll?.speed], [true, null]);
});
