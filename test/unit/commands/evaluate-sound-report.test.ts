import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  faultFigures,
  needleFigures,
  soundTable,
  type JudgedClip,
  type NamedNeedle,
} from '../../../agent/commands/evaluate-sound-report.ts';

const clip = (more: Partial<JudgedClip>): JudgedClip => ({
  snrDb: 0,
  machine: 'm-0',
  kind: 'sewing',
  fault: null,
  code: null,
  severity: null,
  trims: false,
  both: 0,
  levels: 0,
  orders: 0,
  plain: 0,
  suspected: null,
  ...more,
});

test('a fault is held against healthy clips of the same machines, ratio and kind alone', () => {
  const figures = faultFigures([
    clip({ both: 1, plain: 5 }),
    clip({ both: 2, plain: 1 }),
    // Other machines, ratios and endings, which would change the figure.
    clip({ both: 9, machine: 'm-2' }),
    clip({ both: 9, snrDb: 6 }),
    clip({ both: 9, trims: true }),
    clip({ both: 3, plain: 3, fault: 'bentNeedle', code: 'F2', severity: 0.4, suspected: 'bentNeedle' }),
    clip({ both: 1.5, plain: 0, fault: 'bentNeedle', code: 'F2', severity: 0.9, suspected: 'dryHook' }),
  ]);
  assert.equal(figures.length, 1);
  const [bent] = figures;
  assert.deepEqual(
    [bent?.fault, bent?.auc, bent?.baseline.auc, bent?.top1, bent?.clips, bent?.healthy, bent?.machines],
    ['F2', 0.75, 0.25, 0.5, 2, 2, 1],
  );
});

test('what is no class has no share of right names', () => {
  const [trimmer] = faultFigures([
    clip({ trims: true }),
    clip({ trims: true, fault: 'trimmer', code: 'F8', severity: 1, both: 1, suspected: 'bentNeedle' }),
  ]);
  assert.deepEqual([trimmer?.fault, trimmer?.top1, trimmer?.auc], ['F8', null, 1]);
});

const needle = (more: Partial<NamedNeedle>): NamedNeedle => ({
  position: 'index',
  snrDb: 6,
  truth: 3,
  named: null,
  candidates: [],
  k: null,
  revolutions: 10,
  severity: 0.5,
  needles: 100,
  ...more,
});

test('a candidate counts within its k, around the cylinder too', () => {
  const figures = needleFigures([
    needle({ candidates: [99, 50], k: 4 }),
    needle({ candidates: [98], k: 4 }),
    needle({}),
    needle({ position: 'telemetry' }),
  ]);
  assert.deepEqual(figures, [
    { position: 'index', trials: 3, told: 2, within: 1, mostCandidates: 2, mostK: 4 },
    { position: 'telemetry', trials: 1, told: 0, within: 0, mostCandidates: 0, mostK: null },
  ]);
  const rounds = { judged: 100, otherHall: 7, falseAlarms: 2 };
  const healthy = { machineDays: 0.5, falseAlarms: 3, rounds, clips: 10, judgedShare: 0.9 };
  const table = soundTable({
    faults: [],
    needles: [],
    needleFigures: figures,
    healthy,
    generator: 'b',
    seed: 1,
    simulated: true,
  });
  assert.match(table, /^Simulated machines, generator b\.$/m);
  assert.match(table, /needles by index: 2 of 3 told, 1 within/);
  assert.match(table, /3 false alarms in 0\.50 machine days/);
  assert.match(table, /of them by rounds: 2, in 100 rounds \(7 more/);
});
