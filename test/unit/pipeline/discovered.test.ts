import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DiscoveredSignals } from '../../../agent/discovered.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { SignalSpec } from '../../../drivers/profiles/schema.ts';
import { Rig, setupOf } from './rig.ts';

const generic = loadProfile('opcua-machinery', []);
const base = { unit: 'CEL', scale: 1, offset: 0, notANumber: [], poll: 'normal', from: { path: ['x'] } };
const gauge: SignalSpec = { ...base, kind: 'gauge', deadband: 0, heartbeatS: 60, summarise: true };
const counter: SignalSpec = { ...base, kind: 'counter', wrapsAt: 65_536, maxRatePerS: 100, heartbeatS: 60 };
const states = { 'item.state': 'Executing', 'operation.mode': 'Processing' };

function grown(): Rig {
  const rig = new Rig({ machines: [setupOf('m-1', generic)] });
  rig.read('m-1', states);
  rig.pipeline.addSignals('m-1', { 'motor.temp': gauge, 'piece.count': counter });
  return rig;
}

test('a signal that is found while the machine runs is shown, summarised, counted and told to the bridge', () => {
  const rig = grown();
  for (let i = 0; i <= 60; i++) {
    rig.read('m-1', { ...states, 'motor.temp': 40 + i, 'piece.count': 10 + i });
    rig.pass(1000);
  }
  rig.pass(10_000);
  const shown = new Map(rig.pipeline.machinesView()[0]?.signals.map((one) => [one.signal, one.value]));
  assert.deepEqual([...shown.keys()], ['item.state', 'operation.mode', 'motor.temp', 'piece.count']);
  assert.equal(shown.get('motor.temp'), 100);
  assert.equal(rig.summaries('motor.temp')[0]?.min, 40);
  assert.equal(
    rig.summaries('piece.count').reduce((sum, one) => sum + (one.counter?.delta ?? 0), 0),
    59,
  );
  const machines = rig.records.filter((record) => record.kind === 'machine');
  assert.deepEqual(
    machines.at(-1)?.signals.map(({ signal }) => signal),
    [...shown.keys()],
  );
  assert.equal(rig.pipeline.counts().unknownSignal, 0);
});

test('a rule about a signal judges it as soon as it is found', () => {
  const rig = grown();
  for (let i = 0; i < 70; i++) {
    rig.read('m-1', { ...states, 'motor.temp': 120 });
    rig.pass(1000);
  }
  assert.deepEqual(
    rig.alerts().map(({ type, transition }) => `${type} ${transition}`),
    ['motor_hot raised'],
  );
});

test('the same found again changes nothing, and numbers of signals stay', () => {
  const rig = grown();
  const before = rig.records.length;
  rig.pipeline.addSignals('m-1', { 'piece.count': counter });
  assert.equal(rig.records.length, before);
  rig.pipeline.addSignals('m-1', { 'cam.temp': gauge });
  rig.read('m-1', { 'piece.count': 7, 'cam.temp': 30 });
  const shown = new Map(rig.pipeline.machinesView()[0]?.signals.map((one) => [one.signal, one.value]));
  assert.deepEqual([shown.get('piece.count'), shown.get('cam.temp')], [7, 30]);
});

test('an alarm of the machine is an alert with its message and the priority of its severity, and returns with it', () => {
  const rig = grown();
  const condition = { kind: 'condition', machine: 'm-1', name: 'condition.high.door', atMs: rig.wallMs } as const;
  rig.pipeline.accept({ ...condition, active: true, text: 'Safety door open' });
  const [raised] = rig.alerts();
  assert.deepEqual(
    [raised?.type, raised?.priority, raised?.cause, raised?.transition],
    ['machine_condition', 'high', 'condition.high.door', 'raised'],
  );
  assert.match(String(raised?.text), /Safety door open/);
  rig.pass(1000);
  rig.pipeline.accept({ ...condition, active: false, text: null });
  assert.equal(rig.alerts().at(-1)?.transition, 'returned');
});

test('connected but no data is an alert of its own; a gap neither clears nor repeats it', () => {
  const rig = grown();
  const condition = { kind: 'condition', machine: 'm-1', name: 'connection.no_data', atMs: rig.wallMs } as const;
  rig.pipeline.accept({ ...condition, active: true, text: 'Connected, but no data' });
  rig.gap('m-1', 'opened', rig.wallMs, 'no-data');
  rig.pass(2000);
  rig.gap('m-1', 'closed', rig.wallMs - 2000, 'no-data');
  rig.read('m-1', states);
  rig.pass(2000);
  assert.deepEqual(
    rig.alerts().map(({ type, transition }) => `${type} ${transition}`),
    ['no_data raised'],
  );
  rig.pipeline.accept({ ...condition, active: false, text: null });
  assert.deepEqual(rig.alerts().at(-1)?.transition, 'returned');
});

test('what a source remembers of a gap counts: covered time, counters and states, of its signals alone', () => {
  const rig = grown();
  rig.pipeline.addSignals('m-1', { 'cam.temp': gauge });
  rig.read('m-1', { ...states, 'motor.temp': 40, 'piece.count': 10, 'cam.temp': 20 });
  const fromMs = rig.wallMs;
  rig.pass(5_000);
  rig.gap('m-1', 'opened', fromMs);
  // Longer than late readings are taken in.
  rig.pass(300_000);
  rig.gap('m-1', 'closed', fromMs);
  const toMs = rig.wallMs;
  const readings = [0, 1, 2, 3, 4].flatMap((minute) => [
    rig.reading('m-1', 'motor.temp', 50, fromMs + minute * 60_000 + 1_000),
    rig.reading('m-1', 'piece.count', 20 + 10 * minute, fromMs + minute * 60_000 + 1_000),
  ]);
  rig.pipeline.accept({ kind: 'readings', machine: 'm-1', readings, past: { fromMs, toMs } });
  rig.read('m-1', { ...states, 'motor.temp': 60, 'piece.count': 70, 'cam.temp': 21 });
  rig.pass(130_000);
  const last = <T extends { minuteMs: number; revision: number }>(all: readonly T[]): T[] => {
    const byMinute = new Map<number, T>();
    for (const one of all) byMinute.set(one.minuteMs, one);
    return [...byMinute.values()];
  };
  const covered = (signal: string) =>
    last(rig.summaries(signal))
      .filter((one) => one.minuteMs >= fromMs && one.minuteMs < fromMs + 300_000)
      .reduce((sum, one) => sum + one.coveredS, 0);
  assert.equal(covered('motor.temp'), 300);
  assert.equal(covered('cam.temp'), 0, 'of this one nothing is remembered');
  assert.equal(
    last(rig.summaries('piece.count')).reduce((sum, one) => sum + (one.counter?.delta ?? 0), 0),
    60,
  );
  assert.equal(rig.pipeline.counts().tooLate, 0);
  assert.equal(rig.pipeline.counts().sourceTimeUnusable, 0);
  assert.equal(rig.events('gap').at(-1)?.fromMs, fromMs, 'the gap is told all the same');
});

test('what was found is known at once after a restart, in its place; a spoilt file is as none', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-found-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const complaints: string[] = [];
  const open = () => new DiscoveredSignals(dir, (error) => complaints.push(error));
  const first = open();
  first.remember('m-1', 'opcua-machinery', { 'motor.temp': gauge });
  first.remember('m-1', 'opcua-machinery', { 'piece.count': counter, 'motor.temp': { ...gauge, unit: 'KEL' } });
  const { signals } = open().extend('m-1', generic);
  assert.deepEqual(Object.keys(signals), ['item.state', 'operation.mode', 'motor.temp', 'piece.count']);
  assert.equal(signals['motor.temp']?.unit, 'KEL');
  assert.equal(open().extend('m-2', generic), generic);
  const other = loadProfile('knit-circular-opcua', []);
  assert.equal(open().extend('m-1', other), other, 'found with another profile');
  assert.deepEqual(complaints, []);
  writeFileSync(join(dir, 'discovered.json'), '{"version": 1, "machines": {"m-1": 7}}');
  assert.equal(open().extend('m-1', generic), generic);
  assert.equal(complaints.length, 1);
  open().remember('m-1', 'opcua-machinery', { 'motor.temp': gauge });
  assert.match(readFileSync(join(dir, 'discovered.json'), 'utf8'), /motor\.temp/);
});
