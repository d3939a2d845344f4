import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { datedRecord } from '../../../agent/dating/record.ts';
import { decodeRingBlock, encodeRingBlock } from '../../../agent/ring/block.ts';
import { datedBlock } from '../../../agent/store/dated-block.ts';
import { openStore, type Store, type StoreOptions } from '../../../agent/store/open.ts';
import { openRing, spanBlocks } from '../../../agent/store/ring-db.ts';
import type { Reading } from '../../../drivers/contract.ts';
import { alert, bootA, bootB, bootC, event, machine, summary } from '../bridge/making.ts';
import { seal, temporaryDir } from './making.ts';

const builtMs = Date.UTC(2026, 0, 1);
const in1970 = Date.UTC(1970, 0, 3);
const now = Date.UTC(2026, 5, 1, 8);
const shiftMs = now - in1970;
const host = 'b51a581c-ceeb-4dbe-b09e-673b144511ec';
/** The monotonic clock of the computer where its wall clock showed `in1970`. */
const hostStartMs = 50_000;

const started = (n: number, atMs: number, hostBoot: string | null, hostOffsetMs: number) =>
  event(n, { machine: 'gateway', atMs, event: 'agent_started', data: { hostBoot, hostOffsetMs } });
const live = (record: ReturnType<typeof event>) => ({ lane: 'live' as const, record });
const reading = (sourceTimeMs: number, more: Partial<Reading> = {}): Reading =>
  ({
    machine: 'ls-1',
    signal: 'spindle.speed',
    sourceTimeMs,
    receivedTimeMs: sourceTimeMs,
    monotonicMs: 1_000,
    quality: 'good',
    value: 7,
    ...more,
  }) as Reading;

async function open(t: TestContext, dataDir: string, boot: string, wallMs: number, more: Partial<StoreOptions> = {}) {
  const offsetMs = wallMs - hostStartMs;
  const store = await openStore({
    dataDir,
    boot,
    clock: { wallMs: () => wallMs },
    builtMs,
    host: { boot: host, offsetMs },
    groupCommitMs: 5,
    ...more,
  });
  t.after(() => store.close());
  return store;
}
function rows(dataDir: string, sql: string, file = 'journal.db'): unknown[] {
  const db = new BetterSqlite(join(dataDir, file), { readonly: true });
  try {
    return db.prepare(sql).raw().all();
  } finally {
    db.close();
  }
}
async function dateRing(store: Store): Promise<void> {
  for (let after: number | null = 0; after !== null;) after = await store.dateRing(after);
}
/** A process that does not know the time stores a start, an event, an alert and a block. */
async function undatedProcess(t: TestContext, dataDir: string, boot: string, hostBoot: string, atMs = in1970) {
  const store = await open(t, dataDir, boot, atMs);
  await store.commit(
    [
      live(started(1, atMs, hostBoot, atMs - hostStartMs)),
      { lane: 'live', record: machine(2, { atMs: atMs + 100 }) },
      live(
        event(3, {
          atMs: atMs + 5_000,
          fromMs: atMs + 1_000,
          phase: 'closed',
          event: 'gap',
          data: { reason: 'timeout' },
        }),
      ),
      {
        lane: 'alerts',
        record: alert(4, {
          atMs: atMs + 9_000,
          onsetMs: atMs + 8_000,
          raisedMs: atMs + 9_000,
          clearedMs: atMs + 9_500,
          occurrence: `${boot}-1`,
          state: 'shelved',
          evidence: { shelvedUntilMs: atMs + 60_000 },
        }),
      },
    ],
    { urgent: true },
  );
  await store.appendRing(encodeRingBlock('ls-1', [reading(atMs + 2_000)]));
  return store;
}

test('D1, D3: once the time is known every record of the boot is dated, in the outbox too, and keeps its identity', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await undatedProcess(t, dataDir, bootA, host);
  await store.date({ boot: host, offsetMs: now - hostStartMs }, { boot: bootA, shiftMs, untilMs: now + 20_000 });
  assert.deepEqual(rows(dataDir, 'SELECT n, at_ms, from_ms FROM event ORDER BY n'), [
    [1, now, null],
    [3, now + 5_000, now + 1_000],
  ]);
  assert.deepEqual(rows(dataDir, 'SELECT n, at_ms, onset_ms, raised_ms, cleared_ms FROM alert'), [
    [4, now + 9_000, now + 8_000, now + 9_000, now + 9_500],
  ]);
  assert.deepEqual(rows(dataDir, 'SELECT onset_ms, raised_ms, cleared_ms FROM occurrence'), [
    [now + 8_000, now + 9_000, now + 9_500],
  ]);
  assert.deepEqual(rows(dataDir, 'SELECT at_ms FROM machine'), [[now + 100]]);
  assert.deepEqual(rows(dataDir, 'SELECT started_ms FROM boot'), [[now]]);
  const bodies = "json_extract(body, '$.atMs'), json_extract(body, '$.evidence.shelvedUntilMs')";
  assert.deepEqual(rows(dataDir, `SELECT n, committed_ms >= ${builtMs}, ${bodies} FROM outbox ORDER BY n`), [
    [1, 1, now, null],
    [2, 1, now + 100, null],
    [3, 1, now + 5_000, null],
    [4, 1, now + 9_000, now + 60_000],
  ]);
  assert.deepEqual(
    (await store.toFold()).map(({ boot, fromMs, untilMs }) => [boot, fromMs, untilMs]),
    [[bootA, now, now + 20_000]],
  );
  await dateRing(store);
  const [[bytes] = []] = rows(dataDir, 'SELECT bytes FROM block', 'ring.db') as Buffer[][];
  const [stored] = decodeRingBlock(bytes ?? Buffer.alloc(0));
  assert.deepEqual([stored?.sourceTimeMs, stored?.receivedTimeMs], [now + 2_000, now + 2_000]);
  await store.folded(bootA);
  assert.deepEqual(await store.toFold(), []);
});

test('D2: dating again changes nothing', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await undatedProcess(t, dataDir, bootA, host);
  const own = { boot: bootA, shiftMs, untilMs: now };
  const all = () =>
    ['event', 'alert', 'occurrence', 'machine', 'outbox', 'boot'].map((table) =>
      rows(dataDir, `SELECT * FROM ${table}`),
    );
  await store.date({ boot: host, offsetMs: now - hostStartMs }, own);
  await dateRing(store);
  const once = [all(), rows(dataDir, 'SELECT * FROM block', 'ring.db')];
  await store.date({ boot: host, offsetMs: now - hostStartMs + 3_600_000 }, own);
  await dateRing(store);
  assert.deepEqual([all(), rows(dataDir, 'SELECT * FROM block', 'ring.db')], once);
});

test('D4: a process that was killed without the time is dated by the next one of the same start of the computer', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await undatedProcess(t, dataDir, bootA, host);
  await first.close();
  // Ten minutes later, by the monotonic clock; meanwhile the wall clock has been set.
  const store = await open(t, dataDir, bootB, now + 600_000, { host: { boot: host, offsetMs: now - hostStartMs } });
  const [open1] = store.recovery.openOccurrences;
  assert.deepEqual([open1?.onsetMs, open1?.raisedMs], [now + 8_000, now + 9_000], 'dated before it is taken over');
  assert.deepEqual(
    store.recovery.ringTail.map(({ fromMs, toMs }) => [fromMs, toMs]),
    [[now + 2_000, now + 2_000]],
  );
  assert.deepEqual(await store.toFold(), [
    { boot: bootA, shiftMs, fromMs: now, untilMs: null, limitMs: now + 600_000 },
  ]);
});

test('what nobody can date keeps its times, goes in batches that say so, and is told apart from what can', async (t) => {
  const dataDir = temporaryDir(t);
  const first = await undatedProcess(t, dataDir, bootA, 'another start of the computer');
  await first.close();
  const store = await open(t, dataDir, bootC, now);
  assert.deepEqual(rows(dataDir, 'SELECT n, at_ms FROM event ORDER BY n'), [
    [1, in1970],
    [3, in1970 + 5_000],
  ]);
  const [span, ...more] = await store.toFold();
  assert.deepEqual([span?.boot, span?.shiftMs, span?.fromMs, span?.limitMs, more], [bootA, null, in1970, null, []]);
  await store.commit([live(event(1, { atMs: now }))], { urgent: true });
  const request = {
    limit: 10,
    exclude: [],
    seal: { ...seal, nowMs: now + 1_000 },
    lingerMs: 0,
    backlogAfterMs: 60_000,
  };
  for (const lane of ['alerts', 'live', 'backlog'] as const) await store.take({ lane, ...request });
  const { zstdDecompressSync } = await import('node:zlib');
  const batches = rows(dataDir, 'SELECT bytes FROM batch').map((row) => {
    const { boot, clock } = JSON.parse(zstdDecompressSync((row as Buffer[])[0] ?? Buffer.alloc(0)).toString()) as {
      boot: string;
      clock: string;
    };
    return `${boot} ${clock}`;
  });
  assert.deepEqual([...new Set(batches)].toSorted(), [`${bootA} unsynced`, `${bootC} synced`]);
  await store.folded(bootA);
  await store.close();
  // Decided once: the next start does not fold it again.
  const next = await open(t, dataDir, bootB, now + 60_000);
  assert.deepEqual(await next.toFold(), []);
});

test('nothing is too old in the time after a jump; what was never dated goes with the first boot that was', async (t) => {
  const dataDir = temporaryDir(t);
  const day = 86_400_000;
  const first = await undatedProcess(t, dataDir, bootA, 'another start of the computer');
  await first.close();
  const second = await open(t, dataDir, bootB, now, { ageMs: () => null });
  await second.commit([live(event(1, { atMs: now }))], { urgent: true });
  await second.appendRing(encodeRingBlock('ls-1', [reading(now)]));
  await second.close();
  const events = () => rows(dataDir, 'SELECT boot, n FROM event ORDER BY id').length;
  const before = events();
  // Ten years ahead: the writer is asked by nobody to judge ages, and the ring is not either.
  const third = await open(t, dataDir, bootC, now + 3_650 * day, { ageMs: () => null });
  await third.appendRing(encodeRingBlock('ls-1', [reading(now + 3_650 * day)]));
  assert.equal(rows(dataDir, 'SELECT id FROM block', 'ring.db').length, 3);
  assert.equal(events(), before);
  await third.close();
  const { openJournal } = await import('../../../agent/store/journal.ts');
  const journal = openJournal(join(dataDir, 'journal.db'), { nowMs: now, outbox: true, builtMs });
  t.after(() => journal.close());
  const prune = (atMs: number) =>
    journal.transaction(() => journal.undated.prune({ summariesMs: 0, historyMs: atMs }, 100));
  prune(now - day);
  assert.equal(events(), before, '1970 is not old, it is unknown');
  prune(now + 1);
  assert.deepEqual(rows(dataDir, 'SELECT boot FROM event WHERE at_ms < 1e12'), []);
});

test('a source time that can be true is the machine’s own and stays; damaged blocks stay as they are', (t) => {
  const block = encodeRingBlock('ls-1', [
    reading(now + 1, { receivedTimeMs: in1970, signal: 'own' }),
    reading(in1970 - 5, { receivedTimeMs: in1970 }),
  ]);
  const dated = datedBlock(block, shiftMs, builtMs);
  assert.ok(dated !== null);
  const times = decodeRingBlock(dated.bytes).map((r) => [r.signal, r.sourceTimeMs, r.receivedTimeMs, r.monotonicMs]);
  assert.deepEqual(times, [
    ['spindle.speed', now - 5, now, 1_000],
    ['own', now + 1, now, 1_000],
  ]);
  assert.equal(datedBlock(dated, shiftMs, builtMs), null);
  const ring = openRing(join(temporaryDir(t), 'ring.db'), { nowMs: now, maxBytes: 1e6, maxAgeMs: 1e9 });
  t.after(() => ring.close());
  ring.append([{ ...block, boot: bootA, bytes: new Uint8Array([1, 2, 3]) }], null);
  assert.equal(ring.date(new Map([[bootA, shiftMs]]), builtMs, 0), 1);
  assert.equal(ring.date(new Map([[bootA, shiftMs]]), builtMs, 1), null);
});

test('G2 holds at every step of dating a ring, and the bytes are right', (t) => {
  const path = join(temporaryDir(t), 'ring.db');
  const ring = openRing(path, { nowMs: now, maxBytes: 1e9, maxAgeMs: 1e12 });
  const blocks = Array.from({ length: spanBlocks + 50 }, (_, i) => ({
    ...encodeRingBlock('ls-1', [reading(in1970 + i * 1_000, { value: i })]),
    boot: i % 3 === 0 ? bootB : bootA,
  }));
  ring.append(blocks, null);
  let steps = 0;
  for (let after: number | null = 0; after !== null; steps++) {
    after = ring.date(new Map([[bootA, shiftMs]]), builtMs, after);
    const open = ring.db
      .prepare(`SELECT count(*) FROM block JOIN span ON block.id BETWEEN span.id AND last_id
        WHERE block.from_ms < span.from_ms OR block.to_ms > span.to_ms`)
      .pluck()
      .get();
    assert.equal(open, 0);
    assert.equal(ring.bytes, ring.db.prepare('SELECT sum(length(bytes)) FROM block').pluck().get());
  }
  assert.ok(steps > 10, 'in pieces');
  assert.deepEqual(
    ring.db.prepare('SELECT boot, count(*) FROM block WHERE from_ms < ? GROUP BY boot').raw().all(builtMs),
    [[bootB, Math.ceil((spanBlocks + 50) / 3)]],
  );
  const bytes = ring.bytes;
  ring.close();
  const again = openRing(path, { nowMs: now, maxBytes: 1e9, maxAgeMs: 1e12 });
  t.after(() => again.close());
  assert.equal(again.bytes, bytes);
});

test('an alert that was raised by a boot nobody can date is not dated with the record that tells of it', () => {
  const record = alert(1, { atMs: in1970, onsetMs: in1970 - 9, raisedMs: in1970 - 5 });
  const dated = datedRecord(record, { ownMs: shiftMs, beforeMs: 0, occurrenceMs: 0 }, builtMs);
  assert.deepEqual([dated.atMs, dated.onsetMs, dated.raisedMs], [now, in1970 - 9, in1970 - 5]);
});

test('counters of a boot go on by the clock of the computer, segment by segment, where its wall clock was stepped', async (t) => {
  const dataDir = temporaryDir(t);
  const dayMs = 86_400_000;
  const [eight, half] = [Date.UTC(2026, 5, 1, 8), 30 * 60_000];
  // Its clock was a day ahead, then right, then a day ahead again when it ended.
  const first = await open(t, dataDir, bootA, eight + dayMs);
  const step = (n: number, stepMs: number) =>
    event(n, {
      machine: 'gateway',
      event: 'clock_step',
      data: { stepMs, segment: n === 3 ? 1 : 2, monotonicMs: n * 100 },
    });
  const counted = (n: number, signal: string, segment: number, toMs: number) => {
    const counter = { delta: 5, uncertainty: 0, from: 0, to: 5, fromMs: toMs - 1_000, toMs, wraps: 0, resets: 0 };
    return summary(n, { signal, segment, readingBoot: bootA, minuteMs: eight, counter });
  };
  const records = [
    started(1, eight + dayMs, host, eight + dayMs - hostStartMs),
    counted(2, 'ahead', 0, eight + dayMs + 10_000),
    step(3, -dayMs),
    counted(4, 'right', 1, eight + 20_000),
    step(5, dayMs),
    counted(6, 'ahead.again', 2, eight + dayMs + 30_000),
  ];
  await first.commit(
    records.map((record) => ({ lane: 'live' as const, record })),
    { urgent: true },
  );
  await first.close();
  // Half an hour later, as the computer counts, its clock is right.
  const onHost = async (boot: string, running: string) => {
    const wallMs = eight + half;
    const store = await open(t, dataDir, boot, wallMs, { host: { boot: running, offsetMs: eight - hostStartMs } });
    const { lastCounters, clockShifts, lastSteps } = store.recovery;
    await store.close();
    assert.deepEqual(lastSteps, [{ boot: bootA, segment: 2, monotonicMs: 500 }]);
    return { shifts: clockShifts, counters: lastCounters.map(({ signal, atMs }) => [signal, atMs]) };
  };
  assert.deepEqual(await onHost(bootB, host), {
    shifts: [
      { boot: bootA, segment: 0, shiftMs: -dayMs },
      { boot: bootA, segment: 2, shiftMs: -dayMs },
    ],
    counters: [
      ['ahead', eight + 10_000],
      ['ahead.again', eight + 30_000],
      ['right', eight + 20_000],
    ],
  });
  // Where the computer was started anew nobody can tell.
  const other = await onHost(bootC, '0a9d4f0e-7a86-4c9f-8f0c-5a4f4f1c2b3d');
  assert.deepEqual(other.shifts, []);
  assert.deepEqual(other.counters[0], ['ahead', eight + dayMs + 10_000]);
});
