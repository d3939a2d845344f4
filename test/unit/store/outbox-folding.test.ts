import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { batchLimits } from '../../../agent/store/checked.ts';
import { openJournal, type Journal } from '../../../agent/store/journal.ts';
import type { Folded } from '../../../agent/store/minutes.ts';
import { OutboxFolding } from '../../../agent/store/outbox-folding.ts';
import { Outbox } from '../../../agent/store/sealing.ts';
import type { WireRecord } from '../../../cloud-bridge/contract.ts';
import { alert, event, stateSummary, summary } from '../bridge/making.ts';
import { bootA, entry, nowMs, seal, takeFrom, temporaryDir } from './making.ts';

const hourMs = 3_600_000;
const minute = (index: number) => nowMs + index * 60_000;

interface Rig {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly folding: OutboxFolding;
  store(records: readonly WireRecord[]): void;
  seal(): void;
  /** Folds until nothing is left to fold before a time. */
  fold(beforeMs: number): Folded[];
  waiting(): WireRecord[];
}
function rig(t: TestContext): Rig {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: true });
  t.after(() => journal.close());
  journal.transaction(() => journal.beginBoot(bootA, nowMs));
  const outbox = new Outbox(journal.db, batchLimits);
  const folding = new OutboxFolding(journal.db, 0, () => performance.now());
  const again = () => {
    const late = { ...seal, nowMs: nowMs + 100 * hourMs };
    journal.transaction(() => outbox.sealBacklog({ seal: late, lingerMs: 0, backlogAfterMs: 60_000 }));
  };
  return {
    journal,
    outbox,
    folding,
    seal: again,
    store: (records) =>
      journal.transaction(() =>
        journal.insert(
          bootA,
          records.map((record) => entry(record, record.kind === 'alert' ? 'alerts' : 'live', record.atMs + 1_000)),
        ),
      ),
    fold: (beforeMs) => {
      const done: Folded[] = [];
      while ((folding.oldestMs() ?? Infinity) < beforeMs) {
        const piece = journal.transaction(() => folding.fold());
        assert.ok(piece !== null);
        if (piece === 'working') continue;
        done.push(piece);
        // What stays is sealed anew by the uplink's housekeeping.
        again();
      }
      return done;
    },
    waiting: () => [
      ...(journal.db.prepare('SELECT body FROM outbox ORDER BY id').pluck().all() as string[]).map(
        (body) => JSON.parse(body) as WireRecord,
      ),
      ...(
        journal.db.prepare("SELECT bytes FROM batch WHERE state = 'pending' ORDER BY id").pluck().all() as Buffer[]
      ).flatMap((bytes) => (JSON.parse(zstdDecompressSync(bytes).toString()) as { records: WireRecord[] }).records),
    ],
  };
}

let n = 0;
const minutesOf = (from: number, to: number): WireRecord[] =>
  Array.from({ length: to - from }, (_, i) => minute(from + i)).flatMap((minuteMs) =>
    ['ls-1', 'ls-2'].flatMap((machine) => {
      const at = { machine, minuteMs, atMs: minuteMs + 65_000 };
      return [
        summary(++n, at),
        stateSummary(++n, at),
        event(++n, { machine, atMs: at.atMs }),
        alert(++n, { machine, atMs: at.atMs }),
      ];
    }),
  );
const samples = (records: readonly WireRecord[]) =>
  records.reduce((sum, record) => sum + (record.kind === 'summary' ? record.samples : 0), 0);
const others = (records: readonly WireRecord[]) =>
  records
    .filter(({ kind }) => kind === 'event' || kind === 'alert')
    .map((record) => JSON.stringify(record))
    .sort();
const minutesIn = (records: readonly WireRecord[], fromMs: number, toMs: number) =>
  records.filter((record) => record.kind === 'summary' && record.minuteMs >= fromMs && record.minuteMs < toMs);

test('U2, U3: folded hours add up to their minutes; events, alerts and later minutes stay as they were', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 240));
  r.seal();
  const before = r.waiting();
  const done = r.fold(nowMs + 2 * hourMs);
  assert.equal(
    done.reduce((sum, { records }) => sum + records, 0),
    2 * 60 * 4,
  );
  assert.deepEqual([done[0]?.fromMs, done.at(-1)?.toMs], [nowMs, nowMs + 2 * hourMs]);
  const after = r.waiting();
  assert.equal(samples(after), samples(before));
  assert.deepEqual(others(after), others(before));
  assert.equal(minutesIn(after, nowMs, nowMs + 2 * hourMs).length, 4);
  assert.deepEqual(minutesIn(after, nowMs + 2 * hourMs, Infinity).length, 2 * 120);
  const names = after.map((record) => record.n);
  assert.equal(new Set(names).size, names.length, 'every identity once');
  const known = new Set(before.map((record) => record.n));
  assert.ok(names.every((name) => known.has(name)));
});

test('U4: what is folded is sealed anew and not folded again; what came after it is', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 130));
  r.seal();
  r.fold(nowMs + hourMs);
  r.seal();
  const hour = minutesIn(r.waiting(), nowMs, nowMs + hourMs);
  assert.equal(hour.length, 2);
  r.fold(nowMs + 2 * hourMs);
  r.seal();
  assert.deepEqual(minutesIn(r.waiting(), nowMs, nowMs + hourMs), hour);
  assert.equal(minutesIn(r.waiting(), nowMs + hourMs, nowMs + 2 * hourMs).length, 2);
});

test('U1: what was given to the uplink is not folded, not even when it was never sent as far as anybody noted', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 30));
  r.seal();
  const given = r.journal.transaction(() => r.outbox.take(takeFrom('backlog')));
  assert.ok(given.length > 0);
  r.store(minutesOf(30, 90));
  r.seal();
  r.fold(Infinity);
  const pending = r.journal.db.prepare("SELECT sha256 FROM batch WHERE state = 'pending'").pluck().all();
  for (const { sha256 } of given) assert.ok(pending.includes(sha256));
  assert.equal(minutesIn(r.waiting(), nowMs, minute(30)).length, 60);
});

test('U1: a batch given out between two pieces of folding ends that', (t) => {
  const r = rig(t);
  r.store(minutesOf(0, 60));
  r.seal();
  const before = r.waiting();
  let nowOf = 0;
  // Each piece has its time for one batch or one machine.
  const slow = new OutboxFolding(r.journal.db, 0, () => (nowOf += 20));
  assert.equal(
    r.journal.transaction(() => slow.fold()),
    'working',
  );
  const given = r.journal.transaction(() => r.outbox.take(takeFrom('backlog')));
  for (let i = 0; i < 5; i++) {
    try {
      if (r.journal.transaction(() => slow.fold()) === null) break;
    } catch {
      slow.forget();
    }
  }
  assert.ok(given.length > 0);
  const bytes = (batch: (typeof given)[number]) =>
    r.journal.db.prepare('SELECT 1 FROM batch WHERE boot = ? AND seq = ?').get(batch.boot, batch.seq);
  assert.ok(given.every((batch) => bytes(batch) !== undefined));
  assert.equal(samples(r.waiting()), samples(before));
});

test('a minute sent in several revisions counts once in its hour, and one whose first is elsewhere is left alone', (t) => {
  const r = rig(t);
  const at = (index: number) => ({ minuteMs: minute(index), atMs: minute(index) + 65_000 });
  r.store([
    summary(1_001, { ...at(0), samples: 10 }),
    summary(1_002, { ...at(0), samples: 20, revision: 2 }),
    summary(1_003, { ...at(1), samples: 5 }),
    summary(1_004, { ...at(2), samples: 7, revision: 2 }),
  ]);
  r.seal();
  r.fold(Infinity);
  const left = r
    .waiting()
    .flatMap((record) => (record.kind === 'summary' ? [[record.n, record.samples, record.revision]] : []));
  const byName = (a: readonly number[], b: readonly number[]) => (a[0] ?? 0) - (b[0] ?? 0);
  assert.deepEqual(left.toSorted(byName), [
    [1_002, 25, 2],
    [1_004, 7, 2],
  ]);
});
