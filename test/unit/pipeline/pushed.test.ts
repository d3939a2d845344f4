/** What the agent makes of machines that talk by themselves: their states by the shipped profiles, through driver and pipeline. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createPipeline } from '../../../agent/pipeline.ts';
import { loadRuleSet, shippedRules } from '../../../agent/rules/load.ts';
import type { MachineView } from '../../../agent/live.ts';
import type { Driver, DriverPorts } from '../../../drivers/contract.ts';
import { createKnitFloorDriver } from '../../../drivers/knit-floor/driver.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import { createStollDriver } from '../../../drivers/stoll/driver.ts';
import { EventLog, realPorts } from '../../contract/driver.ts';
import { Recorder } from '../drivers/stoll-peer.ts';
import { emptyRecovery, setupOf } from './rig.ts';

interface Watched {
  readonly log: EventLog;
  readonly view: () => MachineView;
  readonly events: string[];
  readonly state: (wanted: string) => Promise<void>;
}

/** A driver with the pipeline behind it, as the agent joins them. */
async function watched<D extends Driver>(
  t: TestContext,
  machine: string,
  profile: string,
  make: (ports: DriverPorts) => D,
): Promise<Watched & { readonly driver: D }> {
  const log = new EventLog();
  const events: string[] = [];
  const ports = realPorts(log);
  const pipeline = createPipeline({
    machines: [setupOf(machine, loadProfile(profile, []))],
    rules: loadRuleSet({}, {}, shippedRules()),
    clock: ports.clock,
    recovery: emptyRecovery,
    out: {
      journal: (entries) => {
        for (const { record } of entries) {
          if (record.kind === 'event') events.push(`${record.event} ${JSON.stringify(record.data)}`);
          if (record.kind === 'alert') events.push(`alert ${record.type} ${record.state}`);
        }
        return Promise.resolve();
      },
      ring: () => {},
    },
  });
  const driver = make({
    ...ports,
    sink: (event) => {
      pipeline.accept(event);
      log.sink(event);
    },
  });
  await driver.start(new AbortController().signal);
  t.after(() => driver.stop());
  const view = (): MachineView => pipeline.machinesView()[0] ?? assert.fail('no machine');
  return {
    driver,
    log,
    events,
    view,
    state: (wanted) => log.until(`state ${wanted}`, 5000, () => view().state === wanted),
  };
}

async function flatKnit(t: TestContext) {
  const recorder = new Recorder();
  await recorder.listen();
  t.after(() => recorder.dispose());
  const options = { endpoint: `tcp://127.0.0.1:${recorder.port}`, machine: 'fk-1', backoff: { minMs: 20, maxMs: 50 } };
  const profile = loadProfile('knit-flat-stoll-events', []);
  const floor = await watched(t, 'fk-1', 'knit-flat-stoll-events', (ports) =>
    createStollDriver({ ...options, profile }, ports),
  );
  return { recorder, ...floor };
}
const signalOf = (view: MachineView, name: string) => view.signals.find(({ signal }) => signal === name);

test('a flat knitting machine: every state and cause by its number, and unknown numbers stay visible', async (t) => {
  const { recorder, view, state, log, events } = await flatKnit(t);
  const expected: [number, string, string | null][] = [
    [1, 'RUN', null],
    [3, 'STOP_MATERIAL', 'knit.yarn_feed_fault'],
    [7, 'STOP_MATERIAL', 'knit.fabric_takedown'],
    [5, 'FAULT', 'knit.resistance_stop'],
    [6, 'FAULT', 'knit.needle_fault'],
    [10, 'FAULT', 'knit.shock_stop'],
    [11, 'FAULT', 'knit.racking_error'],
    [2, 'IDLE', 'operator.manual_stop'],
    [4, 'IDLE', 'knit.piece_counter_zero'],
    [8, 'IDLE', 'knit.programming'],
    [9, 'IDLE', 'knit.other'],
  ];
  for (const [id, wanted, cause] of expected) {
    recorder.record(2, id);
    await log.until(`number ${id}`, 5000, () => signalOf(view(), 'mc.state')?.value === id);
    assert.deepEqual([view().state, view().cause], [wanted, cause], `MC_STATE ${id}`);
  }
  recorder.record(2, 57);
  await state('UNKNOWN');
  assert.deepEqual(view().unknownCodes, [{ signal: 'mc.state', code: '57' }]);
  assert.ok(events.some((event) => event.startsWith('unknown_code') && event.includes('57')));
  recorder.record(2, 1);
  recorder.record(1, 2, { param: '66' });
  await state('SETUP');
  recorder.record(1, 2, { param: '130' });
  await state('MAINTENANCE');
  recorder.record(1, 2, { param: '2' });
  await state('RUN');
});

test('a restore makes the state unknown while the machine answers, a cold start as well, a warm one does not', async (t) => {
  const { recorder, view, state, log } = await flatKnit(t);
  recorder.record(1, 1, { param: '/p=Front' });
  recorder.record(2, 1);
  await state('RUN');
  recorder.record(121, 1);
  await state('UNKNOWN');
  assert.equal(view().gap, null);
  assert.equal(signalOf(view(), 'mc.state')?.reason, 'state-unknown');
  recorder.record(1, 1, { param: '/p=Back' });
  recorder.record(2, 1);
  await state('RUN');

  recorder.record(2, 32_002);
  await log.until('a gap', 5000, () => view().gap !== null);
  assert.equal(view().gap?.reason, 'machine-off');
  recorder.record(2, 32_001, { param: '1 /c=010' });
  await state('IDLE');
  assert.equal(signalOf(view(), 'pattern.name')?.value, 'Back');
  assert.equal(signalOf(view(), 'start.mode')?.value, 'warm start');
  recorder.record(2, 1);
  await state('RUN');

  recorder.record(2, 32_002);
  await log.until('a gap', 5000, () => view().gap !== null);
  recorder.record(2, 32_001, { param: '4 /c=010' });
  await log.until('the start', 5000, () => signalOf(view(), 'start.mode')?.value === 'cold start');
  assert.equal(view().state, 'UNKNOWN');
  assert.equal(signalOf(view(), 'pattern.name')?.quality, 'bad');
  recorder.record(2, 1);
  await state('RUN');
});

test('a data gap is a gap of the machine’s own times, and the state behind it is unknown until it is told', async (t) => {
  const { recorder, view, state, log } = await flatKnit(t);
  const now = Date.now();
  recorder.record(2, 1, { time: now - 60_000 });
  await state('RUN');
  recorder.record(121, 4, { time: now - 10_000 });
  await state('UNKNOWN');
  assert.equal(view().gap, null);
  assert.deepEqual(
    log.gaps('fk-1').map(({ phase, fromMs, toMs, reason }) => ({ phase, fromMs, toMs, reason })),
    [
      { phase: 'opened', fromMs: now - 60_000, toMs: null, reason: 'data-gap' },
      { phase: 'closed', fromMs: now - 60_000, toMs: now - 10_000, reason: 'data-gap' },
    ],
  );
  recorder.record(2, 3);
  await state('STOP_MATERIAL');
});

test('a backlog of four days: in order, with its own times, uncertain, and the state is the last one told', async (t) => {
  const { recorder, view, state, log } = await flatKnit(t);
  const begunMs = Date.now() - 100 * 3_600_000;
  const sent: [number, number][] = [];
  for (let i = 0; i < 300; i += 1) {
    const time = begunMs + i * 60_000;
    const id = [1, 3, 1, 6][i % 4] ?? 1;
    recorder.record(2, id, { time });
    sent.push([time, id]);
  }
  const states = () => log.readings('fk-1').filter((one) => one.signal === 'mc.state');
  await log.until('the backlog, and the state as of now', 20_000, () => states().length === 301);
  assert.deepEqual(
    states()
      .map(({ sourceTimeMs, value }) => [sourceTimeMs, value])
      .slice(0, 300),
    sent,
  );
  assert.ok(states().every((one) => one.quality === 'uncertain' && one.reason === 'delivered-late'));
  assert.equal(view().state, 'FAULT');
  recorder.record(2, 1);
  await state('RUN');
  assert.equal(states().at(-1)?.quality, 'good');
});

test('of a backlog that reaches into the last two minutes the state is that of its last event', async (t) => {
  const { recorder, view, log } = await flatKnit(t);
  const now = Date.now();
  // Ten minutes without a connection: the first events are too old for their minutes, the last ones are not.
  for (const [agoS, id] of [
    [600, 1],
    [400, 3],
    [200, 6],
    [60, 3],
    [30, 1],
  ] as const) {
    recorder.record(2, id, { time: now - agoS * 1000 });
  }
  await log.until('five events, and the state as of now', 5000, () => {
    return log.readings('fk-1').filter((one) => one.signal === 'mc.state').length === 6;
  });
  assert.equal(view().state, 'RUN');
  const last = log.readings('fk-1').findLast((one) => one.signal === 'mc.state');
  assert.deepEqual([last?.value, last?.quality], [1, 'good']);
  assert.deepEqual(
    log
      .readings('fk-1')
      .flatMap((one) => (one.signal === 'mc.state' ? [(now - one.sourceTimeMs) / 1000] : []))
      .slice(0, 5),
    [600, 400, 200, 60, 30],
  );
});

test('a sender that begins anew after a broken connection is counted once, and what was known still is', async (t) => {
  const { recorder, view, state, log } = await flatKnit(t);
  recorder.record(2, 1);
  for (let i = 0; i < 20; i += 1) recorder.record(1, 3, { param: String(40 - i) });
  await log.until('20 pieces', 5000, () => signalOf(view(), 'piece.count')?.value === 20);
  await recorder.close();
  await state('UNKNOWN');
  await recorder.restore();
  await log.until('a repetition', 5000, (events) =>
    events.some((event) => event.kind === 'discarded' && event.reason === 'duplicate'),
  );
  assert.notEqual(view().gap, null, 'what is old says nothing of now');
  recorder.send(`{"now":${Date.now()}}\n`);
  await state('RUN');
  recorder.record(1, 3, { param: '20' });
  await log.until('21 pieces', 5000, () => signalOf(view(), 'piece.count')?.value === 21);
  assert.equal(log.readings('fk-1').filter((one) => one.signal === 'piece.count').length, 21);
});

test('a circular knitting machine runs with the green lamp, stops with the red one, and is unknown before a lamp', async (t) => {
  const profile = loadProfile('knit-circular-kf4-tcp', []);
  const { driver, state, view, log } = await watched(t, 'ck-7', 'knit-circular-kf4-tcp', (ports) =>
    createKnitFloorDriver(
      { endpoint: 'knit-floor+tcp-listen://127.0.0.1:0', machines: [{ machine: 'ck-7', unit: 7, profile }] },
      ports,
    ),
  );
  const seven = connect({ host: '127.0.0.1', port: driver.port ?? 0, noDelay: true });
  t.after(() => seven.destroy());
  await once(seven, 'connect');
  seven.write('7\n');
  await log.until('a sign', 3000, () => signalOf(view(), 'status.alive')?.value === true);
  assert.equal(view().state, 'UNKNOWN');
  seven.write('3170027');
  await state('RUN');
  seven.write('3021');
  await state('STOP_MATERIAL');
  seven.write('2011');
  await state('IDLE');
  seven.write('10');
  await state('UNKNOWN');
  // On and off within a packet: the last word counts.
  seven.write('3130');
  await log.until('both', 3000, () => log.readings('ck-7').filter((one) => one.signal === 'lamp.green').length === 4);
  assert.equal(view().state, 'UNKNOWN');
  seven.destroy();
  await log.until('a gap', 3000, () => view().gap !== null);
});
