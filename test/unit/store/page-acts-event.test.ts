/** The newest line of what was done on the page, as a start finds it in the real journal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../../../cloud-bridge/contract.ts';
import { openStore } from '../../../agent/store/open.ts';
import { pageActsEvent } from '../../../agent/store/page-acts-event.ts';
import { Rig } from '../pipeline/rig.ts';
import { temporaryDir } from './making.ts';

const startMs = Date.UTC(2026, 5, 1);

test('a start has the head that was told last, whatever the clock did in between, and none where none was told', async (t) => {
  const dataDir = temporaryDir(t);
  const clock = { wallMs: () => startMs };
  const store = await openStore({ dataDir, clock });
  assert.equal(store.recovery.pageActs, null);
  const head = (id: number, atMs: number): EventRecord => ({
    n: id,
    v: 1,
    kind: 'event',
    machine: 'gateway',
    event: pageActsEvent,
    phase: 'instant',
    fromMs: null,
    atMs,
    data: { id, hash: String(id).repeat(64).slice(0, 64) },
  });
  const other: EventRecord = { ...head(4, startMs + 9), event: 'agent_started' };
  const records = [head(1, startMs + 1), head(2, startMs + 3_600_000), head(3, startMs + 2), other];
  await store.commit(
    records.map((record) => ({ record, lane: 'live' as const })),
    { urgent: true },
  );
  await store.close();
  const next = await openStore({ dataDir, clock });
  t.after(() => next.close());
  assert.deepEqual(next.recovery.pageActs, { id: 3, hash: '3'.repeat(64) });
});

test('the gateway tells a head as an event, and it is kept when that is durable', async () => {
  const refused = Promise.withResolvers<void>();
  let takes = true;
  const rig = new Rig({ journal: () => (takes ? Promise.resolve() : refused.promise) });
  await rig.pipeline.gateway.pageActs({ id: 7, hash: 'ab' });
  const told = rig.records.filter((record) => record.kind === 'event' && record.event === pageActsEvent);
  assert.deepEqual(
    told.map((record) => [record.machine, 'data' in record ? record.data : null]),
    [['gateway', { id: 7, hash: 'ab' }]],
  );
  takes = false;
  const later = rig.pipeline.gateway.pageActs({ id: 8, hash: 'cd' });
  refused.reject(new RangeError('full'));
  await assert.rejects(later, /full/);
});
