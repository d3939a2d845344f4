import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../../../cloud-bridge/contract.ts';
import { foldRoll } from '../../../agent/rolls/fold.ts';
import type { RollRow } from '../../../agent/store/roll-events.ts';
import { rollMapOf, rollMapSchema } from '../../../models/vision/roll-map.ts';
import { defaultFourPointOptions } from '../../../models/vision/four-point.ts';

let n = 0;
function row(
  event: string,
  data: EventRecord['data'],
  more: { boot?: string; phase?: EventRecord['phase'] } = {},
): RollRow {
  n += 1;
  const { boot = 'aa', phase = 'instant' } = more;
  return {
    boot,
    record: { n, v: 1, kind: 'event', machine: 'ck-1', atMs: 1000 + n, event, phase, fromMs: null, data },
  };
}
const begun = (roll: number, endedM: number | null = null) =>
  row('roll_begun', {
    roll,
    id: `R-${roll}`,
    why: 'asked',
    missed: 0,
    endedM,
    widthMm: 2000,
    fabric: 'jersey',
    rollCount: null,
    clothMm: null,
  });
const looked = (fromM: number, toM: number, more: EventRecord['data'] = {}, boot = 'aa') =>
  row(
    'roll_looked',
    {
      roll: 1,
      fromM,
      toM,
      unseen: 0,
      reason: null,
      newestM: toM,
      fabric: 'jersey',
      model: 'm@1.0.0',
      isSimulated: false,
      faults: 0,
      dropped: 0,
      rollCount: null,
      clothMm: null,
      ...more,
    },
    { boot },
  );
const fault = (fromM: number, toM: number, more: EventRecord['data'] = {}): EventRecord['data'] => ({
  roll: 1,
  eye: 0,
  finding: 1,
  class: 'needle_line',
  shape: 'vertical',
  cause: 'needle_or_sinker',
  score: 3,
  threshold: 1,
  needle: 7,
  k: 2,
  needleUnknown: null,
  rollFromM: fromM,
  rollToM: toM,
  alongErrorMm: 2,
  acrossFromMm: 10,
  acrossToMm: 12,
  revolutions: 2,
  fabric: 'jersey',
  model: 'm@1.0.0',
  isSimulated: false,
  crop: null,
  sameAs: null,
  ...more,
});
const opened = (data: EventRecord['data'], boot = 'aa') => row('fabric_finding', data, { phase: 'opened', boot });
const closed = (data: EventRecord['data'], boot = 'aa') => row('fabric_finding', data, { phase: 'closed', boot });
const fold = (...rows: RollRow[]) => {
  const folded = foldRoll('ck-1', rows);
  assert.ok(folded !== null);
  const map = rollMapOf(folded.contents, defaultFourPointOptions);
  assert.ok(rollMapSchema.safeParse(map).success);
  return map;
};
const places = (map: ReturnType<typeof fold>) =>
  map.defects.map(({ class: name, fromMm, toMm, k }) => [name, fromMm, toMm, k]);

test('O1: a fault stands there once, as it was known last, with the crops of all that was told of it', () => {
  const crop = 'a'.repeat(64);
  const map = fold(
    begun(1),
    looked(0, 10),
    opened(fault(1, 1.2, { crop })),
    row('fabric_finding_refined', fault(1, 2, { class: 'ladder', k: 1 })),
    closed(fault(1, 3, { class: 'ladder', k: 1 })),
    row(
      'fabric_finding',
      fault(5, 5.01, { finding: 2, class: 'hole', needle: null, k: null, needleUnknown: 'no-angle' }),
    ),
  );
  assert.deepEqual(places(map), [
    ['ladder', 1000, 3000, 1],
    ['hole', 5000, 5010, null],
  ]);
  assert.deepEqual(map.defects[0]?.evidence, [crop]);
});

test('O1: a hole that was larger than its first edge has the points of its size', () => {
  const hole = { class: 'hole', needle: null, k: null, needleUnknown: 'no-angle' };
  const map = fold(
    begun(1),
    looked(0, 10),
    row('fabric_finding', fault(5, 5.01, hole)),
    row('fabric_finding_refined', fault(4.97, 5.01, hole)),
  );
  assert.deepEqual(places(map), [['hole', 4970, 5010, null]]);
  assert.equal(map.score.total, 4);
});

test('O1: what was another fault all the time is not there, and the same number of another process is another fault', () => {
  const map = fold(
    begun(1),
    looked(0, 10),
    opened(fault(1, 2)),
    opened(fault(1, 2, { finding: 2 })),
    closed(fault(1, 2, { finding: 2, sameAs: 1 })),
    closed(fault(1, 2)),
    opened(fault(4, 5, { eye: 1 })),
    closed(fault(4, 5, { eye: 1 })),
    opened(fault(7, 8), 'bb'),
    closed(fault(7, 8), 'bb'),
  );
  assert.deepEqual(
    places(map).map(([, fromMm]) => fromMm),
    [1000, 4000, 7000],
  );
});

test('O2: a fault without an end goes to where was looked: at the end of its process, of the roll, or now', () => {
  const lost = fold(begun(1), looked(0, 6), opened(fault(1, 2)), looked(6, 9, {}, 'bb'));
  assert.deepEqual(places(lost), [['needle_line', 1000, 6000, 2]]);
  const restarted = row('fabric_finding', { reason: 'agent-restarted' }, { boot: 'bb', phase: 'closed' });
  assert.deepEqual(places(fold(begun(1), looked(0, 6), opened(fault(1, 2)), restarted)), [
    ['needle_line', 1000, 6000, 2],
  ]);
  const goesOn = fold(begun(1), looked(0, 6), opened(fault(1, 2)), looked(6, 9));
  assert.deepEqual(places(goesOn), [['needle_line', 1000, 9000, 2]]);
  const ended = fold(begun(1), looked(0, 6), opened(fault(1, 2)), begun(2, 7.5), closed(fault(0, 3, { roll: 2 })));
  assert.deepEqual(places(ended), [['needle_line', 1000, 7500, 2]]);
});

test('O3: what nobody told of is a gap: a hole between two stretches, the end of a roll that ended, and what is not told yet', () => {
  const map = fold(begun(1), looked(0, 2), looked(3, 6, { unseen: 0.4, reason: 'overload' }), begun(2, 8));
  assert.deepEqual(
    map.gaps.map(({ fromMm, toMm, share, reason }) => [fromMm, toMm, share, reason]),
    [
      [2000, 3000, 1, 'not-running'],
      [3000, 6000, 0.4, 'overload'],
      [6000, 8000, 1, 'not-running'],
    ],
  );
  // 8 m, less 1, 0.4 · 3 and 2.
  assert.ok(Math.abs(map.score.inspectedM - 3.8) < 1e-9);
  assert.equal(map.score.isComplete, false);
  const now = fold(begun(1), looked(0, 2), opened(fault(1.5, 2.5)));
  assert.deepEqual(now.gaps, [{ fromMm: 2000, toMm: 2500, share: 1, reason: 'not-yet' }]);
  const empty = fold(begun(1), begun(2, 4));
  assert.deepEqual([empty.roll.lengthMm, empty.score.pointsPer100M2], [4000, null]);
});

test('O3: stretches of the roll before, told after the next has begun, are its own', () => {
  const map = fold(begun(1), looked(0, 5), begun(2, 6), looked(5, 6), looked(0, 3, { roll: 2 }));
  assert.deepEqual([map.roll.lengthMm, map.gaps, map.score.isComplete], [6000, [], true]);
});

test('O4: an event that cannot be read is counted, and rows that begin no roll are none', () => {
  const map = fold(
    begun(1),
    looked(0, 5),
    row('fabric_finding', { ...fault(1, 2), rollFromM: null }),
    row('roll_looked', { roll: 1 }),
    row('fabric_finding', fault(1, 2, { class: 'of-tomorrow' })),
  );
  assert.deepEqual([map.dropped, map.score.isComplete], [2, false]);
  assert.deepEqual(places(map), [['anomaly', 1000, 2000, 2]]);
  assert.equal(foldRoll('ck-1', [looked(0, 1)]), null);
  assert.equal(foldRoll('ck-1', []), null);
  assert.equal(foldRoll('ck-1', [begun(1)], 1)?.contents.dropped, 1);
});

test('before there are faults and cloth there is a roll all the same', () => {
  const map = fold(begun(3));
  assert.deepEqual([map.roll.id, map.roll.lengthMm, map.model], ['R-3', 0, '']);
});
