/**
 * Evidence files in SQLite: chunks as they come, in any order; a file is there when all of it is and hashes to its name.
 * Used inside the transactions of the store. F1 and F2 of `bridge-store.ts` are kept here.
 */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { chunkCount } from '../contract.ts';
import type { Chunk, FileState } from './bridge-store.ts';
import { rangesOf } from './ledger.ts';

export interface FileKeeper {
  /** Keeps a chunk; to be called inside a transaction. */
  put(chunk: Chunk, receivedMs: number): FileState;
  /** A whole file, or null. */
  read(gateway: string, sha256: string): Buffer | null;
  /** Forgets every file whose bytes are not what its name says, and chunks of no file. Returns how many files. */
  forgetDamaged(): number;
}

export function fileKeeper(db: Database.Database): FileKeeper {
  const sql = {
    file: db.prepare<[string, string], { size: number; whole: number }>(
      'SELECT size, whole FROM evidence_file WHERE gateway = ? AND sha256 = ?',
    ),
    putFile: db.prepare<[string, string, number, number]>(
      'INSERT INTO evidence_file (gateway, sha256, size, whole, received_ms) VALUES (?, ?, ?, 0, ?)',
    ),
    whole: db.prepare<[number, string, string]>(
      'UPDATE evidence_file SET whole = 1, received_ms = ? WHERE gateway = ? AND sha256 = ?',
    ),
    putChunk: db.prepare<[string, string, number, Buffer]>(
      'INSERT OR IGNORE INTO evidence_chunk (gateway, sha256, chunk, bytes) VALUES (?, ?, ?, ?)',
    ),
    numbers: db
      .prepare<[string, string], number>(
        'SELECT chunk FROM evidence_chunk WHERE gateway = ? AND sha256 = ? ORDER BY chunk',
      )
      .pluck(),
    chunks: db
      .prepare<[string, string], Buffer>(
        'SELECT bytes FROM evidence_chunk WHERE gateway = ? AND sha256 = ? ORDER BY chunk',
      )
      .pluck(),
    dropChunks: db.prepare<[string, string]>('DELETE FROM evidence_chunk WHERE gateway = ? AND sha256 = ?'),
    dropFile: db.prepare<[string, string]>('DELETE FROM evidence_file WHERE gateway = ? AND sha256 = ?'),
    allWhole: db.prepare<[], { gateway: string; sha256: string }>(
      'SELECT gateway, sha256 FROM evidence_file WHERE whole = 1',
    ),
    dropStray: db.prepare(
      'DELETE FROM evidence_chunk WHERE (gateway, sha256) NOT IN (SELECT gateway, sha256 FROM evidence_file)',
    ),
  };
  const hashOf = (gateway: string, sha256: string) => {
    const hash = createHash('sha256');
    for (const bytes of sql.chunks.iterate(gateway, sha256)) hash.update(bytes);
    return hash.digest('hex');
  };
  return {
    put({ gateway, sha256, size, chunk, bytes }, receivedMs) {
      const file = sql.file.get(gateway, sha256);
      if (file !== undefined && file.size !== size) return { state: 'conflict' };
      if (file?.whole === 1) return { state: 'stored' };
      if (file === undefined) sql.putFile.run(gateway, sha256, size, receivedMs);
      sql.putChunk.run(gateway, sha256, chunk, bytes);
      const numbers = sql.numbers.all(gateway, sha256);
      if (numbers.length < chunkCount(size)) return { state: 'part', held: rangesOf(numbers) };
      if (hashOf(gateway, sha256) === sha256) {
        sql.whole.run(receivedMs, gateway, sha256);
        return { state: 'stored' };
      }
      sql.dropChunks.run(gateway, sha256);
      sql.dropFile.run(gateway, sha256);
      return { state: 'damaged' };
    },
    read(gateway, sha256) {
      if (sql.file.get(gateway, sha256)?.whole !== 1) return null;
      return Buffer.concat(sql.chunks.all(gateway, sha256));
    },
    forgetDamaged() {
      const damaged = sql.allWhole.all().filter(({ gateway, sha256 }) => hashOf(gateway, sha256) !== sha256);
      for (const { gateway, sha256 } of damaged) {
        sql.dropChunks.run(gateway, sha256);
        sql.dropFile.run(gateway, sha256);
      }
      sql.dropStray.run();
      return damaged.length;
    },
  };
}
