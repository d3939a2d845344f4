import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import * as fc from 'fast-check';
import { repairedWal, walDamage } from '../../../agent/store/wal.ts';
import { temporaryDir } from './making.ts';

const pageBytes = 4_096;
const frameBytes = pageBytes + 24;

/** A log of `transactions`, each of some pages, beside its database; copied while SQLite holds both. */
function logOf(t: TestContext, transactions: number): { dir: string; path: string; wal: Buffer } {
  const dir = temporaryDir(t);
  const live = new BetterSqlite(join(dir, 'live.db'));
  live.pragma('journal_mode = WAL');
  live.pragma('wal_autocheckpoint = 0');
  live.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, round INTEGER, text TEXT)');
  live.pragma('wal_checkpoint(TRUNCATE)');
  const insert = live.prepare('INSERT INTO t (round, text) VALUES (?, ?)');
  for (let round = 1; round <= transactions; round++) {
    live.transaction(() => {
      for (let i = 0; i < 10; i++) insert.run(round, `${round}/${i} `.repeat(150));
    })();
  }
  const path = join(dir, 'copy.db');
  copyFileSync(join(dir, 'live.db'), path);
  copyFileSync(join(dir, 'live.db-wal'), `${path}-wal`);
  live.close();
  return { dir, path, wal: readFileSync(`${path}-wal`) };
}

/** The rounds SQLite finds in a database with this log. */
function roundsOf(dir: string, path: string, wal: Buffer): number {
  const at = join(dir, `read-${Math.random()}.db`);
  copyFileSync(path, at);
  writeFileSync(`${at}-wal`, wal);
  const db = new BetterSqlite(at);
  try {
    return Number(db.prepare('SELECT count(DISTINCT round) FROM t').pluck().get());
  } finally {
    db.close();
  }
}

test('L1: a whole log, none, an empty one, and one of which the last transaction was cut short anywhere are not damaged', (t) => {
  const { dir, path, wal } = logOf(t, 8);
  const at = join(dir, 'cut-wal');
  const judge = (bytes: Buffer) => {
    writeFileSync(at, bytes);
    return walDamage(at, pageBytes);
  };
  assert.equal(walDamage(join(dir, 'none-wal'), pageBytes), null);
  assert.equal(judge(Buffer.alloc(0)), null);
  assert.equal(judge(wal), null);
  assert.equal(roundsOf(dir, path, wal), 8);
  const frames = (wal.length - 32) / frameBytes;
  const commits = Array.from({ length: frames }, (_, i) => wal.readUInt32BE(32 + i * frameBytes + 4) > 0);
  const lastBegins = commits.slice(0, -1).lastIndexOf(true) + 1;
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), (r) => {
      // The end is not there at all, or some of its pages are.
      const cutAt = 32 + lastBegins * frameBytes + (r % ((frames - lastBegins) * frameBytes));
      assert.equal(judge(wal.subarray(0, cutAt)), null);
      const holed = Buffer.from(wal);
      const sector = 32 + lastBegins * frameBytes + 512 * (r % Math.floor(((frames - lastBegins) * frameBytes) / 512));
      holed.fill(0, sector, sector + 512);
      assert.equal(judge(holed), null);
    }),
    { numRuns: 100 },
  );
});

test('L2, L3: behind a damaged place SQLite reads nothing more; that is told, and what was mended has every frame that reads', (t) => {
  const { dir, path, wal } = logOf(t, 12);
  const frames = (wal.length - 32) / frameBytes;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: wal.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const flipped = Buffer.from(wal);
      flipped[at] = (flipped[at] ?? 0) ^ by;
      const name = join(dir, 'flipped-wal');
      writeFileSync(name, flipped);
      const rounds = roundsOf(dir, path, flipped);
      const damage = walDamage(name, pageBytes);
      if (damage === null) {
        assert.ok(rounds >= 11, `${rounds} rounds are read of a log that is not called damaged`);
        return;
      }
      assert.ok(rounds < 12);
      const inFrame = at >= 32;
      assert.equal(damage.lost, inFrame ? 1 : 0);
      const mended = repairedWal(name, damage);
      assert.ok((mended.length - 32) / frameBytes >= (inFrame ? frames - 1 : frames) - 4);
      writeFileSync(join(dir, 'mended-wal'), mended);
      assert.equal(walDamage(join(dir, 'mended-wal'), pageBytes), null);
      // Mended, SQLite takes it to its end. With a page of an older state among the others it may find those wrong.
      try {
        assert.ok(roundsOf(dir, path, mended) >= rounds);
        if (!inFrame) assert.equal(roundsOf(dir, path, mended), 12);
      } catch (error) {
        if (!(error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT'))) throw error;
      }
    }),
    { numRuns: 150 },
  );
});

test('L1: frames of an earlier round of the log, behind those of this one, are no damage', (t) => {
  const dir = temporaryDir(t);
  const db = new BetterSqlite(join(dir, 'live.db'));
  t.after(() => db.close());
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE t (text TEXT)');
  for (let i = 0; i < 20; i++) db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(3_000));
  db.pragma('wal_checkpoint(RESTART)');
  db.prepare('INSERT INTO t VALUES (?)').run('of this round');
  assert.equal(walDamage(join(dir, 'live.db-wal'), pageBytes), null);
});
