import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arcOf, meet, type NeedleRange } from '../../../agent/incidents/arcs.ts';
import { IncidentBook, type SenseTold } from '../../../agent/incidents/book.ts';
import type { AlertStep } from '../../../agent/alerts/occurrence.ts';

const cylinder = { needles: 2281, firstNeedle: 1 } as const;
const minuteMs = 60_000;

function bookOf(...machines: readonly string[]): IncidentBook {
  const book = new IncidentBook();
  for (const machine of machines) book.watch(machine, cylinder);
  return book;
}
const told = (occurrence: string, needles: readonly NeedleRange[], more: Partial<SenseTold> = {}): SenseTold => ({
  machine: 'ck-1',
  occurrence,
  sense: needles.length > 1 ? 'ear' : 'eye',
  key: occurrence,
  isNew: true,
  needles,
  fromMs: 0,
  lastMs: null,
  picture: null,
  legend: {},
  ...more,
});
const eye = (occurrence: string, needle: number, k = 2, more: Partial<SenseTold> = {}) =>
  told(occurrence, [{ needle, k }], more);
const ear = (occurrence: string, needles: readonly number[], more: Partial<SenseTold> = {}) =>
  told(
    occurrence,
    needles.map((needle) => ({ needle, k: 2 })),
    { sense: 'ear', ...more },
  );
const step = (id: string, transition: AlertStep['transition'], clearedMs: number): AlertStep =>
  ({ transition, occurrence: { id, clearedMs } }) as AlertStep;

test('an eye and an ear with a needle in common are one incident, whichever tells first, with the picture of each', () => {
  const seen = eye('e-1', 317, 2, { picture: 'crop', legend: { heatMap: 'map' } });
  const heard = ear('h-1', [293, 316, 339], { picture: 'sound', legend: { speed: 30 } });
  for (const [first, second] of [
    [seen, heard],
    [heard, seen],
  ] as const) {
    const book = bookOf('ck-1');
    assert.deepEqual(book.told(first), { incident: first.occurrence });
    assert.deepEqual(book.told(second), { incident: first.occurrence, incidentNeedle: 316, incidentK: 2 });
    const { id, occurrences, ...about } = book.of(seen.occurrence) ?? assert.fail('it has one');
    const pictures = { crop: 'crop', spectrogram: 'sound', legend: { heatMap: 'map', speed: 30 } };
    assert.deepEqual(about, { needle: 316, k: 2, senses: ['eye', 'ear'], ...pictures });
    assert.deepEqual([id, occurrences], [first.occurrence, [first.occurrence, second.occurrence]]);
    assert.deepEqual(book.of(heard.occurrence), book.of(seen.occurrence));
  }
});

test('apart in needles, in time or by machine they are two incidents of one', () => {
  const book = bookOf('ck-1', 'ck-2');
  book.told(eye('e-1', 100, 2, { lastMs: 5 * minuteMs }));
  assert.deepEqual(book.told(ear('h-1', [105, 128, 82])), { incident: 'h-1' });
  assert.deepEqual(book.told(ear('h-2', [100], { fromMs: 66 * minuteMs })), { incident: 'h-2' });
  assert.deepEqual(book.told(ear('h-3', [100], { machine: 'ck-2' })), { incident: 'h-3' });
  assert.deepEqual(book.told(ear('h-4', [100], { fromMs: 65 * minuteMs }))['incident'], 'e-1');
  assert.equal(book.of('h-1')?.needle, null);
});

test('a line that is told again without a picture keeps the one it has, with its own legend', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100, 8, { picture: 'crop', legend: { heatMap: 'map', heatPeak: 2 } }));
  book.told(eye('e-1', 101, 2, { isNew: false, legend: { heatMap: null, heatPeak: null } }));
  assert.deepEqual([book.of('e-1')?.crop, book.of('e-1')?.legend], ['crop', { heatMap: 'map', heatPeak: 2 }]);
  // A picture of another line comes with what belongs to that one.
  book.told(eye('e-1', 102, 2, { key: 'other', picture: 'crop-2', legend: { heatMap: null, heatPeak: 0.4 } }));
  assert.deepEqual([book.of('e-1')?.crop, book.of('e-1')?.legend], ['crop-2', { heatMap: null, heatPeak: 0.4 }]);
});

test('without a picture, or without a needle of one of them, an incident stands with what there is', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100));
  book.told(ear('h-1', [101, 124], { picture: 'sound' }));
  assert.deepEqual([book.of('e-1')?.crop, book.of('e-1')?.spectrogram], [null, 'sound']);
  assert.deepEqual(book.told(told('e-2', [])), { incident: 'e-2' }, 'its needle is not known yet');
  book.told(eye('e-2', 500, 3, { isNew: false }));
  assert.deepEqual(book.told(ear('h-2', [501]))['incident'], 'e-2', 'it is now');
  assert.deepEqual(bookOf().told(eye('e-3', 1)), {}, 'of a machine without needles nothing is said');
});

test('a third alert joins where it has the needle of both, and what is known better narrows it', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100, 4));
  book.told(ear('h-1', [102, 125, 79]));
  assert.deepEqual([book.of('e-1')?.needle, book.of('e-1')?.k], [102, 2]);
  assert.equal(book.told(eye('e-2', 97, 1))['incident'], 'e-2', 'it has one of the first’s, not of both');
  assert.deepEqual(book.told(eye('e-3', 104, 1)), { incident: 'e-1', incidentNeedle: 103, incidentK: 1 });
  book.told(eye('e-3', 103, 0, { isNew: false }));
  assert.deepEqual([book.of('h-1')?.needle, book.of('h-1')?.k], [103, 0]);
  // Beside all others: the place they met at stays.
  book.told(eye('e-3', 110, 0, { isNew: false }));
  assert.deepEqual([book.of('h-1')?.needle, book.of('h-1')?.k], [103, 0]);
  assert.deepEqual(book.of('e-1')?.occurrences, ['e-1', 'h-1', 'e-3']);
  assert.equal(book.told(eye('e-4', 102, 1))['incident'], 'e-1', 'and can be joined');
});

test('between two that do not touch, an alert belongs to its likelier candidate', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 293));
  book.told(eye('e-2', 316));
  assert.equal(book.told(ear('h-1', [316, 293, 339]))['incident'], 'e-2');
  assert.equal(book.of('e-1')?.occurrences.length, 1);
});

test('a line told later of an alert counts too, and shows its own picture', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100, 2, { key: 'line 1', picture: 'first' }));
  book.told(eye('e-1', 900, 2, { key: 'line 2', picture: 'second' }));
  book.told(ear('h-1', [901, 924], { picture: 'sound' }));
  assert.deepEqual([book.of('h-1')?.id, book.of('h-1')?.needle, book.of('h-1')?.crop], ['e-1', 900, 'second']);
});

test('a line that ended over an hour before is none to join, though its alert is still open', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100, 2, { key: 'line 1' }));
  book.told(eye('e-1', 900, 2, { key: 'line 2' }));
  book.ended('ck-1', 'line 1', 10 * minuteMs);
  assert.equal(book.told(ear('h-1', [100], { fromMs: 71 * minuteMs }))['incident'], 'h-1');
  assert.equal(book.told(ear('h-2', [900], { fromMs: 71 * minuteMs }))['incident'], 'e-1');
});

test('B1: an alert that returned or was closed is joined within the hour, and open alerts keep theirs for days', () => {
  const book = bookOf('ck-1');
  book.told(eye('e-1', 100));
  book.stepped(step('e-1', 'returned', 3 * minuteMs), 3 * minuteMs);
  book.stepped(step('e-1', 'closed', 3 * minuteMs), 50 * minuteMs);
  book.told(ear('h-1', [100], { fromMs: 63 * minuteMs }));
  assert.equal(book.of('h-1')?.id, 'e-1');
  book.told(eye('e-9', 1500, 2, { fromMs: 5_000 * minuteMs }));
  assert.deepEqual(book.of('h-1')?.occurrences, ['e-1', 'h-1']);
  book.stepped(step('h-1', 'closed', 5_000 * minuteMs), 5_000 * minuteMs);
  book.told(eye('e-10', 1600, 2, { fromMs: 6_000 * minuteMs }));
  assert.equal(book.of('h-1'), null, 'it was over long ago');
});

/** Faults a thousand needles apart would never touch; each alert of one has its needle. */
const faults = fc
  .array(
    fc.record({
      fault: fc.nat(2),
      machine: fc.constantFrom('ck-1', 'ck-2'),
      off: fc.integer({ min: -6, max: 6 }),
      k: fc.integer({ min: 6, max: 12 }),
      candidate: fc.nat(2),
      isEar: fc.boolean(),
      fromMs: fc.nat(60 * minuteMs),
    }),
    { minLength: 2, maxLength: 9 },
  )
  .map((many) =>
    many.map(({ fault, machine, off, k, candidate, isEar, fromMs }, i) => {
      // The last lies across the end of the cylinder.
      const needle = [400, 1300, 2280][fault] ?? 0;
      const near = { needle: ((needle + off - 1 + 2281) % 2281) + 1, k };
      const far = [150, 250].map((by) => ({ needle: ((near.needle + by - 1) % 2281) + 1, k }));
      const needles = isEar ? far.toSpliced(candidate, 0, near) : [near];
      const more = { machine, fromMs, sense: isEar ? 'ear' : 'eye' } as const;
      return { fault: `${machine} ${fault}`, sent: told(`o-${i}`, needles, more), hasAlternates: isEar };
    }),
  );

test('B2, B4: whatever the order of arrival, alerts about one needle are one incident of one machine, with the same needle', () => {
  // An ear's other candidates lie a pitch off and so do another ear's: with one of each fault none of them touch.
  const oneEar = faults.map((many) => {
    const heard = new Set<string>();
    return many.filter(({ fault, hasAlternates }) => {
      if (!hasAlternates || !heard.has(fault)) {
        if (hasAlternates) heard.add(fault);
        return true;
      }
      return false;
    });
  });
  const orders = oneEar.chain((many) =>
    fc.tuple(fc.constant(many), fc.shuffledSubarray(many, { minLength: many.length })),
  );
  const groupsOf = (book: IncidentBook, many: readonly { readonly sent: SenseTold }[]) =>
    many
      .map(({ sent }) => book.of(sent.occurrence) ?? assert.fail('it has one'))
      .map(({ occurrences, needle, k }) => JSON.stringify([[...occurrences].sort(), needle, k]));
  fc.assert(
    fc.property(orders, ([many, other]) => {
      const books = [many, other].map((order) => {
        const book = bookOf('ck-1', 'ck-2');
        for (const { sent } of order) book.told(sent);
        return groupsOf(book, many);
      });
      assert.deepEqual(books[0], books[1]);
      const expected = Map.groupBy(many, ({ fault }) => fault);
      assert.equal(new Set(books[0]).size, expected.size);
    }),
    { numRuns: 500 },
  );
});

test('B2, B3: of any alerts, those of one incident are of one machine and overlap at its needle', () => {
  const anything = fc.array(
    fc.record({
      machine: fc.constantFrom('ck-1', 'ck-2'),
      needles: fc.array(fc.record({ needle: fc.integer({ min: 1, max: 60 }), k: fc.nat(6) }), { maxLength: 3 }),
      fromMs: fc.nat(180 * minuteMs),
      lastsMs: fc.option(fc.nat(30 * minuteMs)),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(anything, (many) => {
      const book = bookOf('ck-1', 'ck-2');
      const ids = new Map<string, string>();
      for (const [i, { machine, needles, fromMs, lastsMs }] of many.entries()) {
        const lastMs = lastsMs === null ? null : fromMs + lastsMs;
        ids.set(`o-${i}`, String(book.told(told(`o-${i}`, needles, { machine, fromMs, lastMs }))['incident']));
      }
      for (const [i, { machine }] of many.entries()) {
        const view = book.of(`o-${i}`) ?? assert.fail('it has one');
        assert.equal(view.id, ids.get(`o-${i}`), 'it is the one it was raised with');
        const others = view.occurrences.map((id) => many[Number(id.slice(2))] ?? assert.fail(id));
        assert.ok(others.every((one) => one.machine === machine));
        if (others.length < 2) continue;
        const common = arcOf({ needle: view.needle ?? NaN, k: view.k ?? NaN }, cylinder);
        for (const { needles } of others) {
          assert.ok(needles.some((one) => meet(arcOf(one, cylinder), common, cylinder).length > 0));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('B5: what is kept is bounded, what is open is kept longest, and what is forgotten is counted', () => {
  const book = bookOf('ck-1');
  book.told(eye('open', 2000));
  for (let i = 0; i < 300; i += 1) {
    book.told(eye(`e-${i}`, 5 * i, 1));
    book.stepped(step(`e-${i}`, 'closed', minuteMs), minuteMs);
  }
  assert.equal(book.forgotten, 101);
  assert.deepEqual([book.of('e-0'), book.of('open')?.id, book.of('e-299')?.id], [null, 'open', 'e-299']);
  for (let i = 0; i < 20; i += 1) book.told(eye('open', 5 * i, 1, { key: `line ${i}` }));
  assert.equal(book.forgotten, 106);
});
