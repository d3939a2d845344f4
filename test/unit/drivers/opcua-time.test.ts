import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServerClock, SignalTimeline, toleranceMs, type Stamp } from '../../../drivers/opcua/time.ts';

const now = Date.UTC(2026, 5, 1, 8);

function timeline(offsetMs = 0): { clock: ServerClock; signal: SignalTimeline } {
  const clock = new ServerClock();
  clock.measure(now + offsetMs, now - 5, now + 5);
  return { clock, signal: new SignalTimeline(clock, now) };
}

test('a server clock within two seconds of ours is taken at its word', () => {
  const { clock, signal } = timeline(1_500);
  assert.equal(clock.isOff, false);
  signal.notified(now - 86_400_000, now + 10);
  assert.deepEqual(signal.notified(now + 1_700, now + 210), { sourceTimeMs: now + 1_700, doubt: null });
});

test('a server clock further off is corrected by the measured offset, and its times are doubtful', () => {
  for (const offsetMs of [3_000, -3_000, 40 * 365 * 86_400_000, -40 * 365 * 86_400_000]) {
    const { clock, signal } = timeline(offsetMs);
    assert.equal(clock.isOff, true);
    signal.notified(now + offsetMs, now + 10);
    assert.deepEqual(signal.notified(now + offsetMs + 200, now + 210), {
      sourceTimeMs: now + 200,
      doubt: 'server-clock-offset',
    });
  }
});

test('a clock near the limit does not change its treatment with every measurement', () => {
  const clock = new ServerClock();
  clock.measure(now + 2_100, now, now);
  assert.equal(clock.isOff, true);
  clock.measure(now + 1_900, now, now);
  assert.equal(clock.isOff, true);
  clock.measure(now + 1_000, now, now);
  assert.equal(clock.isOff, false);
});

test('a measurement within its own error moves no corrected time', () => {
  const clock = new ServerClock();
  clock.measure(now + 10_000, now, now);
  clock.measure(now + 10_180, now - 100, now + 100);
  assert.equal(clock.offsetMs, 10_000);
});

test('the first notification says what is true now, however old its last change is', () => {
  const { signal } = timeline();
  assert.deepEqual(signal.notified(now - 7 * 86_400_000, now + 30), { sourceTimeMs: now + 30, doubt: null });
});

test('wild and standing source times are replaced by the receipt and doubted', () => {
  const wild = timeline().signal;
  wild.notified(now, now + 10);
  assert.deepEqual(wild.notified(now + 3_600_000, now + 20), {
    sourceTimeMs: now + 20,
    doubt: 'source-time-implausible',
  });
  const standing = timeline().signal;
  standing.notified(now - 99_000, now + 10);
  assert.equal(standing.notified(now - 98_000, now + 20)?.doubt, 'source-time-implausible');
  const backwards = timeline().signal;
  backwards.notified(now + 5, now + 10);
  backwards.notified(now + 500, now + 510);
  assert.deepEqual(backwards.notified(now + 400, now + 610), {
    sourceTimeMs: now + 610,
    doubt: 'source-time-not-advancing',
  });
});

test('two changes within one tick of the server share their time', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1);
  assert.deepEqual(signal.notified(now + 100, now + 110), { sourceTimeMs: now + 100, doubt: null });
  assert.deepEqual(signal.notified(now + 100, now + 110), { sourceTimeMs: now + 100, doubt: null });
});

test('a sample older than what a heartbeat told is superseded, the next is not', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1);
  assert.equal(signal.read(now + 1_000, now + 999, now + 1_002).sourceTimeMs, now + 1_000);
  assert.equal(signal.notified(now + 990, now + 1_100), null);
  assert.deepEqual(signal.notified(now + 1_050, now + 1_100), { sourceTimeMs: now + 1_050, doubt: null });
});

test('a value that was read was true at the read, by our clock where the server has none or a wrong one', () => {
  assert.equal(timeline().signal.read(null, now + 40, now + 50).sourceTimeMs, now + 40);
  const off = timeline(90_000).signal;
  assert.deepEqual(off.read(now + 90_045, now + 40, now + 50), { sourceTimeMs: now + 40, doubt: null });
});

test('after our own clock is set back, times follow it instead of waiting for the old one', () => {
  const { signal } = timeline();
  signal.notified(now, now);
  signal.notified(now + 5_000, now + 5_010);
  const backMs = now - 3_600_000;
  const told = signal.read(null, backMs, backMs + 5);
  assert.equal(told.sourceTimeMs, backMs);
});

interface Step {
  readonly afterMs: number;
  readonly kind: 'notified' | 'read';
  readonly source: number | null;
}

test('whatever a server writes, no source time is wild and none falls', () => {
  const source = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -5_000, max: 5_000 }),
    fc.integer({ min: -(10 ** 12), max: 10 ** 12 }),
    fc.constant(0),
  );
  const step = fc.record<Step>({
    afterMs: fc.nat({ max: 3_000 }),
    kind: fc.constantFrom('notified', 'read'),
    source,
  });
  fc.assert(
    fc.property(fc.integer({ min: -10_000, max: 10_000 }), fc.array(step, { maxLength: 40 }), (offsetMs, steps) => {
      const { signal } = timeline(offsetMs);
      let atMs = now;
      let lastMs = Number.NEGATIVE_INFINITY;
      for (const { afterMs, kind, source: relative } of steps) {
        atMs += afterMs;
        const serverMs = relative === null ? null : atMs + offsetMs + relative;
        const told: Stamp | null =
          kind === 'notified' ? signal.notified(serverMs, atMs) : signal.read(serverMs, atMs - 5, atMs);
        if (told === null) continue;
        assert.ok(told.sourceTimeMs <= atMs + toleranceMs, 'not in the future');
        assert.ok(told.sourceTimeMs >= now - toleranceMs, 'not before the subscription');
        assert.ok(told.sourceTimeMs >= lastMs, 'not before the one told last');
        lastMs = told.sourceTimeMs;
      }
    }),
  );
});
