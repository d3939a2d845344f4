import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DefectClass, Shape } from '../../../models/vision/classify.ts';
import { defaultTrackerOptions, type Sighting, type TrackerOptions } from '../../../models/vision/track.ts';
import {
  emptyTracker,
  endRoll,
  openFindings,
  type SeenFrame,
  trackAll,
  type TrackerEvent,
} from '../../../models/vision/tracker.ts';
import { needles, stepMm, options, type Fault, middleAt, piece, line, band, framesOf } from './drawn-tube.ts';

function run(frames: readonly SeenFrame[], chosen = options) {
  const { state, events } = trackAll(emptyTracker, frames, chosen);
  const end = endRoll(state, chosen);
  const all = [...events, ...end.events];
  wellFormed(all);
  return { state, events, all, findings: final(all) };
}

/** R5: found at most once, then closed at most once. */
function wellFormed(events: readonly TrackerEvent[]): void {
  const found = new Set<number>();
  const closed = new Set<number>();
  for (const { kind, finding, mergedInto } of events) {
    const { id } = finding;
    if (kind === 'found') assert.ok(!found.has(id) && !closed.has(id), `found ${id}`);
    else assert.ok(found.has(id) && !closed.has(id), `${kind} ${id}`);
    if (kind === 'found') found.add(id);
    if (kind === 'closed') closed.add(id);
    if (mergedInto !== null) assert.ok(mergedInto < id);
  }
  assert.deepEqual(found.size, closed.size);
}

/** What stands on the roll map in the end: what was closed and not as a part of another. */
const final = (events: readonly TrackerEvent[]) =>
  events.filter(({ kind, mergedInto }) => kind === 'closed' && mergedInto === null).map(({ finding }) => finding);

test('a hole is told in the first frame that shows it, and is one finding in all frames and revolutions', () => {
  const frames = framesOf([piece('hole', 1200, 200)], 8);
  const first = frames.find(({ sightings }) => sightings.length > 0);
  const { events, findings } = run(frames);
  assert.equal(findings.length, 1);
  assert.equal(events[0]?.kind, 'found');
  assert.equal(events[0]?.finding.firstTimeMs, first?.timeMs);
  assert.equal(findings[0]?.class, 'hole');
  assert.ok(Math.abs((findings[0]?.alongFromMm ?? 0) - 198) < 1);
});

test('a needle line is told in the second revolution that shows it, and never in the first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: needles - 1 }), fc.integer({ min: 100, max: 160 }), (needle, fromMm) => {
      const frames = framesOf([line(needle, fromMm, 1e9)], 9, needle + fromMm);
      const { events, findings } = run(frames);
      assert.equal(findings.length, 1);
      const shown = frames.filter(({ sightings }) => sightings.length > 0).map(({ turns }) => turns);
      const told = events.find(({ kind }) => kind === 'found')?.finding;
      assert.ok(told);
      assert.equal(told.class, 'needle_line');
      const revolutions = told.lastTimeMs / 1714 - (shown[0] ?? 0);
      assert.ok(revolutions > 0.9 && revolutions < 2.1, `${revolutions}`);
      assert.ok(told.revolutions >= 2);
    }),
    { numRuns: 40 },
  );
});

test('a view lower than a revolution’s cloth never shows a place twice: the second revolution is enough', () => {
  const low = (frame: SeenFrame): SeenFrame => {
    const middle = frame.turns * stepMm;
    const sightings = frame.sightings
      .map((s) => ({
        ...s,
        alongFromMm: Math.max(s.alongFromMm, middle - 3),
        alongToMm: Math.min(s.alongToMm, middle + 3),
      }))
      .filter((s) => s.alongToMm - s.alongFromMm > 4);
    return { ...frame, alongFromMm: middle - 3, alongToMm: middle + 3, sightings };
  };
  const { events } = run(framesOf([line(1200, 100, 1e9)], 8).map(low));
  const told = events.find(({ kind }) => kind === 'found')?.finding;
  assert.deepEqual([told?.class, told?.revolutions], ['needle_line', 2]);
});

test('seen over revolutions a needle gets surer, as far as its systematic part lets it', () => {
  const { findings } = run(framesOf([line(700, 100, 1e9)], 20));
  const place = findings[0]?.place;
  assert.ok(place);
  assert.ok(Math.abs(place.at - 700) < 0.6);
  assert.ok(place.randomSd < 0.3);
  assert.equal(place.systematicSd, 0.3);
});

test('a pass that crosses the end of a revolution counts once', () => {
  // Needle 0 is in the middle exactly when a revolution ends.
  const { events } = run(framesOf([line(0, -1000, 1e9)], 4));
  const told = events.findLast(({ kind }) => kind !== 'closed')?.finding;
  // It came by at 0, 1, 2 and 3.
  assert.equal(told?.revolutions, 4);
});

test('a scratch that stays in view for two revolutions is not a line, and not lost either', () => {
  const { all, findings } = run(framesOf([line(900, 200, 230)], 9));
  assert.ok(all.every(({ finding }) => finding.class === 'anomaly'));
  assert.equal(findings.length, 1);
  assert.ok((findings[0]?.revolutions ?? 0) >= 2);
});

test('a weak line that did not come back may be left untold; it is counted, and a strong one is told', () => {
  const frames = framesOf([line(900, 200, 230)], 9);
  const strict = { ...options, loneScore: 2.6 };
  const { state, events } = trackAll(emptyTracker, frames, strict);
  const weak = endRoll(state, strict);
  assert.deepEqual([...events, ...weak.events], []);
  assert.equal(weak.state.unconfirmed, 1);
  assert.equal(run(frames, { ...options, loneScore: 1.5 }).findings.length, 1);
  // What comes back is told however weak.
  assert.equal(run(framesOf([line(900, 100, 1e9)], 9), strict).findings.length, 1);
});

test('a speck in one picture is counted, not told; told are one that two pictures show, a plain one, a large one and a hole', () => {
  const fly = (name: DefectClass, half = 2): Fault => {
    const at = (turns: number) =>
      Math.abs(turns - 3) < 0.01 ? piece(name, middleAt(3), 3 * stepMm, half, half).at(turns) : [];
    return { class: name, shape: 'spot', at };
  };
  const careful = { ...options, speck: { across: 20, alongMm: 20, score: 8 } };
  const toldOf = (fault: Fault, with_ = careful) => {
    const { state, events } = trackAll(emptyTracker, framesOf([fault], 6), with_);
    return { told: events.filter(({ kind }) => kind === 'found').length, unconfirmed: state.unconfirmed };
  };
  assert.deepEqual(toldOf(fly('anomaly')), { told: 0, unconfirmed: 1 });
  assert.deepEqual(toldOf(fly('slub_thick_thin')), { told: 0, unconfirmed: 1 });
  assert.deepEqual(toldOf(fly('hole')), { told: 1, unconfirmed: 0 });
  assert.deepEqual(toldOf(fly('anomaly', 12)), { told: 1, unconfirmed: 0 });
  assert.deepEqual(toldOf(fly('anomaly'), { ...careful, speck: { ...careful.speck, score: 0.5 } }).told, 1);
  assert.deepEqual(toldOf(piece('anomaly', 900, 150)), { told: 1, unconfirmed: 0 });
});

test('what moves across by more than the gate each revolution is no line', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 60 }), fc.boolean(), (perTurn, left) => {
      const { all } = run(framesOf([line(900, 0, 1e9, left ? -perTurn : perTurn)], 9));
      assert.ok(all.every(({ finding }) => finding.class !== 'needle_line'));
    }),
    { numRuns: 20 },
  );
});

test('a line that stops is closed while the machine runs on, with its end; one that comes back later is another', () => {
  const { events, findings } = run(framesOf([line(900, 100, 400), line(900, 900, 1e9)], 24));
  const closed = events.filter(({ kind }) => kind === 'closed').map(({ finding }) => finding);
  assert.equal(closed.length, 1);
  assert.ok(Math.abs((closed[0]?.alongToMm ?? 0) - 400) < 2);
  assert.equal(findings.length, 2);
});

test('a line nobody looked for is not closed: a pause of the camera is not an end', () => {
  const blind = (turns: number) => turns > 5 && turns < 11;
  const { events, findings } = run(framesOf([line(900, 100, 1e9)], 16, 1, blind));
  assert.equal(events.filter(({ kind }) => kind === 'closed').length, 0);
  assert.equal(findings.length, 1);
});

test('a bad feeder is one finding, round and round the tube, though it shows twice in a view', () => {
  const { events, findings } = run(framesOf([band(20, 1, 9)], 14));
  assert.deepEqual(
    findings.map((finding) => finding.class),
    ['barre'],
  );
  const told = events.find(({ kind }) => kind === 'found')?.finding;
  assert.ok((told?.lastTimeMs ?? 0) / 1714 < 1.6);
  assert.equal(findings[0]?.place, null);
  assert.ok((findings[0]?.alongToMm ?? 0) - (findings[0]?.alongFromMm ?? 0) > 8 * stepMm);
});

test('two bad feeders are two findings', () => {
  assert.equal(run(framesOf([band(20, 1, 9), band(5, 1, 9)], 14)).findings.length, 2);
});

test('a line first seen as a spot, while little of it is in view, becomes a line under its id', () => {
  const needle = 500;
  const frames = framesOf([line(needle, 100, 1e9)], 9).map((frame) => ({
    ...frame,
    sightings: frame.sightings.map((s) =>
      s.alongToMm - s.alongFromMm < 40 ? { ...s, shape: 'spot' as const, class: 'anomaly' as const } : s,
    ),
  }));
  const { findings } = run(frames);
  assert.deepEqual(
    findings.map((finding) => finding.class),
    ['needle_line'],
  );
});

test('a fault that comes in pieces is one: the piece between them joins what was two', () => {
  const parts = [piece('anomaly', 300, 195), piece('anomaly', 320, 195), piece('anomaly', 310, 195, 6)];
  const frames = framesOf(parts, 8).map((frame) => ({
    ...frame,
    // In the first revolution that shows them the piece in the middle is missing.
    sightings: frame.sightings.filter((s) => frame.turns > 4 || s.acrossTo - s.acrossFrom < 8),
  }));
  const { all, findings } = run(frames);
  assert.equal(findings.length, 1);
  assert.ok(all.some(({ mergedInto }) => mergedInto === 1));
});

test('neighbours stay apart: a hole beside a needle line is its own finding, and so is a line ten needles on', () => {
  const { findings } = run(framesOf([line(900, 100, 1e9), piece('hole', 900, 300), line(910, 100, 1e9)], 12));
  assert.deepEqual(findings.map((finding) => finding.class).sort(), ['hole', 'needle_line', 'needle_line']);
});

const faults = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('hole' as const),
      slot: fc.integer({ min: 0, max: 39 }),
      mm: fc.integer({ min: 60, max: 350 }),
    }),
    fc.record({
      kind: fc.constant('line' as const),
      slot: fc.integer({ min: 0, max: 39 }),
      mm: fc.integer({ min: 60, max: 180 }),
    }),
  ),
  { maxLength: 8 },
);
/** One fault to a slot of 66 needles, so that what is one and what is two is not in doubt; slot 0 lies across the last needle. */
const drawn = (list: readonly { readonly kind: 'hole' | 'line'; readonly slot: number; readonly mm: number }[]) => {
  const bySlot = new Map(list.map((one) => [one.slot, one]));
  return [...bySlot.values()].map(({ kind, slot, mm }) =>
    kind === 'hole' ? piece('hole', slot * 65.975, mm) : line(slot * 65.975, mm, 1e9),
  );
};

test('any holes and lines come out as so many findings of their classes', () => {
  fc.assert(
    fc.property(faults, fc.integer(), (list, seed) => {
      const set = drawn(list);
      const { findings } = run(framesOf(set, 10, seed));
      assert.deepEqual(findings.map((f) => f.class).sort(), set.map((f) => f.class).sort());
    }),
    { numRuns: 40 },
  );
});

test('however the frames are cut into batches, the findings are the same', () => {
  fc.assert(
    fc.property(faults, fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 12 }), (list, cuts) => {
      const frames = framesOf(drawn(list), 8);
      const whole = trackAll(emptyTracker, frames, options);
      let state = emptyTracker;
      const events: TrackerEvent[] = [];
      let at = 0;
      for (const size of [...cuts, frames.length]) {
        const next = trackAll(state, frames.slice(at, at + size), options);
        // What is handed over between batches may go through text: a state is plain data.
        state = JSON.parse(JSON.stringify(next.state)) as typeof state;
        events.push(...next.events);
        at += size;
      }
      assert.deepEqual(events, whole.events);
      assert.deepEqual(openFindings(state, options), openFindings(whole.state, options));
    }),
    { numRuns: 20 },
  );
});

test('faults followed at a time are bounded, and sightings beyond are counted', () => {
  const many = Array.from({ length: 60 }, (_, i) => piece('anomaly', i * 40, 100));
  const { state, findings } = run(framesOf(many, 4), { ...options, mostOpen: 20 });
  assert.ok(state.tracks.length <= 20);
  assert.ok(state.dropped > 0);
  assert.ok(findings.length >= 20);
});

test('on a flat web a line is told after two views of cloth, a spot at once', () => {
  const web: TrackerOptions = { ...defaultTrackerOptions, period: null, stepMm: 100 };
  const at = (mm: number, alongFromMm: number, alongToMm: number, shape: Shape): Sighting => ({
    class: shape === 'vertical' ? 'needle_line' : 'anomaly',
    shape,
    score: 2,
    place: { at: mm, randomSd: 0.1, systematicSd: 0.1, isAnchored: true },
    acrossFrom: mm - 1,
    acrossTo: mm + 1,
    alongFromMm,
    alongToMm,
    alongSdMm: 0.5,
  });
  const frames = Array.from({ length: 40 }, (_, i): SeenFrame => {
    const top = i * 20;
    const sightings = [at(800, top, top + 100, 'vertical')];
    if (top <= 200 && top + 100 > 210) sightings.push(at(1500, 205, 208, 'spot'));
    return { timeMs: i * 40, turns: top / 100, alongFromMm: top, alongToMm: top + 100, sightings };
  });
  const { events, findings } = run(frames, web);
  assert.equal(findings.length, 2);
  const told = events.find(({ kind, finding }) => kind === 'found' && finding.shape === 'vertical')?.finding;
  assert.equal(told?.revolutions, 2);
  assert.ok((told?.alongToMm ?? 0) <= 240);
});
