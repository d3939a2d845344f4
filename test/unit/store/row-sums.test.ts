import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { batchLimits } from '../../../agent/store/checked.ts';
import { openJournal, type Journal } from '../../../agent/store/journal.ts';
import { openRing } from '../../../agent/store/ring-db.ts';
import { damagedRow, summed } from '../../../agent/store/row-sums.ts';
import { Outbox } from '../../../agent/store/sealing.ts';
import { alert, event, machine, stateSummary, summary } from '../bridge/making.ts';
import { bootA, bootB, entry, nowMs, takeFrom, temporaryDir } from './making.ts';

const hostBoot = 'host-1';
const builtMs = nowMs - 86_400_000;
/** A clock that was never set. */
const unsetMs = 1_000_000;

function lived(t: TestContext): Journal {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox: true, builtMs });
  t.after(() => journal.close());
  const started = { hostBoot, hostOffsetMs: unsetMs - 5_000 };
  journal.transaction(() => {
    journal.beginBoot(bootA, unsetMs);
    journal.insert(bootA, [
      entry(event(1, { event: 'agent_started', atMs: unsetMs, data: started }), 'live', unsetMs),
      entry(machine(2, { atMs: unsetMs }), 'live', unsetMs),
      entry(
        alert(3, { atMs: unsetMs, onsetMs: unsetMs, raisedMs: unsetMs, occurrence: `${bootA}-1` }),
        'alerts',
        unsetMs,
      ),
      entry(
        event(4, {
          atMs: unsetMs,
          fromMs: unsetMs,
          phase: 'opened',
          data: { text: 'Näherin \u{1F9F5}', x: -0, y: 0.1 + 0.2 },
        }),
        'live',
        unsetMs,
      ),
    ]);
    journal.beginBoot(bootB, nowMs);
  });
  // The time became known: the rows of the first boot are dated.
  journal.transaction(() => journal.dating.date({ boot: hostBoot, offsetMs: nowMs - 60_000 }, null));
  journal.transaction(() =>
    journal.insert(bootB, [
      entry(machine(1)),
      entry(summary(2, { sum: 1e300, min: -0, max: 0.1 + 0.2, first: Number.MIN_VALUE })),
      entry(summary(3, { revision: 2, sum: -7.5 })),
      entry(summary(4, { signal: 'motor.temp', counter: null, min: null, max: null })),
      entry(stateSummary(5)),
      entry(stateSummary(6, { revision: 2, seconds: { RUN: 0.1 } })),
      entry(alert(7, { occurrence: 'o-9' }), 'alerts'),
      entry(alert(8, { occurrence: 'o-9', transition: 'acked', state: 'active-acked' }), 'alerts'),
    ]),
  );
  const outbox = new Outbox(journal.db, batchLimits, builtMs);
  const [batch] = journal.transaction(() => outbox.take(takeFrom('alerts', { limit: 3 })));
  assert.ok(batch !== undefined);
  const { boot, seq, sha256 } = batch;
  outbox.noteSent([{ boot, seq }], nowMs);
  outbox.settle({ boot, seq, sha256, result: 'stored', code: null, atMs: nowMs });
  return journal;
}

test('Y1: every row has the sum of what it says: written, replaced by a higher revision, dated, sent and acked', (t) => {
  const { db } = lived(t);
  assert.equal(db.prepare('SELECT count(*) FROM event WHERE at_ms < ?').pluck().get(builtMs), 0, 'they were dated');
  for (const table of Object.keys(summed).filter((name) => name !== 'block')) {
    const rows = db.prepare(`SELECT count(*) AS all_rows, count(crc) AS sums FROM ${table}`).get() as {
      all_rows: number;
      sums: number;
    };
    assert.ok(rows.all_rows > 0, table);
    assert.equal(rows.sums, rows.all_rows, table);
  }
  assert.equal(damagedRow(db), null);
});

test('Y1: blocks of the ring have theirs', (t) => {
  const ring = openRing(join(temporaryDir(t), 'ring.db'), { nowMs, maxBytes: 1e6, maxAgeMs: 1e9 });
  t.after(() => ring.close());
  ring.append(
    [{ machine: 'ls-1', fromMs: nowMs, toMs: nowMs + 1, boot: bootA, points: 1, bytes: new Uint8Array([1, 2, 3]) }],
    nowMs,
  );
  assert.equal(ring.db.prepare('SELECT count(crc) FROM block').pluck().get(), 1);
  assert.equal(damagedRow(ring.db), null);
  ring.db.exec("UPDATE block SET bytes = x'010204'");
  assert.match(String(damagedRow(ring.db)), /block/);
});

for (const [table, columns] of Object.entries(summed)) {
  if (table === 'block') continue;
  test(`Y2: another value in any column of ${table} that has a sum is found`, (t) => {
    const { db } = lived(t);
    db.pragma('ignore_check_constraints = ON');
    db.exec(`DROP TRIGGER IF EXISTS ${table}_changed`);
    for (const column of columns) {
      db.exec('SAVEPOINT s');
      const { changes } = db
        .prepare(`UPDATE OR IGNORE ${table} SET ${column} = CASE WHEN ${column} IS NULL THEN 'x'
        WHEN typeof(${column}) = 'text' THEN ${column} || 'x' ELSE ${column} + 1 END`)
        .run();
      assert.ok(changes > 0, column);
      assert.match(String(damagedRow(db)), new RegExp(table), column);
      db.exec('ROLLBACK TO s; RELEASE s');
    }
    assert.equal(damagedRow(db), null);
  });
}

test('Y2: the bytes of a batch are those of its hash', (t) => {
  const { db } = lived(t);
  db.exec('UPDATE batch SET bytes = substr(bytes, 2) WHERE bytes IS NOT NULL');
  assert.match(String(damagedRow(db)), /batch/);
});

test('Y3: a row that somebody changed by hand has no sum, and is believed when its JSON reads', (t) => {
  const { db } = lived(t);
  db.exec("UPDATE summary SET sum = 5; UPDATE event SET body = replace(body, 'ls-1', 'ls-2')");
  assert.equal(db.prepare('SELECT count(crc) FROM event').pluck().get(), 0);
  assert.equal(damagedRow(db), null);
  db.exec("UPDATE event SET body = '{' WHERE id = 1");
  assert.match(String(damagedRow(db)), /event/);
});
