import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeEar } from '../../demo/score/ear.ts';
import { judgeFaults } from '../../demo/score/faults.ts';
import type { Observation, PlannedFault, SoundAlert, TruthLine } from '../../demo/score/report.ts';

const planned: PlannedFault = {
  id: 'bent',
  machine: 'ls-3',
  fault: 'bent_needle',
  expect: { as: 'alert', type: 'sound_odd', withinS: 45, clearsWithinS: null },
};
const begun: TruthLine = {
  t: 100_000,
  machine: 'ls-3',
  kind: 'fault',
  id: 'bent',
  data: { fault: 'bent_needle', shaftDegrees: 355.5 },
};
const evidence = { suspected: 'bentNeedle 0.91; bluntNeedle 0.1', angle: '2 ± 7 degrees', isSimulated: true };

function judged(more: Readonly<Record<string, unknown>>, picture: number | null = 8_000) {
  const alert: SoundAlert = { machine: 'ls-3', type: 'sound_odd', evidence: { ...evidence, ...more }, picture: 'p' };
  return judgeEar({ planned: [planned], truth: [begun], alerts: [alert], pictureBytes: () => picture });
}

test('the right fault first, an angle that holds the truth across the mark, and a picture are no problem', () => {
  const { rows, problems } = judged({});
  assert.deepEqual(problems, []);
  assert.deepEqual(rows, [
    {
      id: 'bent',
      machine: 'ls-3',
      suspected: 'bentNeedle',
      probability: 0.91,
      degrees: 2,
      k: 7,
      trueFault: 'bentNeedle',
      code: 'F2',
      trueDegrees: 355.5,
      pictureBytes: 8_000,
    },
  ]);
});

for (const [what, more, picture] of [
  ['another fault first', { suspected: 'bluntNeedle 0.5; bentNeedle 0.4' }, 8_000],
  ['no fault', { suspected: null }, 8_000],
  ['an angle beside the truth', { angle: '5 ± 7 degrees' }, 8_000],
  ['no angle', { angle: null }, 8_000],
  ['no picture', {}, null],
  ['sound that does not say it is simulated', { isSimulated: false }, 8_000],
] as const) {
  test(`${what} is one problem`, () => {
    assert.equal(judged(more, picture).problems.length, 1);
  });
}

test('an alert without a picture is one problem', () => {
  const alert: SoundAlert = { machine: 'ls-3', type: 'sound_odd', evidence, picture: null };
  const { problems } = judgeEar({ planned: [planned], truth: [begun], alerts: [alert], pictureBytes: () => 1 });
  assert.deepEqual(problems, ['bent: no picture of its sound was kept']);
});

test('what was never begun or never told is left to the table of faults', () => {
  const none = { planned: [planned], pictureBytes: () => null };
  assert.deepEqual(judgeEar({ ...none, truth: [], alerts: [] }), { rows: [], problems: [] });
  assert.deepEqual(judgeEar({ ...none, truth: [begun], alerts: [] }), { rows: [], problems: [] });
});

test('a sound that was odd before the fault is false, even if it began only seconds before', () => {
  const told = (detectedMs: number): Observation => ({
    as: 'alert',
    machine: 'ls-3',
    type: 'sound_odd',
    onsetMs: begun.t - 6_000,
    detectedMs,
    clearedMs: null,
  });
  // Four seconds of running are judged together, and may have begun before a pause.
  assert.equal(judgeFaults([planned], [begun], [told(begun.t + 20_000)]).falseAlerts, 0);
  const early = judgeFaults([planned], [begun], [told(begun.t - 10)]);
  assert.equal(early.falseAlerts, 1);
  assert.equal(early.rows[0]?.detectedAt, null);
});
