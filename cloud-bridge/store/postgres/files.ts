/** Evidence files in PostgreSQL, as `../files.ts` keeps them in SQLite. Chunks of one gateway come one after the other (P1). */
import { createHash } from 'node:crypto';
import { chunkCount } from '../../contract.ts';
import type { Chunk, FileState } from '../bridge-store.ts';
import { rangesOf } from '../ledger.ts';
import type { Session } from './sessions.ts';

/** Keeps a chunk, inside the caller's transaction, which holds the lock of the gateway. */
export async function putChunk(session: Session, chunk: Chunk, receivedMs: number): Promise<FileState> {
  const { gateway, sha256, size } = chunk;
  const key = [gateway, sha256];
  const [file] = await session.query<{ size: number; whole: boolean }>(
    'SELECT size, whole FROM evidence_file WHERE gateway = $1 AND sha256 = $2',
    key,
  );
  if (file !== undefined && file.size !== size) return { state: 'conflict' };
  if (file?.whole === true) return { state: 'stored' };
  if (file === undefined) {
    await session.query(
      'INSERT INTO evidence_file (gateway, sha256, size, whole, received_ms) VALUES ($1, $2, $3, false, $4)',
      [...key, size, receivedMs],
    );
  }
  await session.query(
    `INSERT INTO evidence_chunk (gateway, sha256, chunk, bytes) VALUES ($1, $2, $3, decode($4, 'base64'))
     ON CONFLICT DO NOTHING`,
    [...key, chunk.chunk, chunk.bytes.toString('base64')],
  );
  const rows = await session.query<{ chunk: number }>(
    'SELECT chunk FROM evidence_chunk WHERE gateway = $1 AND sha256 = $2 ORDER BY chunk',
    key,
  );
  if (rows.length < chunkCount(size)) return { state: 'part', held: rangesOf(rows.map((row) => row.chunk)) };
  if (
    createHash('sha256')
      .update(await chunksOf(session, gateway, sha256))
      .digest('hex') === sha256
  ) {
    await session.query('UPDATE evidence_file SET whole = true, received_ms = $3 WHERE gateway = $1 AND sha256 = $2', [
      ...key,
      receivedMs,
    ]);
    return { state: 'stored' };
  }
  await session.query('DELETE FROM evidence_chunk WHERE gateway = $1 AND sha256 = $2', key);
  await session.query('DELETE FROM evidence_file WHERE gateway = $1 AND sha256 = $2', key);
  return { state: 'damaged' };
}

/** A whole file, or null. */
export async function readFile(session: Session, gateway: string, sha256: string): Promise<Buffer | null> {
  const [file] = await session.query<{ whole: boolean }>(
    'SELECT whole FROM evidence_file WHERE gateway = $1 AND sha256 = $2',
    [gateway, sha256],
  );
  return file?.whole === true ? chunksOf(session, gateway, sha256) : null;
}

/** As base64 text: drivers differ in what they make of `bytea`. */
async function chunksOf(session: Session, gateway: string, sha256: string): Promise<Buffer> {
  const rows = await session.query<{ bytes: string }>(
    `SELECT encode(bytes, 'base64') AS bytes FROM evidence_chunk WHERE gateway = $1 AND sha256 = $2 ORDER BY chunk`,
    [gateway, sha256],
  );
  return Buffer.concat(rows.map(({ bytes }) => Buffer.from(bytes, 'base64')));
}
