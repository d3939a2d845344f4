import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  firstPeople,
  hindrances,
  mostActs,
  mostBreaks,
  mostFragments,
  openCase,
  piecesIn,
  standing,
  step,
  type Act,
  type LaterAct,
  type NeedleCase,
  type Refusal,
} from '../../../agent/needle-cases/case.ts';

const opening: Extract<Act, { kind: 'opened' }> = {
  kind: 'opened',
  id: 'case-1',
  machine: 'ls-1',
  atMs: 1_000,
  by: null,
  occurrence: 'occ-1',
  note: null,
  counts: { stitch: 5_040, piece: 12 },
  good: { stitch: 5_000, piece: 11, atMs: 900 },
};
const listed = (name: string, by = 'omar'): LaterAct => ({ kind: 'listed', atMs: 2, by, name });
const ticked = (fragment: number, found: boolean, by = 'omar'): LaterAct => ({
  kind: 'ticked',
  atMs: 3,
  by,
  fragment,
  found,
  where: null,
});
const unlisted = (fragment: number, by = 'omar'): LaterAct => ({
  kind: 'unlisted',
  atMs: 3,
  by,
  fragment,
  reason: 'a pin of the fixture',
});
const complete = (by = 'omar'): LaterAct => ({ kind: 'said', atMs: 4, by, statement: { outcome: 'complete' } });
const isolated = (by = 'omar'): LaterAct => ({
  kind: 'said',
  atMs: 4,
  by,
  statement: { outcome: 'isolated', pieces: 'detected', text: 'all three through the detector' },
});
const closed = (by: string): LaterAct => ({ kind: 'closed', atMs: 5, by });
const again = (stitch: number | null, piece: number | null): LaterAct => ({
  kind: 'again',
  atMs: 6,
  by: null,
  occurrence: 'occ-2',
  note: null,
  counts: { stitch, piece },
});

function after(acts: readonly LaterAct[], from: NeedleCase = openCase(opening)): NeedleCase {
  return acts.reduce((now, act) => {
    const stepped = step(now, act);
    assert.ok(stepped.ok, `${act.kind}: ${stepped.ok ? '' : stepped.refusal}`);
    return stepped.value;
  }, from);
}
function refusal(now: NeedleCase, act: LaterAct): Refusal | null {
  const stepped = step(now, act);
  return stepped.ok ? null : stepped.refusal;
}

test('from the break to the second person', () => {
  const open = openCase(opening);
  assert.deepEqual(
    [open.state, open.range],
    ['open', { stitchFrom: 5_000, stitchTo: 5_040, pieceFrom: 11, pieceTo: 12, goodMs: 900, uncertain: null }],
  );
  assert.deepEqual(hindrances(open), ['no-fragment']);
  const one = after([listed('point'), listed('eye')]);
  assert.deepEqual(hindrances(one), ['fragment-missing']);
  const found = after([ticked(1, true), ticked(2, true)], one);
  assert.deepEqual(hindrances(found), ['not-said']);
  const said = after([complete()], found);
  assert.deepEqual([said.state, hindrances(said), firstPeople(said)], ['said', ['same-person'], ['omar']]);
  const end = after([closed('asha')], said);
  assert.deepEqual([end.state, end.closed?.by, hindrances(end)], ['closed', 'asha', []]);
});

test('with a fragment missing nobody says complete, and nobody closes', () => {
  const missing = after([listed('point'), listed('eye'), ticked(1, true), ticked(2, false)]);
  assert.equal(refusal(missing, complete()), 'fragment-missing');
  assert.equal(refusal(missing, closed('asha')), 'not-said');
  assert.equal(refusal(openCase(opening), complete()), 'no-fragment');
  assert.equal(refusal(openCase(opening), isolated()), 'no-fragment');
  const one = after([isolated(), closed('asha')], missing);
  assert.equal(one.state, 'closed-isolated');
  assert.equal(refusal(after([listed('eye'), ticked(1, true)]), isolated()), 'nothing-missing');
});

test('who opened it, ticked last or said so is no second person', () => {
  const byHand = openCase({ ...opening, by: 'rita', good: null });
  const said = after([listed('eye', 'lee'), ticked(1, true, 'mina'), complete('omar')], byHand);
  for (const name of ['rita', 'mina', 'omar']) assert.equal(refusal(said, closed(name)), 'same-person', name);
  assert.equal(refusal(said, closed('lee')), null);
});

test('what changes what was said takes it back', () => {
  const said = after([listed('eye'), ticked(1, true), complete()]);
  for (const act of [listed('point'), ticked(1, true), ticked(1, false), unlisted(1), again(6_000, 14)]) {
    const now = after([act], said);
    assert.deepEqual([now.state, now.said], ['open', null]);
    assert.equal(refusal(now, closed('asha')), 'not-said');
  }
});

test('a piece that was listed by mistake is struck out, stays in the record, and is missing no more', () => {
  const missing = after([listed('eye'), listed('pin'), ticked(1, true), ticked(2, false)]);
  const struck = after([unlisted(2, 'lee')], missing);
  assert.deepEqual(
    struck.fragments.map(({ name, withdrawn }) => [name, withdrawn]),
    [
      ['eye', null],
      ['pin', { by: 'lee', atMs: 3, reason: 'a pin of the fixture' }],
    ],
  );
  assert.deepEqual(struck.fragments[1]?.tick, missing.fragments[1]?.tick, 'what was said of it stays too');
  assert.deepEqual(hindrances(struck), ['not-said']);
  assert.equal(refusal(struck, isolated()), 'nothing-missing');
  assert.equal(after([complete(), closed('asha')], struck).state, 'closed');
  for (const act of [unlisted(2), ticked(2, true)]) assert.equal(refusal(struck, act), 'fragment-withdrawn');
  assert.equal(refusal(struck, unlisted(3)), 'no-such-fragment');
  assert.equal(refusal(after([complete(), closed('asha')], struck), unlisted(1)), 'closed');
  // It can be listed anew, as another line.
  assert.deepEqual(
    after([listed('pin')], struck).fragments.map(({ name }) => name),
    ['eye', 'pin', 'pin'],
  );
});

test('nobody strikes out a missing piece and closes alone, and no case closes with every piece struck out', () => {
  const missing = after([
    listed('eye', 'omar'),
    listed('point', 'omar'),
    ticked(1, true, 'omar'),
    ticked(2, false, 'omar'),
  ]);
  const said = after([unlisted(2, 'asha'), ticked(1, true, 'omar'), complete('omar')], missing);
  assert.deepEqual(firstPeople(said), ['omar', 'asha']);
  assert.equal(refusal(said, closed('asha')), 'same-person');
  // Another who strikes out after her does not make her a second person again.
  const both = after([listed('pin'), unlisted(3, 'lee'), complete('omar')], said);
  for (const name of ['asha', 'lee']) assert.equal(refusal(both, closed(name)), 'same-person', name);
  assert.equal(refusal(both, closed('rita')), null);
  const none = after([unlisted(1), unlisted(2)], missing);
  assert.deepEqual(hindrances(none), ['no-fragment']);
  for (const act of [complete(), isolated()]) assert.equal(refusal(none, act), 'no-fragment');
  // Nor with those alone that were listed after an earlier break.
  const later = after([again(6_000, 14), listed('eye'), unlisted(2)], after([listed('eye'), ticked(1, true)]));
  assert.equal(refusal(later, complete()), 'no-fragment');
});

test('another break wants fragments of its own, and the range grows by it', () => {
  const twice = after([again(6_000, 14)], after([listed('eye'), ticked(1, true)]));
  assert.deepEqual([twice.breaks, twice.range.stitchTo, twice.range.pieceTo], [2, 6_000, 14]);
  assert.deepEqual([twice.range.stitchFrom, twice.range.pieceFrom], [5_000, 11]);
  assert.equal(refusal(twice, complete()), 'no-fragment');
  // The same word for a fragment of the other needle.
  assert.equal(refusal(after([listed('eye'), ticked(2, true)], twice), complete()), null);
});

test('a range is never made up', () => {
  const nothing = openCase({ ...opening, counts: { stitch: null, piece: null }, good: null });
  assert.deepEqual(nothing.range, {
    stitchFrom: null,
    stitchTo: null,
    pieceFrom: null,
    pieceTo: null,
    goodMs: null,
    uncertain: 'not-seen-running',
  });
  assert.equal(piecesIn(nothing.range), null);
  assert.equal(openCase({ ...opening, by: 'rita', good: null }).range.uncertain, 'by-hand');
  assert.deepEqual(piecesIn(openCase({ ...opening, good: null }).range), { from: null, to: 13 });
  // Those finished since, and the one that was under the needle.
  assert.deepEqual(piecesIn(openCase(opening).range), { from: 12, to: 13 });
  assert.equal(openCase({ ...opening, counts: { stitch: 4, piece: 0 } }).range.uncertain, 'counter-restarted');
  const shrunk = after([again(3, 0)]);
  assert.deepEqual([shrunk.range.stitchTo, shrunk.range.pieceTo], [5_040, 12]);
  assert.equal(shrunk.range.uncertain, 'counter-restarted');
});

test('a case that has no room for more can be closed still: one piece since the newest break is always listed', () => {
  let now = openCase(opening);
  for (let n = 0; n < mostFragments; n++) now = after([listed(`piece ${n}`)], now);
  // What was struck out takes no place of those that stand.
  now = after([unlisted(1), listed('one more')], now);
  assert.equal(refusal(now, listed('and more')), 'full');
  while (now.acts.length < mostActs) now = after([ticked(2, false)], now);
  for (const act of [ticked(2, true), unlisted(2)]) assert.equal(refusal(now, act), 'full');
  const broken = after([again(6_000, 14)], now);
  const ended = after([listed('eye')], broken);
  assert.equal(refusal(ended, listed('point')), 'full');
  assert.equal(after([isolated(), closed('asha')], ended).state, 'closed-isolated');
});

test('fragments, acts and breaks are bounded', () => {
  let now = openCase(opening);
  for (let n = 0; n < mostFragments; n++) now = after([listed(`piece ${n}`)], now);
  assert.equal(refusal(now, listed('one more')), 'full');
  assert.equal(refusal(after([listed('eye')]), listed('eye')), 'fragment-listed');
  let ticks = 0;
  while (refusal(now, ticked(1, true)) === null && ticks < 10_000) {
    now = after([ticked(1, true)], now);
    ticks++;
  }
  assert.ok(ticks > 100 && ticks < 1_000);
  // What is left to do can be done.
  assert.equal(after([isolated(), closed('asha')], now).state, 'closed-isolated');
  let broken = openCase(opening);
  for (let n = 1; n < mostBreaks; n++) broken = after([again(6_000 + n, 14)], broken);
  assert.equal(broken.range.uncertain, 'too-many-breaks');
  assert.equal(refusal(broken, again(9_000, 20)), 'full');
});

const people = fc.constantFrom('omar', 'asha', 'rita', 'lee');
const count = fc.option(fc.nat(100), { nil: null });
const anyAct: fc.Arbitrary<LaterAct> = fc.oneof(
  fc.record({
    kind: fc.constant('listed' as const),
    atMs: fc.nat(),
    by: people,
    name: fc.constantFrom('a', 'b', '<b>'),
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ticked' as const),
      atMs: fc.nat(),
      by: people,
      fragment: fc.integer({ min: 0, max: 4 }),
      found: fc.boolean(),
      where: fc.constant(null),
    }),
  },
  fc.tuple(fc.integer({ min: 0, max: 4 }), people).map(([fragment, by]) => unlisted(fragment, by)),
  { weight: 3, arbitrary: fc.tuple(people, fc.boolean()).map(([by, all]) => (all ? complete(by) : isolated(by))) },
  { weight: 3, arbitrary: people.map((by) => closed(by)) },
  fc.tuple(count, count).map(([stitch, piece]) => again(stitch, piece)),
);

/** What people do who mean to end a case, among the rest: a piece is struck out or not, then two of them and a statement, true or not. */
const towardsTheEnd: fc.Arbitrary<readonly LaterAct[]> = fc
  .tuple(people, people, fc.boolean(), fc.boolean(), fc.option(fc.tuple(fc.integer({ min: 1, max: 3 }), people)))
  .map(([first, second, found, all, struck]) => [
    listed('a', first),
    ...(struck === null ? [] : [listed('b', first), unlisted(...struck)]),
    ...[1, 2, 3, 4].map((fragment) => ticked(fragment, found || fragment > 1, first)),
    all ? complete(first) : isolated(first),
    closed(second),
  ]);
const manyActs: fc.Arbitrary<LaterAct[]> = fc
  .array(fc.oneof({ weight: 8, arbitrary: anyAct.map((act) => [act]) }, { weight: 1, arbitrary: towardsTheEnd }), {
    maxLength: 40,
  })
  .map((parts) => parts.flat());

test('whatever people do: no case closes with a fragment missing or by one person, and no range shrinks', () => {
  let closings = 0;
  let afterStriking = 0;
  fc.assert(
    fc.property(manyActs, fc.option(people, { nil: null }), (acts, by) => {
      let now = openCase({ ...opening, by, good: by === null ? opening.good : null });
      for (const act of acts) {
        const before = now;
        const stepped = step(now, act);
        if (!stepped.ok) continue;
        assert.equal(before.closed, null, 'N6');
        now = stepped.value;
        for (const key of ['stitchTo', 'pieceTo'] as const)
          assert.ok((now.range[key] ?? -1) >= (before.range[key] ?? -1), 'N5');
        assert.deepEqual(
          [now.range.stitchFrom, now.range.pieceFrom],
          [before.range.stitchFrom, before.range.pieceFrom],
        );
        if (['listed', 'ticked', 'unlisted', 'again'].includes(act.kind)) assert.equal(now.said, null, 'N4');
        for (const [i, one] of before.fragments.entries()) {
          assert.equal(now.fragments[i]?.number, one.number, 'N8');
          if (one.withdrawn !== null) assert.deepEqual(now.fragments[i], one, 'N8');
        }
        if (now.closed === null) continue;
        closings++;
        const struckBy = before.acts.flatMap((one) => (one.kind === 'unlisted' ? [one.by] : []));
        if (struckBy.length > 0) afterStriking++;
        assert.ok(!struckBy.includes(now.closed.by), 'N2');
        const lastTick = acts
          .slice(0, acts.indexOf(act))
          .findLast((one) => one.kind === 'ticked' && before.acts.includes(one));
        assert.notEqual(now.closed.by, by, 'N2');
        assert.notEqual(now.closed.by, before.said?.by, 'N2');
        assert.ok(lastTick?.kind !== 'ticked' || lastTick.by !== now.closed.by, 'N2');
        const isMissing = standing(now).some(({ tick }) => tick?.found !== true);
        assert.equal(isMissing, now.state === 'closed-isolated', 'N1, N3');
        assert.ok(
          standing(now).some(({ ofBreak }) => ofBreak === now.breaks),
          'N1',
        );
        assert.equal(before.said?.statement.outcome, isMissing ? 'isolated' : 'complete', 'N3');
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(closings > 50, `the property must reach closings, and reached ${closings}`);
  assert.ok(afterStriking > 50, `and closings after a piece was struck out, and reached ${afterStriking}`);
});
