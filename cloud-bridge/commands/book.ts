/** The book of commands of `bridge run`: a file in the data folder, or a table that all workers share. */
import { BridgeError } from '../errors.ts';
import { readText, type DataDir } from '../files.ts';
import type { Log } from '../log.ts';
import type { CommandBook } from '../remote/book.ts';
import { SqliteBook } from '../remote/sqlite-book.ts';
import type { StoreOptions } from './store.ts';

/** One that holds a gateway's turn, one that gives counters out in it, one that takes an answer meanwhile. */
const sessions = 3;

/** @param key names the signing key. Rejects as `SqliteBook.open`; a PostgreSQL that is away is tried again at every use */
export async function openBook(
  { store: url, storePasswordFile, storeCaFile, acceptPlaintext }: StoreOptions,
  dir: DataDir,
  key: string,
  nowMs: number,
  log: Log,
): Promise<CommandBook> {
  if (url === null) {
    const book = SqliteBook.open(dir, key, nowMs);
    if (book.setAside !== null) log.error(new BridgeError('bookDamaged', `the damaged one is now ${book.setAside}`));
    return book;
  }
  const { postgresAddress } = await import('../store/postgres/address.ts');
  const { pgSessions } = await import('../store/postgres/sessions.ts');
  const { PostgresBook } = await import('../remote/postgres-book.ts');
  const password = storePasswordFile === null ? null : readText(storePasswordFile).trim();
  const ca = storeCaFile === null ? null : readText(storeCaFile);
  return new PostgresBook(
    await pgSessions(postgresAddress({ url, password, ca, acceptPlaintext }), sessions, true),
    key,
  );
}
