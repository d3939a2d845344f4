/** Needle cases in the pipeline: what opens them, the range, and what is kept where the journal takes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Act } from '../../../agent/needle-cases/case.ts';
import type { CaseOutcome, NeedleCaseView } from '../../../agent/needle-cases/desk.ts';
import { mostCases } from '../../../agent/needle-cases/event-names.ts';
import { actOf, draftOf } from '../../../agent/needle-cases/events.ts';
import { eight, Rig, setupOf, reference, standing, type RigOptions } from '../pipeline/rig.ts';

const sewing = (stitches: number, pieces: number) => ({
  ...standing,
  'status.running': true,
  'spindle.speed': 4000,
  'stitch.total': stitches,
  'piece.count': pieces,
});
const broken = (stitches: number, pieces: number) => ({
  ...standing,
  'error.code': 13,
  'stitch.total': stitches,
  'piece.count': pieces,
});
const acts = (rig: Rig) =>
  rig.records.filter((r) => r.kind === 'event').filter(({ event }) => event.startsWith('needle_case_'));
const only = (rig: Rig): NeedleCaseView => {
  const [one, ...others] = rig.pipeline.needles.views(null);
  assert.ok(one !== undefined && others.length === 0, 'exactly one case');
  return one;
};
async function value(outcome: Promise<CaseOutcome>): Promise<NeedleCaseView> {
  const told = await outcome;
  assert.ok(told.ok, told.ok ? '' : told.refusal);
  return told.value;
}

/** A machine that sewed and broke its needle. */
function brokenRig(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  rig.read('ls-1', sewing(5_000, 11));
  rig.pass(2_000);
  rig.read('ls-1', sewing(5_100, 12));
  rig.pass(1_000);
  rig.read('ls-1', broken(5_130, 12));
  return rig;
}

test('the code of a broken needle opens a case in the same call, with the range since the last good stitch', () => {
  const rig = brokenRig();
  const { state, openedBy, range, pieces, acts: kept } = only(rig);
  assert.deepEqual([state, openedBy, kept.length], ['open', null, 1]);
  assert.deepEqual(range, {
    stitchFrom: 5_100,
    stitchTo: 5_130,
    pieceFrom: 12,
    pieceTo: 12,
    goodMs: eight + 2_000,
    uncertain: null,
  });
  assert.deepEqual(pieces, { from: 13, to: 13 });
  const [alert] = rig.alerts().filter(({ rule }) => rule === 'needle-broken');
  assert.deepEqual([alert?.priority, alert?.transition, alert?.cause], ['urgent', 'raised', 'needle.broken']);
  const [opened, ...others] = acts(rig);
  assert.deepEqual([opened?.machine, opened?.data['occurrence'], others], ['ls-1', alert?.occurrence, []]);
  // With nothing between them they are in one entry of the journal: one is not kept without the other.
  assert.equal((opened?.n ?? 0) - (alert?.n ?? 0), 1);
});

test('other alarms open none: a needle detector of a knitting machine, a thread that broke', () => {
  const rig = new Rig();
  rig.read('ls-1', sewing(5_000, 11));
  rig.pass(1_000);
  rig.read('ls-1', { ...broken(5_130, 12), 'error.code': 11 });
  assert.equal(rig.alerts().length, 1);
  assert.deepEqual(rig.pipeline.needles.views(null), []);
});

test('a machine nobody saw running has no last good stitch, and what it does not count is null', () => {
  const rig = new Rig();
  rig.read('ls-1', broken(5_130, 12));
  assert.deepEqual(only(rig).range, {
    stitchFrom: null,
    stitchTo: 5_130,
    pieceFrom: null,
    pieceTo: 12,
    goodMs: null,
    uncertain: 'not-seen-running',
  });
  const blind = new Rig();
  blind.read('ls-1', { 'status.running': true, 'error.code': 0 });
  blind.pass(1_000);
  blind.read('ls-1', { 'status.running': false, 'error.code': 13 });
  const { range, pieces } = only(blind);
  assert.deepEqual(
    [range.stitchFrom, range.stitchTo, range.pieceFrom, range.pieceTo, pieces],
    [null, null, null, null, null],
  );
});

test('the last good stitch is from before the break began, not from before it was raised', () => {
  // A machine that goes on running while it shows the code, and a rule that waits.
  const profile = structuredClone(reference);
  const rig = new Rig({
    machines: [setupOf('ls-1', profile)],
    overrides: { 'needle-broken': { onDelayS: 5 } },
  });
  rig.read('ls-1', sewing(5_000, 11));
  rig.pass(3_000);
  for (let n = 1; n <= 8; n++) {
    rig.read('ls-1', { ...sewing(5_000 + 60 * n, 11), 'error.code': 13 });
    rig.pass(1_000);
  }
  const { range } = only(rig);
  assert.deepEqual([range.stitchFrom, range.goodMs], [5_000, eight]);
});

test('a step of the wall clock leaves no last good stitch that lies beside the clock', () => {
  const rig = new Rig();
  rig.read('ls-1', sewing(5_000, 11));
  rig.pass(1_000);
  rig.wallMs += 3_600_000;
  rig.pass(200);
  rig.read('ls-1', broken(5_130, 12));
  assert.equal(only(rig).range.goodMs, null);
});

test('a case of a time that was not known is dated with the rest', () => {
  const rig = brokenRig({ startMs: 1_000_000, options: { builtMs: eight - 86_400_000 } });
  const before = only(rig);
  assert.equal(before.openedMs, 1_003_000);
  const shiftMs = eight - rig.wallMs;
  rig.wallMs = eight;
  rig.pass(200);
  const { openedMs, range, acts: kept } = only(rig);
  assert.deepEqual([openedMs, range.goodMs], [before.openedMs + shiftMs, (before.range.goodMs ?? 0) + shiftMs]);
  assert.equal(kept[0]?.atMs, openedMs);
});

test('a second break adds to the open case; the same one told again does not', () => {
  const rig = brokenRig();
  const show = (what: Record<string, number | boolean>) => {
    rig.pass(2_000);
    rig.read('ls-1', what);
  };
  // The code goes and comes without a stitch between: somebody pressed reset.
  show({ ...broken(5_130, 12), 'error.code': 0 });
  show(broken(5_130, 12));
  assert.equal(only(rig).breaks, 1);
  show(sewing(5_400, 13));
  show(broken(5_420, 13));
  const { breaks, range, pieces } = only(rig);
  assert.deepEqual([breaks, range.stitchFrom, range.stitchTo, pieces], [2, 5_100, 5_420, { from: 13, to: 14 }]);
});

test('a person opens one by hand, and nobody says when the needle was whole', async () => {
  const rig = new Rig();
  rig.read('ls-1', sewing(5_000, 11));
  const made = await value(rig.pipeline.needles.open('ls-1', 'omar', 'heard a crack'));
  assert.deepEqual([made.openedBy, made.range.uncertain, made.range.stitchTo], ['omar', 'by-hand', 5_000]);
  assert.deepEqual(await rig.pipeline.needles.open('nobody', 'omar', null), { ok: false, refusal: 'unknown-machine' });
  const again = await value(rig.pipeline.needles.open('ls-1', 'rita', null));
  assert.deepEqual([again.id, again.breaks], [made.id, 2]);
});

test('a start has every case as it was, and each act once', async () => {
  const rig = brokenRig();
  const { needles } = rig.pipeline;
  const { id } = only(rig);
  await value(needles.addFragment(id, 'omar', 'point'));
  await value(needles.tickFragment(id, 'omar', 1, true, 'floor'));
  await value(needles.addFragment(id, 'omar', 'eye'));
  await value(needles.withdrawFragment(id, 'omar', 2, 'a pin of the fixture'));
  await value(needles.say(id, 'omar', { outcome: 'complete' }));
  const needleCases = acts(rig);
  assert.equal(needleCases.length, 6);
  assert.deepEqual(needleCases[4]?.data, {
    case: id,
    act: 'unlisted',
    by: 'omar',
    fragment: 2,
    reason: 'a pin of the fixture',
  });
  const openOccurrences = rig
    .alerts()
    .filter(({ rule }) => rule === 'needle-broken')
    .slice(-1);
  const next = new Rig({
    recovery: { needleCases, openOccurrences, boot: '00000000000000bb' },
    startMs: eight + 9_000,
  });
  assert.deepEqual(only(next), only(rig));
  next.read('ls-1', broken(5_130, 12));
  assert.deepEqual(acts(next), [], 'the same alert opens nothing again');
  const end = await value(next.pipeline.needles.close(id, 'rita'));
  assert.equal(end.state, 'closed');
  // An opening that was told twice is one.
  const doubled = new Rig({ recovery: { needleCases: [...needleCases.slice(0, 1), ...needleCases] } });
  assert.deepEqual(only(doubled), only(rig));
});

test('an act that could not be stored does not count; a break that could not is told again', async () => {
  let isFull = false;
  const rig = brokenRig({ journal: () => (isFull ? Promise.reject(new RangeError('full')) : Promise.resolve()) });
  const { needles } = rig.pipeline;
  const { id } = only(rig);
  await value(needles.addFragment(id, 'omar', 'point'));
  isFull = true;
  assert.deepEqual(await needles.tickFragment(id, 'omar', 1, true, null), { ok: false, refusal: 'not-stored' });
  assert.equal(only(rig).fragments[0]?.tick, null);
  rig.pass(2_000);
  rig.read('ls-1', sewing(5_400, 13));
  rig.pass(2_000);
  rig.read('ls-1', broken(5_420, 13));
  await new Promise(setImmediate);
  assert.equal(only(rig).breaks, 2, 'what is shown does not wait for the disk');
  const told = () => acts(rig).filter(({ data }) => data['act'] === 'again').length;
  assert.equal(told(), 1);
  isFull = false;
  rig.pass(20_000);
  await new Promise(setImmediate);
  assert.equal(told(), 2);
  rig.pass(30_000);
  assert.equal(told(), 2, 'and then no more');
});

/** A journal that answers when it is told to: whether it took an entry. */
function slowJournal() {
  const waiting: PromiseWithResolvers<void>[] = [];
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    journal: () => {
      const answer = Promise.withResolvers<void>();
      waiting.push(answer);
      return answer.promise;
    },
    /** Answers the oldest entry that waits, and lets what waited for it go on. */
    answer: async (took: boolean) => {
      const first = waiting.shift();
      if (took) first?.resolve();
      else first?.reject(new RangeError('full'));
      await turn();
    },
    waits: () => waiting.length,
    turn,
  };
}
const told = (rig: Rig) =>
  acts(rig).map(({ event, data }) => (event === 'needle_case_opened' ? 'opened' : data['act']));
/** What a start makes of the acts the journal took. */
const afterStart = (needleCases: ReturnType<typeof acts>) => new Rig({ recovery: { needleCases } });

test('an act told while the break before it is not stored goes behind it (D6), whether it was refused by then or later', async () => {
  for (const isRefusedLater of [false, true]) {
    const slow = slowJournal();
    const rig = brokenRig({ journal: slow.journal });
    const { needles } = rig.pipeline;
    const { id } = only(rig);
    while (slow.waits() > 1) await slow.answer(true);
    // The entry with the break waits; the person is quicker than the disk, or not.
    const early = isRefusedLater ? needles.addFragment(id, 'omar', 'point') : null;
    await slow.turn();
    const inJournal = acts(rig).length;
    await slow.answer(false);
    const listed = early ?? needles.addFragment(id, 'omar', 'point');
    await slow.turn();
    await slow.answer(true);
    assert.ok((await listed).ok);
    const stored = acts(rig).slice(inJournal);
    assert.deepEqual([inJournal, told(rig)], [1, ['opened', 'opened', 'listed']]);
    assert.deepEqual(only(afterStart(stored)), only(rig), 'a start has what was answered');
  }
});

test('of two acts at once the second is judged when the first is stored (D6), and the journal has them in that order', async () => {
  const slow = slowJournal();
  const rig = new Rig({ journal: slow.journal });
  rig.read('ls-1', sewing(5_000, 11));
  const { needles } = rig.pipeline;
  const opening = needles.open('ls-1', 'omar', null);
  await slow.turn();
  while (slow.waits() > 0) await slow.answer(true);
  const { id } = await value(opening);
  const listed = needles.addFragment(id, 'omar', 'point');
  const ticked = needles.tickFragment(id, 'rita', 1, true, null);
  await slow.turn();
  assert.deepEqual([told(rig), slow.waits()], [['opened', 'listed'], 1], 'the tick waits');
  await slow.answer(false);
  assert.deepEqual(await listed, { ok: false, refusal: 'not-stored' });
  assert.deepEqual(await ticked, { ok: false, refusal: 'no-such-fragment' }, 'what it built on is not there');
  const both = [needles.addFragment(id, 'omar', 'point'), needles.tickFragment(id, 'rita', 1, true, null)];
  await slow.turn();
  await slow.answer(true);
  await slow.answer(true);
  await Promise.all(both.map(value));
  assert.deepEqual(told(rig), ['opened', 'listed', 'listed', 'ticked']);
  const stored = acts(rig).toSpliced(1, 1);
  assert.deepEqual(only(afterStart(stored)), only(rig));
});

test('of each machine the newest closed cases are kept, and every open one', async () => {
  const rig = new Rig({ machines: [setupOf('ls-1', reference), setupOf('ls-2', reference)] });
  const { needles } = rig.pipeline;
  const other = await value(needles.open('ls-2', 'omar', null));
  for (let n = 0; n < mostCases + 5; n++) {
    rig.pass(1_000);
    const { id } = await value(needles.open('ls-1', 'omar', null));
    await value(needles.addFragment(id, 'omar', 'point'));
    await value(needles.tickFragment(id, 'omar', 1, true, null));
    await value(needles.say(id, 'omar', { outcome: 'complete' }));
    await value(needles.close(id, 'rita'));
  }
  const views = needles.views(null);
  assert.equal(views.length, mostCases + 1);
  assert.ok(views.some(({ id }) => id === other.id));
  const next = new Rig({ recovery: { needleCases: acts(rig) } });
  assert.deepEqual(
    next.pipeline.needles.views(null).map(({ id }) => id),
    views.map(({ id }) => id),
  );
});

const text = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const counts = fc.record({ stitch: maybe(fc.nat()), piece: maybe(fc.nat()) });
const atMs = fc.integer({ min: 1, max: eight });
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant('opened' as const),
    id: fc.constant('c'),
    machine: fc.constant('ls-1'),
    atMs,
    by: maybe(text),
    occurrence: maybe(text),
    note: maybe(text),
    counts,
    good: maybe(fc.record({ stitch: maybe(fc.nat()), piece: maybe(fc.nat()), atMs })),
  }),
  fc.record({
    kind: fc.constant('again' as const),
    atMs,
    by: maybe(text),
    occurrence: maybe(text),
    note: maybe(text),
    counts,
  }),
  fc.record({ kind: fc.constant('listed' as const), atMs, by: text, name: text }),
  fc.record({
    kind: fc.constant('ticked' as const),
    atMs,
    by: text,
    fragment: fc.integer({ min: 1, max: 30 }),
    found: fc.boolean(),
    where: maybe(text),
  }),
  fc.record({
    kind: fc.constant('said' as const),
    atMs,
    by: text,
    statement: fc.oneof(
      fc.constant({ outcome: 'complete' as const }),
      fc.record({
        outcome: fc.constant('isolated' as const),
        pieces: fc.constantFrom('detected' as const, 'destroyed'),
        text,
      }),
    ),
  }),
  fc.record({ kind: fc.constant('closed' as const), atMs, by: text }),
);

test('every act comes back from its event as it was', () => {
  fc.assert(
    fc.property(anyAct, (act) => {
      const draft = draftOf('ls-1', { id: 'c', act });
      const back = actOf({ kind: 'event', n: 1, v: 1, ...structuredClone(draft) });
      assert.deepEqual(back, { id: 'c', act: structuredClone(act) });
    }),
  );
});
