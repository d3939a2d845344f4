/** Of a database that is much larger, a connection keeps no more pages than it may. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { openJournal } from '../../../agent/store/journal.ts';
import { openRing } from '../../../agent/store/ring-db.ts';
import { temporaryDir } from './making.ts';

const root = join(import.meta.dirname, '../../..');
const readThrough = `
import BetterSqlite from 'better-sqlite3';
import { openReadOnly } from './agent/store/connections.ts';
const { FILE, BOUNDED } = process.env;
const db = BOUNDED ? openReadOnly(FILE) : new BetterSqlite(FILE, { readonly: true });
const read = db.prepare('SELECT sum(length(bytes)) FROM t').pluck();
const before = process.memoryUsage.rss();
read.get();
process.stdout.write(String(process.memoryUsage.rss() - before));
`;
const nowMs = Date.UTC(2026, 10, 29);

test('reading through 32 MB of a database costs a connection less than 5 MB of memory', (t) => {
  const path = join(temporaryDir(t), 'large.db');
  const writer = new BetterSqlite(path);
  writer.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)');
  const insert = writer.prepare('INSERT INTO t (bytes) VALUES (?)');
  writer.transaction(() => {
    for (let row = 0; row < 16_000; row++) insert.run(Buffer.alloc(2_000, row));
  })();
  writer.close();
  // In a process of its own: what a connection has given back would serve the next one.
  const grownMb = (bounded: boolean): number => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', readThrough], {
      encoding: 'utf8',
      cwd: root,
      env: { ...process.env, FILE: path, BOUNDED: bounded ? '1' : '' },
    });
    assert.equal(stderr, '');
    return Number(stdout) / 1e6;
  };
  const [bounded, usual] = [grownMb(true), grownMb(false)];
  assert.ok(bounded < 5, `${bounded} MB`);
  assert.ok(usual > 12, `the control, as the library has it: ${usual} MB`);
});

test('the journal and the ring keep few pages in memory', (t) => {
  const dir = temporaryDir(t);
  const journal = openJournal(join(dir, 'journal.db'), { nowMs, outbox: true });
  t.after(() => journal.db.close());
  assert.equal(journal.db.pragma('cache_size', { simple: true }), -2_048);
  const ring = openRing(join(dir, 'ring.db'), { maxBytes: 1e7, maxAgeMs: 1e9, nowMs });
  t.after(() => ring.db.close());
  assert.equal(ring.db.pragma('cache_size', { simple: true }), -512);
});
