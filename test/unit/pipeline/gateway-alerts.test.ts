import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eight, Rig, standing } from './rig.ts';

test('a database that was put aside is an alert that stays until somebody has seen it, also over a restart', () => {
  const file = '/data/journal.db.bad-20260105T080000Z (12 rows saved)';
  const rig = new Rig({ recovery: { quarantined: [file] } });
  const steps = rig.alerts();
  assert.deepEqual(
    steps.map(({ machine, type, transition, state }) => [machine, type, transition, state]),
    [
      ['gateway', 'storage_damaged', 'raised', 'active-unacked'],
      ['gateway', 'storage_damaged', 'returned', 'returned-unacked'],
    ],
  );
  assert.equal(steps[0]?.evidence['files'], file);
  assert.equal(rig.pipeline.alertsView().length, 1);
  assert.match(rig.pipeline.alertsView()[0]?.runbook ?? '', /\.bad file/);
  const last = steps.at(-1);
  assert.ok(last !== undefined);
  const next = new Rig({ recovery: { openOccurrences: [last] } });
  const occurrence = next.pipeline.alertsView()[0]?.record.occurrence ?? '';
  assert.equal(occurrence, last.occurrence);
  next.pipeline.alertAction(occurrence, { kind: 'ack', actor: 'amina', comment: null });
  assert.deepEqual(next.pipeline.alertsView(), []);
});

test('while the disk is full there is one alert, and it returns when there is room', () => {
  const rig = new Rig();
  rig.pipeline.gateway.storeFull(false);
  assert.deepEqual(rig.alerts(), []);
  for (let i = 0; i < 3; i++) {
    rig.pipeline.gateway.storeFull(true);
    rig.pass(1_000);
  }
  rig.pipeline.gateway.storeFull(false);
  assert.deepEqual(
    rig.alerts().map(({ type, transition, priority }) => [type, transition, priority]),
    [
      ['storage_full', 'raised', 'urgent'],
      ['storage_full', 'returned', 'urgent'],
    ],
  );
});

test('what the journal did not take is told once, with its span, as soon as it takes something again', async () => {
  let refuses = false;
  const rig = new Rig({ journal: () => (refuses ? Promise.reject(new RangeError('full')) : Promise.resolve()) });
  rig.read('ls-1', standing);
  refuses = true;
  const fromMs = rig.wallMs + 250;
  rig.move(250);
  rig.read('ls-1', { ...standing, 'error.code': 11 });
  await Promise.resolve();
  rig.move(250);
  const lost = rig.pipeline.counts().lostRecords;
  assert.ok(lost >= 2);
  rig.read('ls-1', standing);
  await Promise.resolve();
  refuses = false;
  rig.move(250);
  rig.read('ls-1', { ...standing, 'error.code': 11 });
  rig.move(250);
  rig.read('ls-1', standing);
  await rig.pipeline.drain();
  const told = rig.events('records_lost');
  const last = told.at(-1);
  const { lostRecords } = rig.pipeline.counts();
  assert.ok(lostRecords > lost);
  assert.deepEqual([last?.fromMs, last?.atMs, last?.data['records']], [fromMs, fromMs + 250, lostRecords]);
  assert.equal(told.filter(({ data }) => data['records'] === lostRecords).length, 1);
  assert.ok((last?.atMs ?? 0) > eight);
});
