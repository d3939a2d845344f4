import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mostPolls, RunGate, speedBandOf, taughtBandOf, type RunPoll } from '../../../models/voiceprint/gate.ts';

function gateWith(polls: readonly RunPoll[]): RunGate {
  const gate = new RunGate();
  for (const poll of polls) gate.saw(poll);
  return gate;
}
const running = (timeMs: number, speed: number | null = 4000): RunPoll => ({ timeMs, isRunning: true, speed });
const steady = Array.from({ length: 51 }, (_, i) => running(i * 100));

test('G1: a piece amid running polls at one speed is open', () => {
  assert.deepEqual(gateWith(steady).answer(1000, 2000), { kind: 'open', speed: 4000 });
});

test('G1: one poll of standing, of another speed or without a speed within the piece shuts it, with its reason', () => {
  for (const [poll, reason] of [
    [{ timeMs: 1500, isRunning: false, speed: 0 }, 'standing'],
    [running(1500, 4400), 'unsteady'],
    [running(1500, null), 'speed-unknown'],
  ] as const) {
    const gate = gateWith(steady.map((one) => (one.timeMs === 1500 ? poll : one)));
    assert.deepEqual(gate.answer(1000, 2000), { kind: 'shut', reason });
    assert.equal(gate.answer(2500, 3500).kind, 'open', 'not the next piece');
  }
});

test('G1: a piece waits for the poll behind it, and one before the first poll is never judged', () => {
  const gate = gateWith(steady);
  assert.deepEqual(gate.answer(4500, 5500), { kind: 'wait' });
  assert.deepEqual(gate.answer(0, 1000), { kind: 'shut', reason: 'not-polled' });
  assert.deepEqual(new RunGate().answer(0, 1000), { kind: 'wait' });
});

test('G1: whatever the polls, an open piece has no standing poll in it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 0, max: 5000 }),
      (states, fromMs) => {
        const polls = states.map((isRunning, i) => ({ timeMs: i * 100, isRunning, speed: isRunning ? 100 : 0 }));
        const answer = gateWith(polls).answer(fromMs, fromMs + 1000);
        const within = polls.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= fromMs + 1000);
        if (answer.kind === 'open') assert.ok(within.every(({ isRunning }) => isRunning));
      },
    ),
  );
});

test('G2: polls are bounded, and a piece whose polls are gone does not count', () => {
  const gate = gateWith(Array.from({ length: mostPolls + 1 }, (_, i) => running(i * 100)));
  assert.deepEqual(gate.answer(1000, 2000), { kind: 'shut', reason: 'not-polled' });
  assert.equal(gate.answer(mostPolls * 100 - 3000, mostPolls * 100 - 2000).kind, 'open');
});

test('a poll that comes late is left out', () => {
  const gate = gateWith([...steady, { timeMs: 1500, isRunning: false, speed: 0 }]);
  assert.equal(gate.answer(1000, 2000).kind, 'open');
});

test('G3: a taught speed has its own surroundings and no more', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 10, max: 8000, noNaN: true }),
      fc.double({ min: -0.2, max: 0.2, noNaN: true }),
      (middle, off) => {
        const found = taughtBandOf(middle * (1 + off), [middle, middle * 2]);
        if (Math.abs(off) < 0.04) assert.equal(found, 0);
        if (Math.abs(off) > 0.08) assert.notEqual(found, 0);
      },
    ),
  );
  assert.equal(taughtBandOf(100, []), null);
});

test('speeds a tenth apart are of neighbouring bands, at any speed', () => {
  for (const speed of [20, 300, 5000]) {
    const next = speedBandOf(speed * 1.1);
    assert.equal(next - speedBandOf(speed), 1);
  }
});

test('G4: the hall is heard alone only while every poll says standing, one behind and one before', () => {
  const polls = Array.from({ length: 60 }, (_, i) => ({ timeMs: i * 100, isRunning: i < 20, speed: i < 20 ? 100 : 0 }));
  const gate = gateWith(polls);
  assert.equal(gate.stood(2400, 2900), true);
  assert.equal(gate.stood(2200, 2700), false, 'the poll before says running');
  assert.equal(gate.stood(5500, 6000), false, 'no poll behind yet');
});
