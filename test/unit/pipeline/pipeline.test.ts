import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRingBlock } from '../../../agent/ring/block.ts';
import { eight, reference, Rig, setupOf, standing } from './rig.ts';

test('a thread break becomes an alert in the call that brought it, and returns when the code is gone', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  assert.deepEqual(rig.alerts(), []);
  rig.move(250);
  const brokenMs = rig.wallMs;
  rig.read('ls-1', { ...standing, 'error.code': 11 });
  const [raised] = rig.alerts();
  assert.equal(raised?.type, 'thread_break');
  assert.equal(raised?.transition, 'raised');
  assert.equal(raised?.state, 'active-unacked');
  assert.equal(raised?.cause, 'material.thread_break');
  assert.equal(raised?.onsetMs, brokenMs);
  assert.equal(raised?.clearedMs, null);
  assert.equal(rig.urgent.at(-1), true);
  assert.equal(rig.pipeline.machinesView()[0]?.state, 'STOP_MATERIAL');
  rig.move(1000);
  rig.read('ls-1', standing);
  const returned = rig.alerts().at(-1);
  assert.equal(returned?.transition, 'returned');
  assert.equal(returned?.state, 'returned-unacked');
  assert.equal(returned?.clearedMs, brokenMs + 1000);
  assert.equal(returned?.occurrence, raised?.occurrence);
});

test('record numbers rise by one from 1 and none is used twice', () => {
  const rig = new Rig({ options: { openMinuteEveryS: 5 } });
  for (let i = 0; i < 400; i++) {
    rig.pass(250);
    rig.read('ls-1', { ...standing, 'error.code': i % 40 < 20 ? 11 : 0, 'stitch.total': 5000 + i });
  }
  assert.ok(rig.records.length > 100);
  assert.deepEqual(
    rig.records.map((r) => r.n),
    rig.records.map((_, i) => i + 1),
  );
});

test('the first records are the start of the agent and the machines', () => {
  const rig = new Rig();
  assert.deepEqual(
    rig.records.map((r) => (r.kind === 'event' ? r.event : r.kind)),
    ['agent_started', 'machine'],
  );
});

test('a controller reset is one event with all counters that fell', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  rig.move(500);
  rig.read('ls-1', {
    ...standing,
    'stitch.total': 3,
    'trim.count': 0,
    'piece.count': 0,
    'energy.total': 0,
    'needle.stitches': 3,
  });
  const events = rig.events('counter_reset');
  assert.equal(events.length, 1);
  assert.equal(events[0]?.data['signals'], 'stitch.total trim.count piece.count energy.total needle.stitches');
  assert.equal(events[0]?.fromMs, eight);
  assert.equal(events[0]?.atMs, eight + 500);
});

test('no alert comes from a gap but offline, and offline begins where the machine was last heard', () => {
  const rig = new Rig({ overrides: { offline: { afterS: 4 } } });
  rig.read('ls-1', { ...standing, 'error.code': 11 });
  const heardMs = rig.wallMs;
  rig.pass(1000);
  rig.gap('ls-1', 'opened', heardMs);
  assert.equal(rig.pipeline.machinesView()[0]?.state, 'UNKNOWN');
  rig.pass(2800);
  assert.deepEqual(
    rig.alerts().map((a) => a.type),
    ['thread_break'],
    'neither offline too early nor the thread break cleared',
  );
  rig.pass(400);
  const offline = rig.alerts().at(-1);
  assert.equal(offline?.type, 'offline');
  assert.equal(offline?.onsetMs, heardMs);
  assert.equal(rig.pipeline.machinesView()[0]?.state, 'OFFLINE');
  rig.pass(5000);
  rig.gap('ls-1', 'closed', heardMs);
  rig.read('ls-1', standing);
  assert.deepEqual(
    rig.alerts().map((a) => `${a.type} ${a.transition}`),
    ['thread_break raised', 'offline raised', 'offline returned', 'thread_break returned'],
  );
  assert.equal(rig.alerts().find((a) => a.type === 'offline' && a.transition === 'returned')?.clearedMs, rig.wallMs);
  assert.deepEqual(
    rig.events('gap').map((e) => [e.phase, e.fromMs, e.data['reason']]),
    [
      ['opened', heardMs, 'timeout'],
      ['closed', heardMs, 'timeout'],
    ],
  );
});

test('a bad reading raises nothing, clears nothing and is shown as bad', () => {
  const rig = new Rig();
  rig.read('ls-1', { ...standing, 'error.code': 11 });
  rig.pass(250);
  rig.read('ls-1', { ...standing, 'error.code': null });
  assert.deepEqual(
    rig.alerts().map((a) => a.transition),
    ['raised'],
  );
  const view = rig.pipeline.machinesView()[0];
  assert.equal(view?.state, 'UNKNOWN');
  assert.equal(view?.signals.find((s) => s.signal === 'error.code')?.value, null);
});

test('counter deltas of the minutes add up to the true increase through a wrap, and a minute says where it began', () => {
  const rig = new Rig();
  let pieces = 65_500;
  const startValue = pieces;
  for (let i = 0; i < 4 * 130; i++) {
    rig.pass(250);
    if (i % 4 === 0) pieces++;
    rig.read('ls-1', { ...standing, 'piece.count': pieces % 65_536 });
  }
  rig.pass(70_000);
  const minutes = rig.summaries('piece.count').filter((s) => s.counter !== null);
  const total = minutes.reduce((sum, s) => sum + (s.counter?.delta ?? 0), 0);
  assert.equal(total, pieces - startValue - 1, 'from the first good reading on');
  assert.equal(
    minutes.reduce((sum, s) => sum + (s.counter?.wraps ?? 0), 0),
    1,
  );
  for (const [i, minute] of minutes.entries()) {
    assert.equal(minute.counter?.uncertainty, 0);
    if (i > 0) assert.equal(minute.counter?.fromMs, minutes[i - 1]?.counter?.toMs);
  }
});

test('seconds by state add up to 60 in a full minute, OFFLINE and UNKNOWN included', () => {
  const rig = new Rig({ overrides: { offline: { afterS: 4 } } });
  rig.pass(10_000);
  rig.read('ls-1', standing);
  for (let i = 0; i < 80; i++) {
    rig.pass(250);
    rig.read('ls-1', { ...standing, 'status.running': i >= 40 });
  }
  const heardMs = rig.wallMs;
  rig.pass(3000);
  rig.gap('ls-1', 'opened', heardMs);
  rig.pass(15_000);
  rig.gap('ls-1', 'closed', heardMs);
  rig.read('ls-1', standing);
  rig.pass(40_000);
  const [first] = rig.stateSummaries();
  assert.equal(first?.minuteMs, eight);
  assert.deepEqual(first?.seconds, { UNKNOWN: 10, IDLE: 22.25, RUN: 9.75, OFFLINE: 18 });
  assert.equal(rig.stateSummaries().length, 1, 'one revision when only whole minutes are sent');
});

test('the ring gets changes, not repetitions, and every block ends with the last reading of its time', () => {
  const rig = new Rig();
  for (let i = 0; i < 100; i++) {
    rig.read('ls-1', { ...standing, 'spindle.speed': (i % 2) * 20, 'stitch.total': 5000 + Math.floor(i / 10) });
    rig.pass(250);
  }
  const points = rig.blocks.flatMap((block) => decodeRingBlock(block.bytes));
  assert.equal(points.filter((p) => p.signal === 'spindle.speed').length, 1, 'within the deadband');
  assert.equal(points.filter((p) => p.signal === 'stitch.total').length, 10);
  assert.ok(rig.blocks.length >= 4);
  for (const [i, block] of rig.blocks.entries()) {
    const next = rig.blocks[i + 1];
    if (next !== undefined) assert.ok(next.fromMs - block.toMs <= 250);
  }
});

test('drain seals the open minute, empties the ring and says goodbye', async () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  rig.pass(1000);
  rig.read('ls-1', { ...standing, 'stitch.total': 5020 });
  await rig.pipeline.drain();
  assert.equal(rig.summaries('stitch.total').at(-1)?.counter?.delta, 20);
  assert.equal(rig.blocks.length, 1);
  const last = rig.records.at(-1);
  assert.equal(last?.kind === 'event' && last.event, 'agent_stopped');
});

test('what becomes known of a machine while it is watched reaches people and the bridge, once', () => {
  const rig = new Rig();
  const described = () => rig.records.filter((r) => r.kind === 'machine');
  rig.pipeline.setLabels([
    { id: 'ls-1', name: 'Lockstitch 1', line: 'line-9', station: '4' },
    { id: 'nobody', name: 'x', line: null, station: null },
  ]);
  rig.pipeline.setIdentification('ls-1', { Manufacturer: 'Acme', SerialNumber: '77' });
  rig.pipeline.setIdentification('ls-1', { Manufacturer: 'Acme', SerialNumber: '77' });
  assert.equal(described().length, 3);
  const last = described().at(-1);
  assert.deepEqual(last?.kind === 'machine' && [last.line, last.station, last.identification], [
    'line-9',
    '4',
    { Manufacturer: 'Acme', SerialNumber: '77' },
  ]);
  const [view] = rig.pipeline.machinesView();
  assert.deepEqual([view?.name, view?.line, view?.station], ['Lockstitch 1', 'line-9', '4']);
});

test('a code that no table explains is shown with the machine as long as it stands', () => {
  const rig = new Rig();
  rig.read('ls-1', { ...standing, 'error.code': 77 });
  assert.deepEqual(rig.pipeline.machinesView()[0]?.unknownCodes, [{ signal: 'error.code', code: '77' }]);
  assert.equal(rig.events('unknown_code').length, 1);
  rig.move(250);
  rig.read('ls-1', standing);
  assert.deepEqual(rig.pipeline.machinesView()[0]?.unknownCodes, []);
});

test('people are shown why a machine cannot be read now, not why it could not at first', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  rig.gap('ls-1', 'opened', rig.wallMs, 'connection-lost');
  const reason = 'server-certificate-not-trusted';
  rig.pipeline.accept({ kind: 'trouble', machine: 'ls-1', atMs: rig.wallMs, reason });
  assert.equal(rig.pipeline.machinesView()[0]?.gap?.reason, reason);
  rig.pass(31_000);
  assert.equal(rig.alerts().at(-1)?.evidence['reason'], reason);
});

test('a gap or an outage that was open when the process before ended is closed at the start, with that reason', () => {
  const openSpans = [{ machine: 'gateway', event: 'uplink_outage', fromMs: eight - 9_000 }];
  const rig = new Rig({ recovery: { openSpans } });
  const [closed, ...more] = rig.events('uplink_outage');
  assert.deepEqual(more, []);
  assert.deepEqual(
    [closed?.phase, closed?.fromMs, closed?.atMs, closed?.data],
    ['closed', eight - 9_000, eight, { reason: 'agent-restarted' }],
  );
});

test('P2: whatever cannot be used is counted by its reason', () => {
  const rig = new Rig();
  rig.read('nobody', { 'spindle.speed': 1 });
  rig.read('ls-1', { 'no.such.signal': 1, ...standing });
  const reading = (atMs: number) => rig.reading('ls-1', 'spindle.speed', 7, atMs);
  // Ahead of our clock, and of last week: booked at their receipt.
  rig.pipeline.accept({ kind: 'readings', machine: 'ls-1', readings: [reading(rig.wallMs + 60_000)] });
  rig.pipeline.accept({ kind: 'readings', machine: 'ls-1', readings: [reading(rig.wallMs - 604_800_000)] });
  rig.pass(300_000);
  // Received long ago by the driver, handed over only now: its minute is closed for good.
  const late = { ...rig.reading('ls-1', 'spindle.speed', 7, eight), receivedTimeMs: eight, monotonicMs: 5_000 };
  rig.pipeline.accept({ kind: 'readings', machine: 'ls-1', readings: [late] });
  const { unknownMachine, unknownSignal, sourceTimeUnusable, tooLate } = rig.pipeline.counts();
  assert.deepEqual(
    { unknownMachine, unknownSignal, sourceTimeUnusable, tooLate },
    {
      unknownMachine: 1,
      unknownSignal: 1,
      sourceTimeUnusable: 2,
      tooLate: 1,
    },
  );
});

test('a reading that was stamped before the wall clock was set back does not hide those after it', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  rig.move(250);
  const stamped = Object.entries(standing).map(([signal, value]) => rig.reading('ls-1', signal, value));
  // The clock is set back by an hour while the poll is still under way.
  rig.wallMs -= 3_600_000;
  rig.move(20);
  rig.pipeline.accept({ kind: 'readings', machine: 'ls-1', readings: stamped });
  rig.move(250);
  rig.read('ls-1', { ...standing, 'error.code': 21, 'stitch.total': 5007 });
  assert.equal(rig.pipeline.machinesView()[0]?.state, 'FAULT');
  assert.equal(rig.alerts().at(-1)?.type, 'motor_overload');
});

test('fifty minutes are not folded in one turn, and all of them within seconds', () => {
  const machines = Array.from({ length: 50 }, (_, i) => setupOf(`m-${i}`, reference));
  const rig = new Rig({ machines });
  for (const { id } of machines) rig.read(id, standing);
  rig.move(66_000);
  const perTick: number[] = [];
  for (let i = 0; i < 15; i++) {
    const before = rig.records.length;
    rig.move(200);
    rig.pipeline.tick();
    const sealed = rig.records.slice(before).filter((r) => r.kind === 'state-summary');
    perTick.push(sealed.length);
  }
  assert.ok(Math.max(...perTick) <= 5, perTick.join());
  assert.equal(
    perTick.reduce((a, b) => a + b, 0),
    50,
  );
});

test('the bounds of a reset are those of the times the source told, to the millisecond', () => {
  const rig = new Rig();
  rig.read('ls-1', standing);
  const { maxRatePerS = 0 } =
    reference.signals['piece.count']?.kind === 'counter' ? reference.signals['piece.count'] : {};
  assert.ok(maxRatePerS > 0);
  // The two clocks are read one after the other: they never agree to the fraction of a millisecond.
  rig.wallMs += 1207;
  rig.monotonicMs += 1208.6;
  rig.read('ls-1', {
    ...standing,
    'stitch.total': 0,
    'trim.count': 0,
    'piece.count': 0,
    'energy.total': 0,
    'needle.stitches': 0,
  });
  const uncertainty = rig.events('counter_reset')[0]?.data['piece.count uncertainty'];
  assert.ok(Math.abs(Number(uncertainty) - (1.2 * maxRatePerS * 1.207 + 1)) < 1e-9, String(uncertainty));
});
