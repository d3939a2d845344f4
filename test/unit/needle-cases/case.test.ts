import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  firstPeople,
  hindrances,
  mostBreaks,
  mostFragments,
  openCase,
  piecesIn,
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
  for (const act of [listed('point'), ticked(1, true), ticked(1, false), again(6_000, 14)]) {
    const now = after([act], said);
    assert.deepEqual([now.state, now.said], ['open', null]);
    assert.equal(refusal(now, closed('asha')), 'not-said');
  }
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
  { weight: 3, arbitrary: fc.tuple(people, fc.boolean()).map(([by, all]) => (all ? complete(by) : isolated(by))) },
  { weight: 3, arbitrary: people.map((by) => closed(by)) },
  fc.tuple(count, count).map(([stitch, piece]) => again(stitch, piece)),
);

/** What people do who mean to end a case, among the rest: two of them, and a statement that is true or not. */
const towardsTheEnd: fc.Arbitrary<readonly LaterAct[]> = fc
  .tuple(people, people, fc.boolean(), fc.boolean())
  .map(([first, second, found, all]) => [
    listed('a', first),
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
        if (['listed', 'ticked', 'again'].includes(act.kind)) assert.equal(now.said, null, 'N4');
        if (now.closed === null) continue;
        closings++;
        const lastTick = acts
          .slice(0, acts.indexOf(act))
          .findLast((one) => one.kind === 'ticked' && before.acts.includes(one));
        assert.notEqual(now.closed.by, by, 'N2');
        assert.notEqual(now.closed.by, before.said?.by, 'N2');
        assert.ok(lastTick?.kind !== 'ticked' || lastTick.by !== now.closed.by, 'N2');
        const isMissing = now.fragments.some(({ tick }) => tick?.found !== true);
        assert.equal(isMissing, now.state === 'closed-isolated', 'N1, N3');
        assert.ok(
          now.fragments.some(({ ofBreak }) => ofBreak === now.breaks),
          'N1',
        );
        assert.equal(before.said?.statement.outcome, isMissing ? 'isolated' : 'complete', 'N3');
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(closings > 50, `the property must reach closings, and reached ${closings}`);
});
