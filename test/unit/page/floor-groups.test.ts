import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MachineView } from '../../../agent/live.ts';
import {
  alertCounts,
  countedToday,
  groupsOf,
  pagesOf,
  qualityOf,
  serviceSignals,
  speedOf,
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

test('a wall screen shows every machine once, never more than fit, and tears no line that fits', () => {
  const line = fc.constantFrom('A', 'B', 'C', 'D');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), fc.integer({ min: -1, max: 12 }), (lines, most) => {
      const groups = groupsOf(lines.map((name, index) => at(`m${index}`, name, String(index))));
      const pages = pagesOf(groups, most);
      const room = Math.max(1, most);
      const shown = pages.flatMap((page) => page.flatMap(({ machines }) => machines.map(({ id }) => id)));
      assert.equal(shown.length, lines.length);
      assert.equal(new Set(shown).size, lines.length);
      for (const page of pages) {
        const count = page.reduce((sum, { machines }) => sum + machines.length, 0);
        assert.ok(count >= 1 && count <= room);
      }
      for (const { line: name, machines } of groups) {
        const parts = pages.filter((page) => page.some((group) => group.line === name)).length;
        if (machines.length <= room) assert.equal(parts, 1);
      }
    }),
  );
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
