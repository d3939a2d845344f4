import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MachineView } from '../../../agent/live.ts';
import {
  alertCounts,
  alertsMark,
  countedToday,
  groupsOf,
  pagesOf,
  qualityOf,
  qualityTold,
  serviceSignals,
  speedOf,
  speedTold,
  wallRoom,
  wallScale,
} from '../../../agent/web/floor-groups.ts';
import type { Alert } from '../../../agent/web/floor-state.ts';
import { demoAlerts, demoMachines } from './floor-demo.ts';

const [some] = demoMachines() as [MachineView, ...MachineView[]];
const at = (id: string, line: string | null, station: string | null): MachineView => ({
  ...some,
  id,
  name: id,
  line,
  station,
});

test('machines stand by line and station as people count, those without at the end', () => {
  const groups = groupsOf([
    at('a', 'Line 10', 'Station 10'),
    at('b', null, null),
    at('c', 'Line 9', null),
    at('d', 'Line 9', 'Station 10'),
    at('e', 'Line 9', 'Station 9'),
  ]);
  assert.deepEqual(
    groups.map(({ line, machines }) => [line, machines.map(({ id }) => id)]),
    [
      ['Line 9', ['e', 'd', 'c']],
      ['Line 10', ['a']],
      [null, ['b']],
    ],
  );
});

test('a wall screen shows every machine once, no page is higher than the screen, and no line that fits is torn', () => {
  const line = fc.constantFrom('A', 'B', 'C', 'D');
  const room = fc.record({
    columns: fc.integer({ min: 0, max: 6 }),
    heightPx: fc.integer({ min: -100, max: 1200 }),
    headingPx: fc.constantFrom(0, 46),
    rowPx: fc.constantFrom(120, 182),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), room, (lines, screen) => {
      const { heightPx, headingPx, rowPx } = screen;
      const groups = groupsOf(lines.map((name, index) => at(`m${index}`, name, String(index))));
      const pages = pagesOf(groups, screen);
      const shown = pages.flatMap((page) => page.flatMap(({ machines }) => machines.map(({ id }) => id)));
      assert.equal(shown.length, lines.length);
      assert.equal(new Set(shown).size, lines.length);
      const rowsOf = (count: number) => Math.ceil(count / Math.max(1, screen.columns));
      const heightOf = (page: typeof groups) =>
        page.reduce((sum, { machines }) => sum + headingPx + rowsOf(machines.length) * rowPx, 0);
      for (const page of pages) {
        assert.ok(page.length > 0 && page.every(({ machines }) => machines.length > 0));
        // A screen too low for one row shows one.
        assert.ok(heightOf(page) <= Math.max(heightPx, headingPx + rowPx));
      }
      for (const group of groups) {
        const parts = pages.filter((page) => page.some(({ line: name }) => name === group.line)).length;
        if (heightOf([group]) <= heightPx) assert.equal(parts, 1);
      }
    }),
  );
});

test('eight short lines are not one page: each begins a row of its own', () => {
  const groups = groupsOf(
    Array.from({ length: 24 }, (_, index) => at(`m${index}`, `Line ${index % 8}`, String(index))),
  );
  const pages = pagesOf(groups, { columns: 5, heightPx: 890, headingPx: 46, rowPx: 182 });
  assert.deepEqual(
    pages.map((page) => page.length),
    [3, 3, 2],
  );
});

test('a few machines fill the wall screen, many keep their size', () => {
  const line = fc.constantFrom('A', 'B', 'C', 'D');
  const screens = fc.record({
    widthPx: fc.integer({ min: 200, max: 4_000 }),
    heightPx: fc.integer({ min: 100, max: 2_200 }),
    remPx: fc.constantFrom(12, 16, 24),
  });
  let larger = 0;
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), screens, (lines, screen) => {
      const groups = groupsOf(lines.map((name, index) => at(`m${index}`, name, String(index))));
      const scale = wallScale(groups, screen);
      assert.ok(scale >= 1 && scale <= 4);
      if (scale === 1) return;
      larger += 1;
      const room = wallRoom(screen, scale);
      const [page, ...others] = pagesOf(groups, room);
      assert.equal(others.length, 0, 'nothing is turned away by drawing larger');
      const heightOf = (page ?? []).reduce(
        (sum, { machines }) => sum + room.headingPx + Math.ceil(machines.length / room.columns) * room.rowPx,
        0,
      );
      assert.ok(heightOf <= screen.heightPx);
      assert.ok(19.5 * scale * screen.remPx <= screen.widthPx, 'as wide as the screen at most');
    }),
    { numRuns: 1_000 },
  );
  assert.ok(larger > 100, String(larger));
});

test('what is known of a machine is good only while it is read and every signal is', () => {
  const nowMs = Date.now();
  const signal = { signal: 'a', kind: 'gauge', unit: 'C62', value: 1, reason: null, sourceTimeMs: nowMs } as const;
  const fresh = { gap: null, lastGoodMs: nowMs - 1000, signals: [{ ...signal, quality: 'good' as const }] };
  assert.deepEqual(qualityOf(fresh, nowMs), { kind: 'good' });
  assert.deepEqual(qualityOf({ ...fresh, lastGoodMs: nowMs - 31_000 }, nowMs), {
    kind: 'old',
    sinceMs: nowMs - 31_000,
  });
  assert.deepEqual(qualityOf({ ...fresh, lastGoodMs: null }, nowMs), { kind: 'old', sinceMs: null });
  const gap = { fromMs: nowMs - 5, reason: 'timeout' };
  assert.deepEqual(qualityOf({ ...fresh, gap }, nowMs), { kind: 'unread', sinceMs: nowMs - 5, reason: 'timeout' });
  const signals = [
    ...fresh.signals,
    { ...signal, quality: 'bad' as const, reason: 'out-of-range' },
    { ...signal, quality: 'none' as const },
  ];
  assert.deepEqual(qualityOf({ ...fresh, signals }, nowMs), {
    kind: 'partly',
    notGood: 1,
    of: 2,
    reason: 'out-of-range',
  });
});

test('what is known of a machine is of the past while nothing comes from the gateway', () => {
  const nowMs = Date.now();
  const [machine] = demoMachines() as [MachineView, ...MachineView[]];
  const speed = speedOf(machine);
  assert.ok(speed !== null);
  const fresh = { ...machine, lastGoodMs: nowMs, gap: null };
  assert.equal(speedTold(fresh, speed, { ms: nowMs, stale: false }), 'is');
  assert.equal(speedTold(fresh, speed, { ms: nowMs, stale: true }), 'was');
  assert.equal(speedTold(fresh, { ...speed, value: null }, { ms: nowMs, stale: true }), 'unknown');
  const unread = { ...fresh, gap: { fromMs: nowMs, reason: 'timeout' } };
  assert.equal(speedTold(unread, speed, { ms: nowMs, stale: false }), 'unknown');
  assert.equal(qualityTold('good', true), 'old');
  assert.equal(qualityTold('good', false), 'good');
  assert.equal(qualityTold('bad', true), 'bad');
});

test('an alert of a machine that changes its state while another goes changes its mark, one of another machine does not', () => {
  const alert = (occurrence: string, state: Alert['state'], machine = 'm') => ({ occurrence, state, machine }) as Alert;
  const before = alertsMark([alert('a', 'active-unacked'), alert('b', 'active-unacked')], 'm');
  assert.notEqual(alertsMark([alert('a', 'active-acked'), alert('b', 'active-unacked')], 'm'), before);
  assert.notEqual(alertsMark([alert('a', 'active-unacked'), alert('c', 'active-unacked')], 'm'), before);
  const other = alert('d', 'active-unacked', 'other');
  assert.equal(alertsMark([other, alert('b', 'active-unacked'), alert('a', 'active-unacked')], 'm'), before);
});

test('a machine shows the counters it has, what is not known of them as unknown, and lengths in metres', () => {
  const knit = demoMachines().find(({ id }) => id === 'ck-1');
  assert.ok(knit !== undefined);
  const counters = [
    { signal: 'fabric.length', delta: 12_500, uncertainty: 0 },
    { signal: 'roll.count', delta: 2, uncertainty: 1 },
    { signal: 'piece.count', delta: 7, uncertainty: 0 },
  ];
  const today = { machine: 'ck-1', counters, seconds: {}, unknownS: 0, samples: 0, good: 0 };
  assert.deepEqual(countedToday(knit, today), [
    { signal: 'revolution.count', delta: null, unit: 'C62', isUncertain: false },
    { signal: 'fabric.length', delta: 12.5, unit: 'MTR', isUncertain: false },
    { signal: 'roll.count', delta: 2, unit: 'C62', isUncertain: true },
  ]);
  assert.equal(speedOf(knit)?.signal, 'cylinder.speed');
  assert.equal(speedOf({ signals: [] }), null);
  assert.deepEqual(
    serviceSignals(knit).map(({ signal }) => signal),
    ['oil.level'],
  );
});

test('open alerts are counted by machine, urgent ones apart', () => {
  const flat = demoAlerts().map(({ record, ...more }): Alert => ({ ...record, ...more }));
  const closed = flat.map((alert): Alert => ({ ...alert, state: 'normal' }));
  const counts = alertCounts([...flat, ...closed]);
  assert.deepEqual(counts.get('ls-1'), { open: 1, urgent: 1 });
  assert.deepEqual(counts.get('ck-1'), { open: 1, urgent: 0 });
  assert.equal(counts.get('ls-2'), undefined);
});
