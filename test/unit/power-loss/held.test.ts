import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { missingIn, sentIdentities } from '../../power-loss/held.ts';
import { sha256Of } from '../../torture/at-bridge.ts';
import type { Told } from '../../torture/ledger.ts';
import { temporaryDir } from '../store/making.ts';

const told = (n: number, kind: string, record: object, more: Partial<Told> = {}): Told => ({
  boot: 'b',
  n,
  kind,
  sha256: sha256Of(record),
  key: null,
  revision: null,
  ...more,
});
const event = { n: 1, kind: 'event', z: 1, a: [2] };
const minute = { n: 2, kind: 'summary', sum: 3 };
const minuteKey = { key: 'm s 60000 b 0', revision: 2 };
const records = [told(1, 'event', event), told(2, 'summary', minute, minuteKey)];
const batch = zstdCompressSync(JSON.stringify({ boot: 'b', records: [minute] }));

/** A journal with the columns that are looked at. */
function journal(t: TestContext, ...rows: readonly string[]): string {
  const file = join(temporaryDir(t), 'journal.db');
  const db = new Database(file);
  db.exec(`CREATE TABLE event (boot, n, body); CREATE TABLE alert (boot, n, body); CREATE TABLE outbox (boot, n, body);
    CREATE TABLE batch (boot, seq, state, bytes);
    CREATE TABLE summary (boot, n, revision, machine, signal, minute_ms, reading_boot, segment);
    CREATE TABLE state_summary (boot, n, revision, machine, minute_ms, reading_boot, segment)`);
  for (const sql of rows) db.prepare(sql).run({ event: JSON.stringify(event), batch });
  db.close();
  return file;
}
const inOutbox = "INSERT INTO outbox VALUES ('b', 1, $event)";
const inHistory = "INSERT INTO event VALUES ('b', 1, $event)";
const waiting = "INSERT INTO batch VALUES ('b', 7, 'pending', $batch)";
const answered = "INSERT INTO batch VALUES ('b', 7, 'acked', NULL)";
const row = (revision: number) => `INSERT INTO summary VALUES ('b', 2, ${revision}, 'm', 's', 60000, 'b', 0)`;

test('H1: a record is held by the outbox, by a batch that waits, or by one that was answered', (t) => {
  const payload = Buffer.concat([Buffer.from('{"boot":"b","seq":7}\n'), batch]);
  const sent = new Map([sentIdentities(payload)]);
  assert.deepEqual([...sent], [['b/7', ['b/2']]]);
  assert.deepEqual(missingIn(journal(t, inOutbox, inHistory, waiting, row(2)), records, new Map()), []);
  assert.deepEqual(missingIn(journal(t, inOutbox, inHistory, answered, row(2)), records, sent), []);
  assert.deepEqual(missingIn(journal(t, inHistory, answered, row(2)), records, new Map()), [
    'event b/1: not in the outbox',
    'summary b/2: not in the outbox',
  ]);
});

test('H2: a row that is not there, is another, or is older than the one told is missing', (t) => {
  const [first] = records;
  assert.ok(first);
  assert.deepEqual(missingIn(journal(t, inOutbox, waiting, row(1)), records, new Map()), [
    'event b/1: no row',
    'summary b/2: no row',
  ]);
  const other = told(1, 'event', { ...event, z: 2 });
  assert.equal(missingIn(journal(t, inOutbox, inHistory), [other], new Map()).length, 2);
  assert.deepEqual(missingIn(journal(t, inOutbox, inHistory, waiting, row(3)), records, new Map()), []);
});
