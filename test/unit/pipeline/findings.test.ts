import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FabricFinding } from '../../../agent/findings.ts';
import { eight, needleLine, reference, Rig, setupOf } from './rig.ts';

const machines = [
  setupOf('ck-1', reference, {
    web: { widthMm: 2000, fabric: 'single-jersey', mmPerTurn: 50, countsAlone: true },
  }),
];

const found = (more: Partial<FabricFinding> = {}) => needleLine({ rollFromMm: 12_345.4, rollToMm: 12_500, ...more });

/** A rig whose eye has begun to look, at metre 0 of the first roll. */
function looking(): Rig {
  const rig = new Rig({ machines });
  const stretches = [{ fromMm: 0, toMm: 10, unseen: 0, reason: null }];
  rig.pipeline.fabric.seen({
    machine: 'ck-1',
    model: 'fabric-anomaly@1.0.0',
    isSimulated: true,
    newestMm: 10,
    isAnew: true,
    stretches,
  });
  return rig;
}

const steps = (rig: Rig) => rig.alerts().map(({ rule, transition, state }) => [rule, transition, state]);

test('F1, F3: a line is opened once, known better without another event, and closed; its alert names needle, k and metre', () => {
  const rig = looking();
  const { occurrence } = rig.pipeline.fabric.told(found());
  assert.equal(rig.pipeline.alertsView()[0]?.record.occurrence, occurrence);
  rig.pass(2_000);
  rig.pipeline.fabric.told(found({ phase: 'changed', k: 1, revolutions: 3 }));
  rig.pipeline.fabric.told(found({ phase: 'changed', k: 1, revolutions: 4 }));
  rig.pipeline.fabric.told(found({ phase: 'changed', k: 2, revolutions: 5 }));
  assert.deepEqual(
    rig.events('fabric_finding_refined').map(({ data }) => [data['needle'], data['k'], data['revolutions']]),
    [[1207, 1, 3]],
  );
  rig.pass(10_000);
  rig.pipeline.fabric.told(found({ phase: 'closed', lastMs: eight + 9_000 }));
  assert.deepEqual(
    rig
      .events('fabric_finding')
      .map(({ machine, phase, atMs, fromMs, data }) => [machine, phase, atMs, fromMs, data['class']]),
    [
      ['ck-1', 'opened', eight + 100, null, 'needle_line'],
      ['ck-1', 'closed', eight + 9_000, eight + 100, 'needle_line'],
    ],
  );
  const [raised] = rig.alerts();
  assert.deepEqual(
    [raised?.machine, raised?.type, raised?.priority, raised?.cause, raised?.onsetMs],
    ['ck-1', 'needle_line', 'high', 'needle_or_sinker', eight + 100],
  );
  assert.deepEqual(raised?.evidence, {
    score: 4.2,
    threshold: 1,
    needle: 1207,
    k: 2,
    needleUnknown: null,
    roll: 1,
    rollFromM: 12.345,
    rollToM: 12.5,
    alongErrorMm: 2.4,
    acrossFromMm: 30,
    acrossToMm: 31,
    revolutions: 2,
    fabric: 'single-jersey',
    model: 'fabric-anomaly@1.0.0',
    isSimulated: true,
    crop: null,
    heatMap: null,
    heatPeak: null,
  });
  assert.deepEqual(steps(rig).at(-1), ['eye-needle-line', 'returned', 'returned-unacked']);
  assert.match(rig.pipeline.alertsView()[0]?.runbook ?? '', /needle/);
});

test('F2: the alert of a class lasts until its last line has ended', () => {
  const rig = new Rig({ machines });
  rig.pipeline.fabric.told(found());
  rig.pipeline.fabric.told(found({ id: 2, needle: 400 }));
  rig.pipeline.fabric.told(found({ phase: 'closed' }));
  assert.equal(rig.pipeline.alertsView()[0]?.record.state, 'active-unacked');
  rig.pipeline.fabric.told(found({ id: 2, phase: 'closed' }));
  assert.equal(rig.pipeline.alertsView()[0]?.record.state, 'returned-unacked');
  assert.equal(new Set(rig.alerts().map(({ occurrence }) => occurrence)).size, 1);
});

test('F1, F2: a line that turns out to be of another class moves to the alert of that class, and a spot that grows into a line is one', () => {
  const rig = new Rig({ machines });
  rig.pipeline.fabric.told(found());
  rig.pipeline.fabric.told(found({ phase: 'changed', class: 'ladder' }));
  assert.deepEqual(steps(rig), [
    ['eye-needle-line', 'raised', 'active-unacked'],
    ['eye-ladder', 'raised', 'active-unacked'],
    ['eye-needle-line', 'returned', 'returned-unacked'],
  ]);
  rig.pipeline.fabric.told(found({ phase: 'closed', class: 'ladder' }));
  assert.deepEqual(steps(rig).at(-1), ['eye-ladder', 'returned', 'returned-unacked']);

  const other = new Rig({ machines });
  other.pipeline.fabric.told(found({ class: 'anomaly', shape: 'spot' }));
  other.pipeline.fabric.told(found({ phase: 'changed' }));
  assert.deepEqual(
    other.events('fabric_finding').map(({ phase, data }) => [phase, data['class']]),
    [
      ['instant', 'anomaly'],
      ['opened', 'needle_line'],
    ],
  );
  assert.equal(
    other.pipeline.alertsView().find(({ record }) => record.rule === 'eye-needle-line')?.record.state,
    'active-unacked',
  );
});

test('F1: a hole is one instant, and its alert waits for somebody', () => {
  const rig = new Rig({ machines });
  const hole = found({
    class: 'hole',
    shape: 'spot',
    revolutions: 1,
    needle: null,
    k: null,
    needleUnknown: 'no-angle',
  });
  rig.pipeline.fabric.told(hole);
  rig.pipeline.fabric.told({ ...hole, phase: 'closed' });
  assert.deepEqual(
    rig.events('fabric_finding').map(({ phase, data }) => [phase, data['needle'], data['needleUnknown']]),
    [['instant', null, 'no-angle']],
  );
  assert.deepEqual(steps(rig), [
    ['eye-hole', 'raised', 'active-unacked'],
    ['eye-hole', 'returned', 'returned-unacked'],
  ]);
});

test('F1: a spot that was larger than its first edge is known better when it has left the view, and only then', () => {
  const rig = looking();
  const edge = found({
    class: 'hole',
    shape: 'spot',
    rollFromMm: 1000,
    rollToMm: 1010,
    acrossFromMm: 50,
    acrossToMm: 80,
  });
  rig.pipeline.fabric.told(edge);
  rig.pipeline.fabric.told({ ...edge, phase: 'changed', rollFromMm: 990 });
  rig.pipeline.fabric.told({ ...edge, phase: 'closed', rollFromMm: 970 });
  rig.pipeline.fabric.told({ ...edge, phase: 'closed', rollFromMm: 900 });
  rig.pipeline.fabric.told({ ...edge, id: 2 });
  rig.pipeline.fabric.told({ ...edge, id: 2, phase: 'closed', rollToMm: 1010.4 });
  assert.deepEqual(
    rig.events('fabric_finding_refined').map(({ data }) => [data['finding'], data['rollFromM'], data['rollToM']]),
    [[1, 0.97, 1.01]],
  );
  assert.equal(rig.events('fabric_finding').length, 2);
});

test('a class without advice of its own is an anomaly, and a machine nobody watches raises nothing', () => {
  const rig = new Rig({ machines });
  rig.pipeline.fabric.told(found({ class: 'crease', shape: 'spot' }));
  assert.equal(rig.alerts()[0]?.rule, 'eye-anomaly');
  const told = rig.alerts().length;
  assert.equal(rig.pipeline.fabric.told(found({ machine: 'ck-9' })).occurrence, null);
  assert.equal(rig.alerts().length, told);
  assert.equal(rig.pipeline.counts().unknownMachine, 1);
});

test('F4: a line from before a start waits unverified until the eye has looked, and is verified when it is found again', () => {
  const before = new Rig({ machines });
  before.pipeline.fabric.told(found());
  before.pipeline.fabric.told(found({ id: 2, class: 'barre', shape: 'horizontal' }));
  const open = ['eye-needle-line', 'eye-barre'].flatMap(
    (rule) => before.alerts().findLast((one) => one.rule === rule) ?? [],
  );
  const rig = new Rig({ machines, recovery: { openOccurrences: open } });
  rig.pass(60_000);
  assert.deepEqual(
    rig.pipeline.alertsView().map(({ verified }) => verified),
    [false, false],
  );
  rig.pipeline.fabric.told(found());
  rig.pipeline.fabric.looked('ck-1');
  const states = new Map(
    rig.pipeline.alertsView().map(({ record, verified }) => [record.rule, [record.state, verified]]),
  );
  assert.deepEqual(states.get('eye-needle-line'), ['active-unacked', true]);
  assert.deepEqual(states.get('eye-barre'), ['returned-unacked', true]);
  assert.equal(rig.alerts().filter(({ transition }) => transition === 'raised').length, 0, 'nothing is raised anew');
});

test('F4: when the eye’s process is another one its lines end, and the alert goes on until it has looked', () => {
  const rig = new Rig({ machines });
  rig.pipeline.fabric.told(found());
  rig.pipeline.fabric.anew('ck-1');
  assert.equal(rig.events('fabric_finding').at(-1)?.phase, 'closed');
  assert.equal(rig.pipeline.alertsView()[0]?.record.state, 'active-unacked');
  rig.pipeline.fabric.told(found({ id: 1, k: 3 }));
  rig.pipeline.fabric.looked('ck-1');
  assert.equal(rig.pipeline.alertsView()[0]?.record.state, 'active-unacked', 'it was found again');
  rig.pipeline.fabric.anew('ck-1');
  rig.pipeline.fabric.looked('ck-1');
  assert.equal(rig.pipeline.alertsView()[0]?.record.state, 'returned-unacked');
  assert.deepEqual(
    rig.alerts().map(({ transition }) => transition),
    ['raised', 'returned'],
  );
});
