import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { modelMachine } from '../../../agent/machine.ts';
import { SegmentClock } from '../../../agent/rollup/clock.ts';
import { MinutePoints } from '../../../agent/rollup/points.ts';
import { rank } from '../../../agent/rollup/sums.ts';
import { MachineRollup, type RollupOptions, type SummaryDraft } from '../../../agent/rollup/rollup.ts';
import { StateTimeline } from '../../../agent/states/timeline.ts';
import { eight, reference, Rig, setupOf, standing } from '../pipeline/rig.ts';

const model = modelMachine(setupOf('ls-1', reference));
const options: RollupOptions = { openMinuteEveryS: 60, sealAfterS: 5, lateS: 120 };
const signal = (name: string) => model.indexOf.get(name) ?? -1;
const pieces = signal('piece.count');
const temp = signal('motor.temp');

function newRollup(more: Partial<RollupOptions> = {}) {
  const timeline = new StateTimeline({ tMs: eight, state: 'IDLE', cause: null });
  return new MachineRollup(model, timeline, { boot: 'b', segment: 0 }, { ...options, ...more });
}
/** The last revision of each key, without revision and time of writing. */
function lastOf(drafts: readonly SummaryDraft[]) {
  const last = new Map<string, object>();
  for (const { revision: _r, atMs: _a, ...draft } of drafts) {
    last.set(`${draft.minuteMs} ${draft.kind === 'summary' ? draft.signal : 'state'} ${draft.segment}`, draft);
  }
  return Object.fromEntries([...last].sort(([a], [b]) => (a < b ? -1 : 1)));
}
function summaryOf(drafts: readonly SummaryDraft[], name: string, minuteMs = eight) {
  return drafts.filter((d) => d.kind === 'summary').findLast((d) => d.signal === name && d.minuteMs === minuteMs);
}

const history = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 179_999 }),
    temp: fc.integer({ min: -40, max: 100 }),
    quality: fc.constantFrom(rank.good, rank.good, rank.good, rank.uncertain, rank.bad),
  }),
  { minLength: 1, maxLength: 60 },
);

test('any order, repetition and lateness of the same readings give the same last revision of every minute', () => {
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat(1000)), fc.boolean(), (readings, noise, early) => {
      const points = [...new Map(readings.map((r) => [r.atMs, r])).values()].sort((a, b) => a.atMs - b.atMs);
      const add = (rollup: MachineRollup, r: (typeof points)[number]) => {
        const tMs = eight + r.atMs;
        rollup.add(temp, tMs, r.quality === rank.bad ? NaN : r.temp, r.quality);
        // A counter that follows time, so that it can be read in any order.
        if (r.quality === rank.good) rollup.add(pieces, tMs, (65_400 + Math.floor(r.atMs / 1000)) % 65_536, rank.good);
      };
      const straight = newRollup({ lateS: 600 });
      for (const r of points) add(straight, r);
      const expected = lastOf(straight.due(eight + 200_000));

      const shuffled = newRollup({ lateS: 600, openMinuteEveryS: early ? 5 : 60 });
      const order = [...points, ...points.slice(0, 7)]
        .map((r) => ({ r, key: noise.next().value ?? 0 }))
        .sort((a, b) => a.key - b.key);
      const drafts: SummaryDraft[] = [];
      for (const [i, { r }] of order.entries()) {
        add(shuffled, r);
        if (i % 5 === 0) drafts.push(...shuffled.due(eight + 200_000 + i * 1000));
      }
      drafts.push(...shuffled.due(eight + 400_000));
      // Minutes after the readings differ by how long was waited, not by the readings.
      const within = Object.entries(lastOf(drafts)).filter(
        ([, d]) => 'minuteMs' in d && Number(d.minuteMs) < eight + 180_000,
      );
      const wanted = Object.entries(expected).filter(
        ([, d]) => 'minuteMs' in d && Number(d.minuteMs) < eight + 180_000,
      );
      assert.deepEqual(within, wanted);
    }),
    { numRuns: 300, seed: 8 },
  );
});

test('keeping sums instead of readings that cannot change any more changes no revision of any minute', () => {
  const settleAfterS = 10;
  const readings = fc.array(
    fc.record({
      everyMs: fc.constantFrom(50, 100, 100, 100, 400, 3000),
      temp: fc.oneof(fc.integer({ min: -40, max: 100 }), fc.double({ min: -40, max: 100, noNaN: true })),
      quality: fc.constantFrom(rank.good, rank.good, rank.good, rank.good, rank.uncertain, rank.bad),
      lateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: settleAfterS * 1000 - 1 })),
      gapMs: fc.oneof(
        { weight: 60, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 9_000 }) },
      ),
    }),
    { minLength: 200, maxLength: 1200, size: 'max' },
  );
  fc.assert(
    fc.property(readings, fc.boolean(), (list, early) => {
      const events: { atMs: number; run: (rollup: MachineRollup) => void }[] = [];
      let tMs = eight;
      for (const { everyMs, temp: value, quality, lateMs, gapMs } of list) {
        tMs += everyMs;
        const [fromMs, backMs] = [tMs, tMs + gapMs];
        if (gapMs > 0) {
          events.push({ atMs: fromMs + lateMs, run: (rollup) => rollup.gapOpened(fromMs) });
          events.push({ atMs: backMs + lateMs, run: (rollup) => rollup.gapClosed(fromMs, backMs) });
          tMs = backMs;
        }
        const atMs = tMs;
        const number = quality === rank.bad ? NaN : value;
        // What is read tells that a gap is over, so it does not overtake that.
        events.push({ atMs: atMs + lateMs, run: (rollup) => void rollup.add(temp, atMs, number, quality) });
      }
      for (let atMs = eight; atMs < tMs + 130_000; atMs += 2000) events.push({ atMs, run: () => undefined });
      events.sort((a, b) => a.atMs - b.atMs);
      const more = { openMinuteEveryS: early ? 5 : 60 };
      const whole = newRollup(more);
      const sums = newRollup({ ...more, settleAfterS });
      let dueMs = eight;
      for (const { atMs, run } of events) {
        run(whole);
        run(sums);
        if (atMs < dueMs) continue;
        dueMs = atMs + 2000;
        assert.deepEqual(sums.due(atMs), whole.due(atMs));
      }
      assert.deepEqual(sums.seal(dueMs), whole.seal(dueMs));
    }),
    { numRuns: 60, seed: 11 },
  );
});

test('a reading from before one that was settled is refused, so that it can be counted', () => {
  const rollup = newRollup({ settleAfterS: 10 });
  for (let i = 0; i <= 200; i++) rollup.add(temp, eight + i * 100, i, rank.good);
  rollup.due(eight + 20_000);
  assert.equal(rollup.add(temp, eight + 9_950, 0, rank.good), true);
  assert.equal(rollup.add(temp, eight + 9_850, 0, rank.good), false);
  assert.equal(rollup.add(temp, eight + 9_900, 0, rank.good), false, 'the last that was settled');
});

test('a value holds until the next reading, not longer than three intervals, not past a bad reading, not into a gap', () => {
  const rollup = newRollup();
  const at = (s: number) => eight + s * 1000;
  rollup.add(temp, at(0), 10, rank.good); // holds 0.75 s: the next reading is 10 s away
  rollup.add(temp, at(10), 20, rank.good); // holds 0.5 s
  rollup.add(temp, at(10.5), NaN, rank.bad); // nothing is known
  rollup.add(temp, at(11), 30, rank.good); // holds 0.25 s: the gap begins
  rollup.gapOpened(at(11.25));
  rollup.gapClosed(at(11.25), at(20));
  rollup.add(temp, at(20), 40, rank.good); // holds 0.75 s
  const summary = summaryOf(rollup.due(eight + 65_000), 'motor.temp');
  assert.equal(summary?.coveredS, 2.25);
  assert.equal(summary?.integral, 10 * 0.75 + 20 * 0.5 + 30 * 0.25 + 40 * 0.75);
  assert.deepEqual([summary?.samples, summary?.good, summary?.sum], [5, 4, 100]);
  assert.deepEqual([summary?.min, summary?.max, summary?.first, summary?.last], [10, 40, 10, 40]);
});

test('a value from the minute before holds on into the next one', () => {
  const rollup = newRollup();
  rollup.add(temp, eight + 59_500, 50, rank.good);
  rollup.add(temp, eight + 60_000 + 100, 60, rank.good);
  const drafts = rollup.due(eight + 126_000);
  assert.equal(summaryOf(drafts, 'motor.temp')?.coveredS, 0.5);
  assert.equal(summaryOf(drafts, 'motor.temp', eight + 60_000)?.coveredS, 0.1 + 0.75);
});

test('a counter step belongs to the minute of its end point, and the minutes join', () => {
  const rollup = newRollup();
  for (let s = 0; s <= 130; s += 2) rollup.add(pieces, eight + s * 1000 + 500, s, rank.good);
  const drafts = rollup.due(eight + 200_000);
  const minutes = [0, 1, 2].map((i) => summaryOf(drafts, 'piece.count', eight + i * 60_000)?.counter);
  assert.deepEqual(
    minutes.map((m) => [m?.from, m?.to, m?.delta]),
    [
      [0, 58, 58],
      [58, 118, 60],
      [118, 130, 12],
    ],
  );
  assert.equal(minutes[1]?.fromMs, minutes[0]?.toMs);
});

test('a revision is written only when something changed, and its number rises by one', () => {
  const rollup = newRollup();
  rollup.add(temp, eight + 1000, 10, rank.good);
  const sealed = rollup.due(eight + 65_000);
  assert.equal(summaryOf(sealed, 'motor.temp')?.revision, 1);
  assert.deepEqual(rollup.due(eight + 75_000), []);
  rollup.add(temp, eight + 1000, 10, rank.good);
  assert.deepEqual(rollup.due(eight + 85_000), [], 'a repetition changes nothing');
  rollup.add(temp, eight + 500, 12, rank.good);
  const late = rollup.due(eight + 95_000);
  assert.equal(summaryOf(late, 'motor.temp')?.revision, 2);
  assert.equal(summaryOf(late, 'motor.temp')?.good, 2);
  assert.equal(late.length, 1);
});

test('what is sealed right after the turn of a minute holds the seconds of the new minute too, though nothing was read in it', () => {
  const rollup = newRollup();
  rollup.add(temp, eight + 1000, 10, rank.good);
  const drafts = [...rollup.due(eight + 59_000), ...rollup.seal(eight + 61_500)];
  const seconds = drafts.flatMap((d) => (d.kind === 'state-summary' ? [[d.minuteMs - eight, d.seconds['IDLE']]] : []));
  assert.deepEqual(seconds, [
    [0, 60],
    [60_000, 1.5],
  ]);
  assert.deepEqual(newRollup().seal(eight + 500).length, 1, 'also of a machine that was never looked at');
});

test('what is too late for its minute is refused, so that it can be counted', () => {
  const rollup = newRollup();
  rollup.add(temp, eight + 1000, 10, rank.good);
  rollup.due(eight + 60_000 + 121_000);
  assert.equal(rollup.add(temp, eight + 2000, 11, rank.good), false);
  assert.equal(rollup.add(temp, eight + 62_000, 11, rank.good), true);
});

test('an open minute leaves as rising revisions whose last one is the whole minute', () => {
  const rig = new Rig({ options: { openMinuteEveryS: 5 } });
  for (let i = 0; i < 4 * 70; i++) {
    rig.pass(250);
    rig.read('ls-1', { ...standing, 'stitch.total': 5000 + i });
  }
  const revisions = rig.summaries('stitch.total').filter((s) => s.minuteMs === eight);
  assert.ok(revisions.length >= 11, String(revisions.length));
  assert.deepEqual(
    revisions.map((r) => r.revision),
    revisions.map((_, i) => i + 1),
  );
  for (const [i, one] of revisions.entries()) {
    assert.ok(i === 0 || (one.counter?.delta ?? 0) >= (revisions[i - 1]?.counter?.delta ?? 0));
  }
  const seconds = rig.stateSummaries().findLast((s) => s.minuteMs === eight)?.seconds ?? {};
  assert.equal(
    Object.values(seconds).reduce((a, b) => a + b, 0),
    60,
  );
});

test('small steps of the wall clock drift, a step over 2 s opens a segment', () => {
  const clock = new SegmentClock(1_000_000, 500);
  assert.equal(clock.observe(1_001_500, 1500), null);
  assert.equal(clock.observe(1_003_500, 2500), null, '1.5 s of drift');
  assert.equal(clock.atWall(1_003_500), clock.atMonotonic(2500));
  assert.equal(clock.observe(4_600_000, 2600), 3_600_000 - 2100);
  assert.equal(clock.segment, 1);
  assert.equal(clock.atMonotonic(2600), 4_600_000);
});

for (const stepMs of [3_600_000, -3_600_000]) {
  test(`a clock step of ${stepMs / 1000} s is one event; no stitch is lost or doubled and both segments add up`, async () => {
    const rig = new Rig();
    let stitches = 5000;
    const sew = (times: number) => {
      for (let i = 0; i < times; i++) {
        rig.pass(250);
        stitches += 10;
        rig.read('ls-1', { ...standing, 'stitch.total': stitches });
      }
    };
    rig.read('ls-1', { ...standing, 'stitch.total': stitches });
    sew(80);
    rig.wallMs += stepMs;
    sew(80);
    await rig.pipeline.drain();
    const [event, ...more] = rig.events('clock_step');
    assert.deepEqual(more, []);
    assert.equal(event?.data['stepMs'], stepMs);
    const last = new Map(rig.summaries('stitch.total').map((s) => [`${s.minuteMs} ${s.segment}`, s]));
    const sum = [...last.values()].reduce((total, s) => total + (s.counter?.delta ?? 0), 0);
    assert.equal(sum, stitches - 5000);
    assert.ok([...last.values()].every((s) => (s.counter?.uncertainty ?? 0) === 0));
    assert.deepEqual([...new Set([...last.values()].map((s) => s.segment))], [0, 1]);
    const states = new Map(rig.stateSummaries().map((s) => [`${s.minuteMs} ${s.segment}`, s]));
    const seconds = [...states.values()].flatMap((s) => Object.values(s.seconds)).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(seconds - 40) < 0.01, `${seconds} s of 40`);
  });
}

test('a signal read twenty times a second takes no more room than one read ten times: what cannot change is settled before it grows', () => {
  const rollup = newRollup({ settleAfterS: 2 });
  const held = (everyMs: number): number => {
    const points = new MinutePoints();
    const input = { fromMs: eight, toMs: eight + 60_000, before: null, gaps: [], holdMs: Infinity };
    for (let tMs = eight; tMs < eight + 60_000; tMs += everyMs) {
      if (!points.hasRoom) points.settle(tMs - 2000, input);
      points.add(tMs, 1, rank.good);
    }
    return points.most;
  };
  assert.deepEqual([held(100), held(50)], [64, 64]);
  for (let tMs = eight; tMs < eight + 60_000; tMs += 50) rollup.add(temp, tMs, tMs - eight, rank.good);
  assert.equal(
    rollup.add(temp, eight + 25, 0, rank.good),
    false,
    'settled as the room ran out, before any minute was due',
  );
  const summary = summaryOf(rollup.due(eight + 66_000), 'motor.temp');
  assert.deepEqual([summary?.samples, summary?.sum, summary?.max], [1200, (1199 * 1200 * 50) / 2, 59_950]);
});
