/** What people do with open alerts, through the pipeline: its events, its steps, and what stands after a start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostActs, type ActSaid } from '../../../agent/alerts/acts.ts';
import type { AlertRecord } from '../../../cloud-bridge/contract.ts';
import { eight, oddSound, reference, Rig, setupOf } from './rig.ts';

/** A rig with one open alert of the ear: its condition holds until `over()`. */
function begin() {
  const rig = new Rig();
  const raise = () => rig.pipeline.sound.began(oddSound({ sinceMs: rig.wallMs })).occurrence ?? assert.fail('no alert');
  const over = () => rig.pipeline.sound.ended('ls-1', rig.wallMs);
  const tell = (occurrence: string, said: ActSaid, by = 'omar') => rig.pipeline.acts.told(occurrence, said, by).outcome;
  const shelve = (occurrence: string, forS = 900) =>
    rig.pipeline.alertAction(occurrence, { kind: 'shelve', actor: 'omar', forS, comment: null }).outcome;
  const view = () => rig.pipeline.alertsView()[0];
  return { rig, raise, over, tell, shelve, view };
}
const close = { kind: 'close', cause: 'needle', action: 'replaced-needle', comment: 'bent' } as const;
const steps = (rig: Rig, occurrence: string) =>
  rig
    .alerts()
    .filter((record) => record.occurrence === occurrence)
    .map(({ transition, state, actor }) => `${transition} ${state} ${actor}`);

test('who has it and comments are events of the machine that name the occurrence, and stand in its view', () => {
  const { rig, raise, tell, view } = begin();
  const occurrence = raise();
  assert.equal(view()?.acts, null);
  rig.move(1000);
  assert.equal(tell(occurrence, { kind: 'assign', to: 'asha' }), 'done');
  assert.equal(tell(occurrence, { kind: 'assign', to: 'asha' }, 'asha'), 'not-open');
  assert.equal(tell(occurrence, { kind: 'comment', text: 'listening' }), 'done');
  assert.deepEqual(
    rig.events('alert_act').map(({ machine, phase, data }) => [machine, phase, data]),
    [
      ['ls-1', 'instant', { occurrence, act: 'assign', by: 'omar', to: 'asha' }],
      ['ls-1', 'instant', { occurrence, act: 'comment', by: 'omar', text: 'listening' }],
    ],
  );
  const acts = view()?.acts;
  assert.deepEqual(acts?.assigned, { to: 'asha', by: 'omar', atMs: eight + 1000 });
  assert.deepEqual(acts?.comments, [{ text: 'listening', by: 'omar', atMs: eight + 1000 }]);
  assert.deepEqual(steps(rig, occurrence), ['raised active-unacked null']);
});

test('closing one that still holds acknowledges it, keeps the cause, and it closes itself when it is over', () => {
  const { rig, raise, over, tell, view } = begin();
  const occurrence = raise();
  assert.equal(tell(occurrence, close), 'done');
  assert.equal(rig.pipeline.acts.state(occurrence), 'active-acked');
  assert.equal(view()?.acts?.closing?.cause, 'needle');
  assert.equal(tell(occurrence, close), 'not-open');
  assert.equal(tell(occurrence, { ...close, action: 'oiled' }), 'done');
  over();
  assert.equal(rig.pipeline.acts.state(occurrence), 'normal');
  assert.deepEqual(steps(rig, occurrence), [
    'raised active-unacked null',
    'acked active-acked omar',
    'returned normal null',
    'closed normal null',
  ]);
  assert.equal(tell(occurrence, { kind: 'comment', text: 'too late' }), 'unknown-occurrence');
  assert.equal(rig.events('alert_act').length, 2);
});

test('closing one that is over closes it at once, also from the shelf, and the act leaves before the steps (K2)', () => {
  for (const isShelved of [false, true]) {
    const { rig, raise, over, tell, shelve } = begin();
    const occurrence = raise();
    if (isShelved) assert.equal(shelve(occurrence), 'done');
    over();
    assert.equal(rig.pipeline.acts.state(occurrence), isShelved ? 'shelved' : 'returned-unacked');
    assert.equal(tell(occurrence, close), 'done');
    assert.equal(rig.pipeline.acts.state(occurrence), 'normal');
    const after = rig.records.slice(rig.records.findIndex(({ kind, n }) => kind === 'event' && n > 3));
    const [act, ...rest] = after.slice(after.findIndex((r) => r.kind === 'event' && r.event === 'alert_act'));
    assert.equal(act?.kind, 'event');
    assert.ok(rest.length >= 2 && rest.every(({ kind }) => kind === 'alert'));
    assert.equal((rest.at(-1) as AlertRecord).transition, 'closed');
  }
});

test('an act on an old occurrence touches no new one of the same machine and rule (K1)', () => {
  const { rig, raise, over, tell, shelve } = begin();
  const old = raise();
  tell(old, { kind: 'assign', to: 'asha' });
  tell(old, close);
  over();
  rig.move(60_000);
  const fresh = raise();
  assert.notEqual(fresh, old);
  assert.equal(rig.pipeline.alertsView()[0]?.acts, null);
  for (const said of [close, { kind: 'comment', text: 'x' }, { kind: 'assign', to: null }] as const)
    assert.equal(tell(old, said), 'unknown-occurrence');
  assert.equal(shelve(old), 'unknown-occurrence');
  assert.equal(rig.pipeline.acts.state(fresh), 'active-unacked');
  assert.equal(rig.pipeline.alertsView()[0]?.acts, null);
});

test('after a start all stands as before it, nothing of it is told again, and it goes with its occurrence (K3)', () => {
  const { rig, raise, tell } = begin();
  const occurrence = raise();
  for (let i = 0; i < 25; i++) tell(occurrence, { kind: 'comment', text: `comment ${i}` });
  tell(occurrence, { kind: 'assign', to: 'asha' });
  tell(occurrence, close);
  const before = rig.pipeline.alertsView()[0]?.acts;
  const last = rig.alerts().at(-1) ?? assert.fail('no record');
  const machines = [setupOf('ls-1', reference, { hasEar: true })];
  const next = new Rig({ machines, recovery: { openOccurrences: [last], openActs: rig.events('alert_act') } });
  assert.deepEqual(next.pipeline.alertsView()[0]?.acts, before);
  assert.deepEqual([before?.comments.length, before?.commentsNotShown, before?.count], [20, 5, 27]);
  assert.deepEqual(next.events('alert_act'), []);
  assert.equal(next.pipeline.acts.told(occurrence, { kind: 'assign', to: 'asha' }, 'omar').outcome, 'not-open');
  // An alert whose rule is gone is closed at the start, and what was done with it goes along.
  const gone = new Rig({
    machines,
    recovery: { openOccurrences: [{ ...last, rule: 'no-such' }], openActs: rig.events('alert_act') },
  });
  assert.deepEqual(gone.pipeline.alertsView(), []);
  assert.equal(
    gone.pipeline.acts.told(occurrence, { kind: 'comment', text: 'x' }, 'omar').outcome,
    'unknown-occurrence',
  );
});

test('an act that could not be stored was not done, and can be said again', async () => {
  let isFull = false;
  const rig = new Rig({ journal: () => (isFull ? Promise.reject(new TypeError('full')) : Promise.resolve()) });
  const occurrence = rig.pipeline.sound.began(oddSound({ sinceMs: rig.wallMs })).occurrence ?? assert.fail('no alert');
  const assign = () => rig.pipeline.acts.told(occurrence, { kind: 'assign', to: 'asha' }, 'omar');
  isFull = true;
  await assert.rejects(assign().durable);
  assert.equal(rig.pipeline.alertsView()[0]?.acts, null);
  isFull = false;
  const again = assign();
  assert.equal(again.outcome, 'done');
  await again.durable;
  assert.equal(rig.pipeline.alertsView()[0]?.acts?.assigned?.to, 'asha');
});

test('more acts than are kept are refused, and closing is no way around it', () => {
  const { raise, tell, rig } = begin();
  const occurrence = raise();
  for (let i = 0; i < mostActs; i++) assert.equal(tell(occurrence, { kind: 'comment', text: String(i) }), 'done');
  assert.equal(tell(occurrence, { kind: 'comment', text: 'one more' }), 'too-many-acts');
  assert.equal(tell(occurrence, close), 'too-many-acts');
  assert.equal(rig.events('alert_act').length, mostActs);
});
