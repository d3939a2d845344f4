import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../../../cloud-bridge/contract.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { foldRoll } from '../../../agent/rolls/fold.ts';
import { mostFaults } from '../../../agent/rolls/events.ts';
import type { RollRow } from '../../../agent/store/roll-events.ts';
import type { SeenStretch } from '../../../models/vision/seen-cloth.ts';
import { boot, needleLine, Rig, setupOf } from './rig.ts';

const circular = loadProfile('knit-circular-opcua', []);
const web = { widthMm: 2000, fabric: 'single-jersey', mmPerTurn: 50, countsAlone: true };
const machines = [setupOf('ck-1', circular, { web })];

const whole = (fromMm: number, toMm: number): SeenStretch => ({ fromMm, toMm, unseen: 0, reason: null });
function seen(rig: Rig, fromMm: number, toMm: number, more: { isAnew?: boolean; stretch?: Partial<SeenStretch> } = {}) {
  const { isAnew = false, stretch = {} } = more;
  rig.pipeline.fabric.seen({
    machine: 'ck-1',
    model: 'fabric-anomaly@1.0.0',
    isSimulated: true,
    newestMm: toMm,
    isAnew,
    stretches: [{ ...whole(fromMm, toMm), ...stretch }],
  });
}
const eventsOf = (rig: Rig): EventRecord[] => rig.records.filter((record) => record.kind === 'event');
const rowsOf = (rig: Rig, roll: number): RollRow[] => {
  const rows = eventsOf(rig)
    .filter(({ event }) => /^(roll_|fabric_finding)/.test(event))
    .map((record) => ({ boot, record }));
  return rows.slice(rows.findIndex(({ record }) => record.event === 'roll_begun' && record.data['roll'] === roll));
};
const mapOf = (rig: Rig, roll: number) => foldRoll('ck-1', rowsOf(rig, roll))?.contents;

test('D1: a fault is told with its roll and its metres there, wherever the eye counts from', () => {
  const rig = new Rig({ machines });
  seen(rig, 5000, 6000, { isAnew: true });
  rig.pipeline.fabric.told(needleLine());
  const [opened] = rig.events('fabric_finding');
  assert.deepEqual(
    [opened?.data['roll'], opened?.data['rollFromM'], opened?.data['rollToM'], opened?.data['eye']],
    [1, 0.2, 0.3, 0],
  );
  const evidence = rig.alerts()[0]?.evidence;
  assert.deepEqual([evidence?.['roll'], evidence?.['rollFromM']], [1, 0.2]);
});

test('D4: what was looked at is told within a minute, and before a fault that is told', () => {
  const rig = new Rig({ machines });
  const told = () => rig.events('roll_looked').map(({ data }) => [data['fromM'], data['toM']]);
  seen(rig, 0, 1000, { isAnew: true });
  assert.deepEqual(told(), [[0, 1]]);
  seen(rig, 1000, 1500);
  assert.deepEqual(told(), [[0, 1]]);
  rig.pipeline.fabric.told(needleLine({ rollFromMm: 1400, rollToMm: 1450 }));
  assert.deepEqual(told(), [
    [0, 1],
    [1, 1.5],
  ]);
  for (let mm = 1500; mm < 3500; mm += 100) {
    rig.pass(4_000);
    seen(rig, mm, mm + 100);
  }
  const last = rig.events('roll_looked').at(-1);
  assert.ok(rig.wallMs - Number(last?.atMs) <= 60_000);
  assert.deepEqual(
    eventsOf(rig)
      .map(({ event }) => event)
      .filter((event) => event.startsWith('fabric_finding')),
    ['fabric_finding'],
  );
});

test('F5: a line that is there when a roll begins lies on both, and both maps have it to the end of its cloth', () => {
  const rig = new Rig({ machines });
  seen(rig, 0, 10_000, { isAnew: true });
  rig.pipeline.fabric.told(needleLine({ rollFromMm: 4000, rollToMm: 4200 }));
  const { roll } = rig.pipeline.fabric.rollBegin('ck-1', 'R-18');
  assert.deepEqual(roll, { number: 2, id: 'R-18' });
  seen(rig, 10_000, 12_000);
  rig.pipeline.fabric.told(needleLine({ phase: 'closed', rollFromMm: 4000, rollToMm: 11_500 }));
  const [first, second] = [mapOf(rig, 1), mapOf(rig, 2)];
  assert.deepEqual([first?.roll.lengthMm, second?.roll.id], [10_000, 'R-18']);
  const places = [first, second].map((map) => map?.defects.map(({ fromMm, toMm, needle }) => [fromMm, toMm, needle]));
  assert.deepEqual(places, [[[4000, 10_000, 1207]], [[0, 1500, 1207]]]);
  assert.deepEqual(first?.gaps, []);
  assert.equal(rig.alerts().filter(({ transition }) => transition === 'raised').length, 1);
});

test('a line that had ended before the roll began is not on it', () => {
  const rig = new Rig({ machines });
  seen(rig, 0, 10_000, { isAnew: true });
  rig.pipeline.fabric.told(needleLine({ rollFromMm: 4000, rollToMm: 4200 }));
  rig.pipeline.fabric.rollBegin('ck-1', null);
  rig.pipeline.fabric.told(needleLine({ phase: 'closed', rollFromMm: 4000, rollToMm: 9_900 }));
  assert.deepEqual(mapOf(rig, 2)?.defects, []);
});

test('the machine’s count of rolls begins one, and goes on over a start of the agent', () => {
  const rig = new Rig({ machines });
  rig.read('ck-1', { 'roll.count': 40, 'revolution.count': 100 });
  seen(rig, 0, 3000, { isAnew: true });
  rig.pass(2_000);
  rig.read('ck-1', { 'roll.count': 41, 'revolution.count': 160 });
  seen(rig, 3000, 4000);
  const begun = (of: Rig) => of.events('roll_begun').map(({ data }) => [data['roll'], data['why'], data['missed']]);
  assert.deepEqual(begun(rig), [
    [1, 'first', 0],
    [2, 'counted', 0],
  ]);
  const recovery = { lastRolls: eventsOf(rig).filter(({ event }) => event.startsWith('roll_')) };
  const next = new Rig({ machines, recovery });
  next.read('ck-1', { 'roll.count': 44, 'revolution.count': 400 });
  seen(next, 0, 500, { isAnew: true });
  assert.deepEqual(begun(next), [[3, 'counted', 2]]);
});

test('D2: a roll goes on over a start: by the machine’s count where it has one, else with a gap of unknown length', () => {
  const before = new Rig({ machines });
  before.read('ck-1', { 'revolution.count': 1000 });
  seen(before, 70_000, 80_000, { isAnew: true });
  const lastRolls = eventsOf(before).filter(({ event }) => event.startsWith('roll_'));
  const counting = new Rig({ machines, recovery: { lastRolls } });
  counting.read('ck-1', { 'revolution.count': 1100 });
  seen(counting, 300, 300, { isAnew: true });
  seen(counting, 300, 1300);
  counting.pipeline.fabric.rollBegin('ck-1', null);
  const looked = (rig: Rig) =>
    rig.events('roll_looked').map(({ data }) => [data['fromM'], data['toM'], data['unseen'], data['reason']]);
  // 100 revolutions of 50 mm.
  assert.deepEqual(looked(counting), [
    [10, 15, 1, 'not-running'],
    [15, 16, 0, null],
  ]);
  assert.equal(counting.events('roll_begun')[0]?.data['endedM'], 16);

  const silent = new Rig({ machines, recovery: { lastRolls } });
  seen(silent, 300, 1300, { isAnew: true });
  silent.pipeline.fabric.rollBegin('ck-1', null);
  assert.deepEqual(looked(silent), [
    [10, 10, 1, 'not-running'],
    [10, 11, 0, null],
  ]);
});

test('an eye whose process is another ends its lines where it looked last, and the roll goes on', () => {
  const rig = new Rig({ machines });
  seen(rig, 0, 5000, { isAnew: true });
  rig.pipeline.fabric.told(needleLine({ rollFromMm: 1000, rollToMm: 1100 }));
  seen(rig, 5000, 6000);
  rig.pipeline.fabric.anew('ck-1');
  seen(rig, 0, 1000, { isAnew: true });
  rig.pipeline.fabric.told(needleLine({ rollFromMm: 200, rollToMm: 300 }));
  const map = mapOf(rig, 1);
  assert.deepEqual(
    map?.defects.map(({ id, fromMm, toMm }) => [id, fromMm, toMm]),
    [
      [1, 1000, 6000],
      [2, 6200, 7000],
    ],
  );
  assert.deepEqual(map.gaps, [{ fromMm: 6000, toMm: 6000, share: 1, reason: 'not-running' }]);
});

test('D3: faults beyond the bound raise their alert, are not told, and are counted', () => {
  const rig = new Rig({ machines });
  seen(rig, 0, 1000, { isAnew: true });
  const hole = needleLine({ class: 'hole', shape: 'spot', rollFromMm: 500, rollToMm: 505 });
  for (let id = 1; id <= mostFaults + 3; id += 1) rig.pipeline.fabric.told({ ...hole, id });
  rig.pipeline.fabric.told(needleLine({ id: 9_999, rollFromMm: 600, rollToMm: 700 }));
  rig.pipeline.fabric.told(needleLine({ id: 9_999, rollFromMm: 600, rollToMm: 800, phase: 'closed' }));
  assert.equal(rig.events('fabric_finding').length, mostFaults);
  assert.ok(rig.alerts().some(({ rule }) => rule === 'eye-needle-line'));
  seen(rig, 1000, 2000);
  rig.pipeline.fabric.rollBegin('ck-1', null);
  assert.equal(mapOf(rig, 1)?.dropped, 4);
});

test('a machine without an eye has no rolls', () => {
  const rig = new Rig({ machines: [setupOf('ck-1', circular)] });
  seen(rig, 0, 1000, { isAnew: true });
  assert.equal(rig.pipeline.fabric.rollBegin('ck-1', null).roll, null);
  assert.deepEqual(rig.events('roll_begun'), []);
});

test('who taught a cloth is an event of its machine, and of no other', async () => {
  const rig = new Rig({ machines });
  const taught = { fabric: 'single-jersey', version: 3, images: 12, by: 'omar' };
  await rig.pipeline.fabric.clothTaught('ck-1', taught);
  await rig.pipeline.fabric.clothTaught('ck-9', taught);
  assert.deepEqual(
    rig.events('cloth_taught').map(({ machine, phase, data }) => ({ machine, phase, data })),
    [{ machine: 'ck-1', phase: 'instant', data: taught }],
  );
});
