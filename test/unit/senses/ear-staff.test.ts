import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { AlertRecord, EventRecord } from '../../../cloud-bridge/contract.ts';
import { EarStaff } from '../../../agent/senses/ear/staff.ts';
import { Feedbacks, readLabels } from '../../../agent/senses/ear/labels.ts';
import { keepPrint } from '../../../agent/senses/ear/prints.ts';
import { takeRequest, type EnrolTold } from '../../../agent/senses/ear/requests.ts';
import { keyPair, temporaryDir } from '../models/making.ts';

const machine = 'ls-1';
const evidence = { score: 6, threshold: 5, spread: 0.5, moved: 0, print: 1 };
const alert = (more: object = {}) => ({ machine, rule: 'ear-odd-sound', evidence, ...more }) as unknown as AlertRecord;

function rig(t: Pick<TestContext, 'after'>, fails = false) {
  const dataDir = temporaryDir(t);
  const keys = keyPair();
  const feedbacks = new Feedbacks(dataDir, keys.publicKey, () => undefined);
  const events: EventRecord['data'][] = [];
  const alerts = new Map<string, readonly AlertRecord[]>([['o-1', [alert()]]]);
  const told: { running: EnrolTold | null } = { running: null };
  let print = 1;
  const teach = () => {
    const about = { machine, taughtMs: 7, model: 'ear@1', microphone: 'tcp://x', rateHz: 48_000 };
    const stats = Buffer.from('stats');
    const speeds = [{ speed: 4000, samples: 40, threshold: 5, spread: 0.5, stats, faults: null }];
    print = keepPrint(dataDir, { ...about, levels: { lowDb: -20, highDb: -50 }, speeds }, keys.privateKey).version;
  };
  teach();
  const staff = new EarStaff({
    machines: [machine],
    dataDir,
    keys,
    desk: {
      view: () => ({
        process: null,
        microphones: [],
        model: null,
        faultModel: null,
        onTrial: [],
        feedback: [],
        clips: { kept: 0, removed: 0, failed: 0 },
      }),
      print: () => print,
      feedback: (id) => feedbacks.of(id, print),
      enrolment: () => told.running,
      look: () => undefined,
    },
    occurrence: async (id) => alerts.get(id) ?? [],
    labelled: async (_machine, data) => {
      if (fails) throw new RangeError('disk full');
      events.push(data);
    },
    clock: { wallMs: () => 1_000 },
    log: () => undefined,
  });
  const labels = () => readLabels(dataDir, machine, keys.publicKey);
  return { dataDir, staff, events, alerts, labels, teach, told };
}
const falseAlarm = { said: 'false-alarm', cause: null } as const;
const moved = (answer: object | string) => (typeof answer === 'object' && 'moved' in answer ? answer.moved : answer);

test('B1: a label lies where its alert says, and moves the threshold; only alerts of the ear that say so can be labelled', async (t) => {
  const { staff, alerts, labels } = rig(t);
  assert.equal(
    moved(await staff.label('o-1', { said: 'false-alarm', cause: 'a door' }, 'omar')),
    3,
    'two spreads and one',
  );
  assert.deepEqual(labels(), [
    { occurrence: 'o-1', print: 1, spreads: 2, said: 'false-alarm', cause: 'a door', by: 'omar', atMs: 1_000 },
  ]);
  alerts.set('other', [alert({ rule: 'oil-low' })]);
  alerts.set('old', [alert({ evidence: { score: 6, threshold: 5 } })]);
  alerts.set('elsewhere', [alert({ machine: 'ls-9' })]);
  assert.equal(await staff.label('nothing', falseAlarm, 'omar'), 'unknown-occurrence');
  assert.equal(await staff.label('other', falseAlarm, 'omar'), 'unknown-occurrence');
  assert.equal(await staff.label('elsewhere', falseAlarm, 'omar'), 'unknown-occurrence');
  assert.equal(await staff.label('old', falseAlarm, 'omar'), 'no-print');
});

test('B1: an occurrence that came back is labelled as it was told last', async (t) => {
  const { staff, alerts, labels } = rig(t);
  alerts.set('o-1', [alert(), alert({ evidence: { ...evidence, score: 5.25, moved: 0.5 } })]);
  await staff.label('o-1', falseAlarm, 'omar');
  assert.equal(labels()[0]?.spreads, 1);
});

test('B2: who said what is an event, the same again is none, and taking it back takes its move', async (t) => {
  const { staff, events, labels } = rig(t);
  await staff.label('o-1', { said: 'real', cause: 'bent needle' }, 'omar');
  await staff.label('o-1', { said: 'real', cause: 'bent needle' }, 'asha');
  await staff.label('o-1', falseAlarm, 'asha');
  assert.equal(moved(await staff.takeBack('o-1', 'asha')), 0);
  assert.equal(await staff.takeBack('o-1', 'asha'), 'no-label');
  assert.deepEqual(
    events.map(({ occurrence, said, cause, by, print, spreads }) => [occurrence, said, cause, by, print, spreads]),
    [
      ['o-1', 'real', 'bent needle', 'omar', 1, 2],
      ['o-1', 'false-alarm', null, 'asha', 1, 2],
      ['o-1', null, null, 'asha', 1, 2],
    ],
  );
  assert.deepEqual(labels(), []);
});

test('B2: what cannot be put down moves nothing', async (t) => {
  const { staff, labels } = rig(t, true);
  await assert.rejects(staff.label('o-1', falseAlarm, 'omar'), /disk full/);
  assert.deepEqual([labels(), staff.view(machine)?.moved], [[], 0]);
});

test('B3: two people at once lose no label', async (t) => {
  const { staff, alerts, labels } = rig(t);
  const ids = Array.from({ length: 10 }, (_, i) => `p-${i}`);
  for (const id of ids) alerts.set(id, [alert()]);
  await Promise.all(ids.map((id) => staff.label(id, falseAlarm, 'omar')));
  assert.deepEqual(
    labels().map(({ occurrence }) => occurrence),
    ids,
  );
});

test('a machine that is enrolled anew starts without a move, and a late label of an older alert moves it not', async (t) => {
  const { staff, teach, alerts } = rig(t);
  assert.equal(moved(await staff.label('o-1', falseAlarm, 'omar')), 3);
  teach();
  assert.equal(staff.view(machine)?.moved, 0);
  alerts.set('o-2', [alert()]);
  const late = await staff.label('o-2', falseAlarm, 'omar');
  assert.equal(moved(late), 0);
  assert.equal(staff.view(machine)?.labels.length, 2, 'but it is kept');
});

test('B4: an enrolment is asked for as the command asks, one at a time, with who asks', (t) => {
  const { staff, dataDir, told } = rig(t);
  assert.equal(staff.teach('ls-9', 40, 'omar'), 'no-ear');
  assert.equal(staff.cancel(machine, 'omar'), 'not-running');
  assert.ok(typeof staff.teach(machine, 40, 'omar') === 'object');
  const request = takeRequest(dataDir, machine);
  assert.deepEqual([request?.samples, request?.by], [40, 'omar']);
  const none = { speeds: [], version: null, leftOut: [], reason: null };
  told.running = { id: 'x', state: 'running', by: 'omar', startedMs: 1, wanted: 40, ...none };
  assert.equal(staff.teach(machine, 40, 'asha'), 'busy');
  assert.equal(takeRequest(dataDir, machine), null);
  assert.ok(typeof staff.cancel(machine, 'asha') === 'object');
  assert.equal(takeRequest(dataDir, machine)?.samples, null);
  const view = staff.view(machine);
  assert.deepEqual([view?.teaching?.by, view?.print], ['omar', 1]);
  assert.deepEqual(view?.versions, [{ version: 1, taughtMs: 7, speeds: [{ speed: 4000, samples: 40 }] }]);
  assert.equal(staff.view('ls-9'), null);
});

test('B1: a label of an alert that rounds began says so, in its event too', async (t) => {
  const { staff, alerts, labels, events } = rig(t);
  alerts.set('o-1', [alert({ evidence: { ...evidence, path: 'rounds' } })]);
  const answer = await staff.label('o-1', falseAlarm, 'omar');
  assert.ok(typeof answer === 'object');
  assert.deepEqual([answer.moved, answer.movedRounds, labels()[0]?.path], [0, 3, 'rounds']);
  assert.equal(events[0]?.['path'], 'rounds');
});
