import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wireRecord } from '../../../cloud-bridge/contract.ts';
import { EvictedTeller } from '../../../agent/evicted.ts';
import type { GapNote } from '../../../agent/store/gaps.ts';
import { eight, Rig } from './rig.ts';

const note: GapNote = {
  id: 7,
  step: 'unacked-minutes',
  why: 'room',
  fromMs: eight - 7_200_000,
  toMs: eight - 3_600_000,
  records: 27_000,
  bytes: 1_500_000,
};

test('what was folded or removed is an event with its span, how many and why', async () => {
  const rig = new Rig();
  await rig.pipeline.gateway.dataEvicted([note, { ...note, id: 8, step: 'ring', why: 'age' }]);
  const [folded, removed, ...more] = rig.events('data_evicted');
  assert.deepEqual(more, []);
  assert.equal(wireRecord.safeParse(folded).success, true);
  assert.deepEqual([folded?.machine, folded?.fromMs], ['gateway', note.fromMs]);
  const { toMs, records, bytes } = note;
  assert.deepEqual(folded?.data, { note: 7, step: 'unacked-minutes', why: 'room', toMs, records, bytes, folded: true });
  assert.deepEqual([removed?.data['step'], removed?.data['folded']], ['ring', false]);
  assert.deepEqual(rig.alerts(), []);
});

test('what the bridge never had and is gone is an urgent alert that stays until somebody has seen it', async () => {
  const rig = new Rig();
  await rig.pipeline.gateway.dataEvicted([{ ...note, step: 'unacked-history' }]);
  assert.deepEqual(
    rig.alerts().map(({ type, priority, state }) => [type, priority, state]),
    [
      ['storage_evicted', 'urgent', 'active-unacked'],
      ['storage_evicted', 'urgent', 'returned-unacked'],
    ],
  );
  assert.match(rig.pipeline.alertsView()[0]?.runbook ?? '', /budgetMiB/);
});

test('a note is told again when its event was not stored, and one that is under way is not asked for', async () => {
  const told: number[] = [];
  let asked = 0;
  let stored: (() => void) | null = null;
  let refuses = true;
  const teller = new EvictedTeller({
    notes: () => {
      asked++;
      return Promise.resolve([note]);
    },
    tell: (notes) => {
      told.push(...notes.map(({ id }) => id));
      if (refuses) return Promise.reject(new RangeError('full'));
      return new Promise((resolve) => (stored = resolve));
    },
  });
  await teller.ask();
  refuses = false;
  const second = teller.ask();
  await teller.ask();
  assert.deepEqual([told, asked], [[7, 7], 2]);
  assert.ok(stored !== null);
  (stored as () => void)();
  await second;
});
