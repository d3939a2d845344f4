import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bad, good } from '../../../drivers/decoded.ts';
import { ServerClock, SignalTimeline, toleranceMs, type Stamp } from '../../../drivers/opcua/time.ts';

const now = Date.UTC(2026, 5, 1, 8);
/** Some value, where it does not matter which. */
const level = good(7);

function timeline(offsetMs = 0): { clock: ServerClock; signal: SignalTimeline } {
  const clock = new ServerClock();
  clock.measure(now + offsetMs, now - 5, now + 5);
  return { clock, signal: new SignalTimeline(clock, now) };
}

test('a server clock within two seconds of ours is taken at its word', () => {
  const { clock, signal } = timeline(1_500);
  assert.equal(clock.isOff, false);
  signal.notified(now - 86_400_000, now + 10, level);
  assert.deepEqual(signal.notified(now + 1_700, now + 210, level), { sourceTimeMs: now + 1_700, doubt: null });
});

test('a server clock further off is corrected by the measured offset, and its times are doubtful', () => {
  for (const offsetMs of [3_000, -3_000, 40 * 365 * 86_400_000, -40 * 365 * 86_400_000]) {
    const { clock, signal } = timeline(offsetMs);
    assert.equal(clock.isOff, true);
    signal.notified(now + offsetMs, now + 10, level);
    assert.deepEqual(signal.notified(now + offsetMs + 200, now + 210, level), {
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
  assert.deepEqual(signal.notified(now - 7 * 86_400_000, now + 30, level), { sourceTimeMs: now + 30, doubt: null });
});

test('wild and standing source times are replaced by the receipt and doubted', () => {
  const wild = timeline().signal;
  wild.notified(now, now + 10, level);
  assert.deepEqual(wild.notified(now + 3_600_000, now + 20, level), {
    sourceTimeMs: now + 20,
    doubt: 'source-time-implausible',
  });
  const standing = timeline().signal;
  standing.notified(now - 99_000, now + 10, level);
  assert.equal(standing.notified(now - 98_000, now + 20, level)?.doubt, 'source-time-implausible');
  const backwards = timeline().signal;
  backwards.notified(now + 5, now + 10, level);
  backwards.notified(now + 500, now + 510, level);
  assert.deepEqual(backwards.notified(now + 400, now + 610, level), {
    sourceTimeMs: now + 610,
    doubt: 'source-time-not-advancing',
  });
});

test('changes within one millisecond, or within one tick of the server, are all told, one after the other', () => {
  const fine = timeline().signal;
  fine.notified(now, now + 1, level);
  for (const [index, part] of [0.1, 0.3, 0.3, 0.9].entries()) {
    assert.deepEqual(fine.notified(now + 100 + part, now + 110, level), {
      sourceTimeMs: now + 100 + index,
      doubt: null,
    });
  }
  assert.deepEqual(fine.notified(now + 109.9996, now + 110, level), { sourceTimeMs: now + 109, doubt: null });
  const off = timeline(90_000).signal;
  off.notified(now + 90_000, now + 1, level);
  const times = [100.2, 100.4, 100.4].map((ms) => off.notified(now + 90_000 + ms, now + 110, level)?.sourceTimeMs);
  assert.deepEqual(times, [now + 100, now + 101, now + 102]);
});

test('a flood within one tick is told in order and never from the future', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1, level);
  const times = Array.from({ length: 5_000 }, () => signal.notified(now + 5, now + 10, level)?.sourceTimeMs ?? 0);
  assert.equal(times.at(-1), now + 10 + toleranceMs);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('what no heartbeat told is not taken for told because the clock of the server is a second behind', () => {
  const { signal } = timeline(-1_500);
  signal.notified(now - 1_600, now + 10, level);
  assert.deepEqual(signal.notified(now - 1_400, now + 110, level), { sourceTimeMs: now + 11, doubt: null });
});

test('a heartbeat supersedes what is older by less than a millisecond, and not what is newer', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1, level);
  signal.read(now + 50.6, now + 50, now + 52, now + 40.5);
  assert.equal(signal.notified(now + 40.4, now + 60, level), null);
  assert.equal(signal.notified(now + 40.5, now + 60, level), null);
  assert.deepEqual(signal.notified(now + 40.6, now + 60, level), { sourceTimeMs: now + 51, doubt: null });
});

/** The hole of `past`: told was `before` (ms after `now`, value), and then `after`. */
function holeAfter(before: readonly Changed[], after: readonly Changed[]) {
  const { signal } = timeline();
  signal.notified(now - 500, now, good(-1));
  for (const [ms, value] of before) signal.notified(now + ms, now + 1_000, good(value));
  signal.restart(now + 5_000);
  for (const [ms, value] of after) signal.notified(now + ms, now + 5_010, good(value));
  return (history: readonly Changed[]) => {
    const entries = history.map(([ms, value]) => ({ serverMs: now + ms, decoded: good(value), value }));
    const told = signal.past(entries, { fromMs: now + 1_000, toMs: now + 5_000 });
    return told.map(({ one, sourceTimeMs }) => {
      assert.ok(Number.isInteger(sourceTimeMs));
      return [one.value, sourceTimeMs - now];
    });
  };
}
type Changed = readonly [ms: number, value: number];

test('recorded values within one millisecond are all told, and none that either side tells', () => {
  const past = holeAfter(
    [[900.2, 1]],
    [
      [3_000.7, 6],
      [3_000.9, 7],
    ],
  );
  assert.deepEqual(
    past([
      [900.2, 1],
      [900.4, 2],
      [2_000.1, 3],
      [2_000.2, 4],
      [3_000.3, 5],
      [3_000.7, 6],
      [3_000.9, 7],
    ]),
    [
      [2, 1_000],
      [3, 2_000],
      [4, 2_001],
      [5, 3_000],
    ],
  );
});

test('recorded values of one tick are all told: only the very ones that were told are left out', () => {
  const past = holeAfter(
    [
      [0, 1],
      [0, 0],
    ],
    [
      [3_000, 5],
      [3_000, 6],
    ],
  );
  const recorded: readonly Changed[] = [
    [0, 1],
    [0, 0],
    [0, 1],
    [0, 0],
    [2_000, 3],
    [2_000, 3],
    [3_000, 4],
    [3_000, 5],
    [3_000, 6],
  ];
  assert.deepEqual(
    past(recorded).map(([value]) => value),
    [1, 0, 3, 3, 4],
  );
  // Read once more, after the session was lost again.
  assert.deepEqual(past(recorded), []);
});

test('where nothing happened in the hole nothing is told of it, and within one tick only what is between', () => {
  assert.deepEqual(holeAfter([[0, 1]], [[0, 1]])([[0, 1]]), []);
  const between = holeAfter(
    [[0, 1]],
    [[0, 1]],
  )([
    [0, 1],
    [0, 2],
    [0, 1],
  ]);
  assert.deepEqual(
    between.map(([value]) => value),
    [2],
  );
});

test('whatever a server records, in whatever ticks, before, past and after together tell each value once', () => {
  const step = fc.tuple(fc.constantFrom(0, 0, 0.0005, 0.3, 1, 40), fc.integer({ min: 0, max: 2 }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 40 }), fc.nat(), fc.nat(), (given, a, b) => {
      let ms = 0;
      const all = given.map(([afterMs, value]): Changed => [(ms += afterMs), value]);
      const lost = 1 + (a % (all.length - 1));
      const found = lost + (b % (all.length - lost));
      const past = holeAfter(all.slice(0, lost), all.slice(found));
      assert.deepEqual(
        past(all).map(([value]) => value),
        all.slice(lost, found).map(([, value]) => value),
      );
    }),
  );
});

test('a recorded value that could not be read is not taken for the one told at the same time', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1, level);
  signal.restart(now + 5_000);
  signal.notified(now + 3_000, now + 5_010, level);
  const history = [level, bad('bad-no-communication')].map((decoded) => ({ serverMs: now, decoded }));
  const told = signal.past(history, { fromMs: now + 1, toMs: now + 5_000 });
  assert.deepEqual(
    told.map(({ one }) => one.decoded),
    [bad('bad-no-communication')],
  );
});

test('a server whose clock stands still has told all that it recorded then', () => {
  const { signal } = timeline();
  for (let i = 0; i < 1_000; i += 1) signal.notified(now, now + 1 + i, good(i));
  signal.restart(now + 5_000);
  const history = Array.from({ length: 1_000 }, (_, i) => ({ serverMs: now, decoded: good(i) }));
  assert.deepEqual(signal.past(history, { fromMs: now + 1_001, toMs: now + 5_000 }), []);
});

test('a sample older than what a heartbeat told is superseded, the next is not', () => {
  const { signal } = timeline();
  signal.notified(now, now + 1, level);
  assert.equal(signal.read(now + 1_000, now + 999, now + 1_002).sourceTimeMs, now + 1_000);
  assert.equal(signal.notified(now + 990, now + 1_100, level), null);
  assert.deepEqual(signal.notified(now + 1_050, now + 1_100, level), { sourceTimeMs: now + 1_050, doubt: null });
});

test('a value that was read was true at the read, by our clock where the server has none or a wrong one', () => {
  assert.equal(timeline().signal.read(null, now + 40, now + 50).sourceTimeMs, now + 40);
  const off = timeline(90_000).signal;
  assert.deepEqual(off.read(now + 90_045, now + 40, now + 50), { sourceTimeMs: now + 40, doubt: null });
});

test('after our own clock is set back, times follow it instead of waiting for the old one', () => {
  const { signal } = timeline();
  signal.notified(now, now, level);
  signal.notified(now + 5_000, now + 5_010, level);
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
    fc.double({ min: -5_000, max: 5_000, noNaN: true }),
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
          kind === 'notified' ? signal.notified(serverMs, atMs, level) : signal.read(serverMs, atMs - 5, atMs);
        if (told === null) continue;
        assert.ok(Number.isInteger(told.sourceTimeMs), 'a whole millisecond');
        assert.ok(told.sourceTimeMs <= atMs + toleranceMs, 'not in the future');
        assert.ok(told.sourceTimeMs >= now - toleranceMs, 'not before the subscription');
        assert.ok(told.sourceTimeMs >= lastMs, 'not before the one told last');
        lastMs = told.sourceTimeMs;
      }
    }),
  );
});
