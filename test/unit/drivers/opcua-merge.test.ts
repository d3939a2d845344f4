/** What notifications and the heartbeat's reads tell together, with data values of the library and a clock of our own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reading } from '../../../drivers/contract.ts';
import { MachineFeed, type Moment } from '../../../drivers/feed.ts';
import { loadOpcuaLibrary, toServerValue } from '../../../drivers/opcua/library.ts';
import { heartbeatReadings, notifiedReadings, silentSignals, type Progress } from '../../../drivers/opcua/merge.ts';
import { newSignal, type WatchedSignal } from '../../../drivers/opcua/signal.ts';
import { ServerClock } from '../../../drivers/opcua/time.ts';
import { parseProfile } from '../../../drivers/profiles/load.ts';

const library = await loadOpcuaLibrary();
const beganMs = Date.UTC(2026, 0, 1);
const heartbeatMs = 1_000;
const { signals: specs } = parseProfile(
  `profile: p\nversion: 1\ntitle: t\nkind: other\nprotocol: opcua\nverified: false\nsource: [x]\nsignals:\n  a.b: { kind: gauge, unit: C62, from: { node: "nsu=urn:x;s=A" } }\nstates: [{ state: IDLE }]\n`,
  'p',
);

/** A machine of so many signals with nodes, and a server whose clock is ours. */
function machine(count: number) {
  let nowMs = 0;
  const feed = new MachineFeed('m', {
    clock: { wallMs: () => beganMs + nowMs, monotonicMs: () => nowMs },
    sink: () => undefined,
    log: () => undefined,
  });
  const clock = new ServerClock();
  const signals = Array.from({ length: count }, (_, index): WatchedSignal => {
    const spec = specs['a.b'];
    assert.ok(spec !== undefined);
    const signal = newSignal(`a.b${index}`, spec, clock, (received) => toServerValue(library, received));
    signal.timeline.restart(beganMs);
    signal.place = library.resolveNodeId(`ns=1;s=${index}`);
    return signal;
  });
  const value = (number: number, sourceMs: number, status = library.StatusCodes.Good) =>
    new library.DataValue({
      value: { dataType: library.DataType.Double, value: number },
      statusCode: status,
      sourceTimestamp: new Date(beganMs + sourceMs),
      serverTimestamp: new Date(beganMs + nowMs),
    });
  const at = (): Moment => feed.now();
  return {
    signals,
    value,
    pass: (ms: number) => (nowMs += ms),
    now: () => nowMs,
    notify(values: readonly (readonly [index: number, value: ReturnType<typeof value>])[]): readonly Reading[] {
      const list = values.map(
        ([clientHandle, one]) => new library.MonitoredItemNotification({ clientHandle, value: one }),
      );
      return notifiedReadings(feed, signals, list, at()).readings;
    },
    asked: () => silentSignals(signals, nowMs, heartbeatMs).map((signal) => signals.indexOf(signal)),
    /** @param answer of each signal that is asked for. @param meanwhile what happens while the read is on its way */
    beat(
      answer: (index: number) => ReturnType<typeof value> | undefined,
      progress: Progress = null,
      meanwhile: () => void = () => undefined,
    ) {
      const asked = silentSignals(signals, nowMs, heartbeatMs);
      const sentMs = beganMs + nowMs;
      const read = new Map(asked.map((signal) => [signal, answer(signals.indexOf(signal))] as const));
      meanwhile();
      return heartbeatReadings(feed, signals, { read, sentMs, serverMs: sentMs, heartbeatMs }, progress, at());
    },
  };
}

test('a heartbeat asks for what was not notified since the last one, and for nothing else', () => {
  const m = machine(3);
  assert.deepEqual(m.asked(), [0, 1, 2]);
  m.notify([
    [0, m.value(1, 0)],
    [2, m.value(1, 0)],
  ]);
  m.pass(heartbeatMs - 1);
  assert.deepEqual(m.asked(), [1]);
  m.notify([[2, m.value(2, 999)]]);
  m.pass(1);
  assert.deepEqual(m.asked(), [0, 1]);
  const [, lost] = m.signals;
  assert.ok(lost !== undefined);
  lost.place = 'unknown-node';
  assert.deepEqual(m.asked(), [0]);
  const { readings } = m.beat(() => m.value(1, 0));
  const says = readings.map(({ signal, quality, value }) => [signal, quality, value]);
  assert.deepEqual(says, [
    ['a.b0', 'good', 1],
    ['a.b1', 'bad', null],
  ]);
});

test('a machine has a value as long as one signal has one, be it read now or notified of late', () => {
  const { BadNoCommunication } = library.StatusCodes;
  const m = machine(2);
  const none = () => m.value(0, 0, BadNoCommunication);
  assert.equal(m.beat(none).anyGood, false);
  m.notify([[0, m.value(1, 0)]]);
  assert.equal(m.beat(none).anyGood, true, 'the one that is not asked for has a value');
  m.notify([[0, none()]]);
  assert.equal(m.beat(none).anyGood, false, 'it told that it has none');
  assert.equal(m.beat(() => m.value(1, 0)).anyGood, true);
  m.notify([[0, m.value(1, 1)]]);
  m.notify([[1, none()]]);
  assert.deepEqual([m.asked(), m.beat(none).anyGood], [[], true]);
});

test('what a server leaves out of its answer is no value, whatever was notified before', () => {
  const m = machine(1);
  m.notify([[0, m.value(1, 0)]]);
  m.pass(heartbeatMs);
  assert.deepEqual(
    m.beat(() => undefined),
    { readings: [], anyGood: false },
  );
});

test('what is notified while a read is on its way is told once, by the notification', () => {
  const m = machine(1);
  m.notify([[0, m.value(1, 0)]]);
  m.pass(heartbeatMs);
  const { readings } = m.beat(
    () => m.value(1, 0),
    null,
    () => {
      m.pass(20);
      assert.equal(m.notify([[0, m.value(2, heartbeatMs + 10)]]).length, 1);
    },
  );
  assert.deepEqual(readings, []);
});

test('while the server is behind with its messages a read waits five heartbeats for them, then it is told', () => {
  const behind = { hasCaughtUpTo: () => false, hasPublishedAfter: () => false };
  const m = machine(1);
  m.notify([[0, m.value(1, 0)]]);
  const told = Array.from({ length: 6 }, () => {
    m.pass(heartbeatMs);
    return m.beat(() => m.value(2, 500), behind).readings.length;
  });
  assert.deepEqual(told, [0, 0, 0, 0, 0, 1]);
});

test('a value that was read and not notified is told after a heartbeat, not at once', () => {
  const m = machine(1);
  m.notify([[0, m.value(1, 0)]]);
  m.pass(heartbeatMs);
  const told = [0, 1, 2].map(() => {
    const { readings } = m.beat(() => m.value(2, 500));
    m.pass(heartbeatMs);
    return readings.map(({ value }) => value);
  });
  assert.deepEqual(told, [[], [2], [2]]);
});

test('whatever is notified and when, every signal is told at least every two heartbeats', () => {
  const step = fc.record({
    notifies: fc.array(fc.nat(2), { maxLength: 3 }),
    passMs: fc.integer({ min: 900, max: heartbeatMs }),
    beforeMs: fc.nat(899),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 4, maxLength: 30 }), (steps) => {
      const m = machine(3);
      const lastMs = new Map(m.signals.map(({ signal }) => [signal, 0]));
      const number = new Map<number, number>();
      const told = (readings: readonly Reading[]): void => {
        for (const { signal, quality } of readings) if (quality === 'good') lastMs.set(signal, m.now());
      };
      const current = (index: number) => number.get(index) ?? 0;
      told(m.beat((index) => m.value(current(index), 0)).readings);
      for (const { notifies, passMs, beforeMs } of steps) {
        m.pass(beforeMs);
        for (const index of new Set(notifies)) {
          number.set(index, current(index) + 1);
          told(m.notify([[index, m.value(current(index), m.now())]]));
        }
        m.pass(passMs - beforeMs);
        const sourceMs = m.now() - passMs;
        told(m.beat((index) => m.value(current(index), sourceMs)).readings);
        for (const [signal, ms] of lastMs) assert.ok(m.now() - ms < 2 * heartbeatMs, `${signal}: ${m.now() - ms} ms`);
      }
    }),
    { numRuns: 200 },
  );
});
