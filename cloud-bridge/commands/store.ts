/** The store of `bridge run`: SQLite in the data folder, or PostgreSQL for one of several workers. */
import { BridgeError } from '../errors.ts';
import { readText, reasonOf, type DataDir } from '../files.ts';
import type { Log } from '../log.ts';
import type { BridgeStore } from '../store/bridge-store.ts';
import type { PostgresAddress } from '../store/postgres/address.ts';
import { SqliteStore } from '../store/store.ts';

export interface StoreOptions {
  readonly store: string | null;
  readonly storePasswordFile: string | null;
  readonly storeCaFile: string | null;
  readonly broker: string | null;
  readonly acceptPlaintext: boolean;
}

/** Sessions of a worker: one that stores batches, one for statuses, one in reserve; and those that answer the API. */
const sessionsFor = { storing: 3, reading: 4 } as const;

/**
 * Rejects with BRG-101, BRG-151 (PostgreSQL refuses the bridge), BRG-110, or as `SqliteStore.open`. A PostgreSQL that is away is told
 * and waited for.
 */
export async function openStore(
  options: StoreOptions,
  dir: DataDir,
  nowMs: () => number,
  log: Log,
): Promise<BridgeStore> {
  const { storePasswordFile, storeCaFile } = options;
  const address = await storeAddress(options);
  if (address === null) {
    if (storePasswordFile !== null || storeCaFile !== null)
      throw new BridgeError('usage', '--store-password-file and --store-ca belong to --store');
    return SqliteStore.open(dir, nowMs());
  }
  if (options.broker === null) throw new BridgeError('usage', '--store wants --broker: its workers share one');
  const { pgSessions } = await import('../store/postgres/sessions.ts');
  const { PostgresStore } = await import('../store/postgres/store.ts');
  const store = new PostgresStore({
    sessions: await pgSessions(address, sessionsFor.storing, true),
    readers: await pgSessions(address, sessionsFor.reading, false),
    nowMs,
    random: Math.random,
  });
  const away = await store.start().catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  if (away !== null) log.error(new BridgeError('storeUnreachable', `${address.text}: ${reasonOf(away)}`));
  log.event('info', 'worker', {
    store: address.text,
    reached: away === null,
    partitions: store.layout,
    text: 'one of several workers: its broker must not take two clients of one user for one (use_username_as_clientid false)',
  });
  return store;
}

/** Where the store is; null: SQLite. Rejects with BRG-101. */
export async function storeAddress(options: StoreOptions): Promise<PostgresAddress | null> {
  if (options.store === null) return null;
  const { postgresAddress } = await import('../store/postgres/address.ts');
  const { store: url, acceptPlaintext } = options;
  return postgresAddress({ url, ...secretsOf(options), acceptPlaintext });
}

function secretsOf({ storePasswordFile, storeCaFile }: StoreOptions) {
  return {
    password: storePasswordFile === null ? null : readText(storePasswordFile).trim(),
    ca: storeCaFile === null ? null : readText(storeCaFile),
  };
}
