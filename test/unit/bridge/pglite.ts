/** PostgreSQL in this process, for tests: one database for a test file, a schema for each that asks. */
import { after } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { oids, type Session, type Sessions } from '../../../cloud-bridge/store/postgres/sessions.ts';
import { PostgresStore } from '../../../cloud-bridge/store/postgres/store.ts';
import { atMs } from './making.ts';

const parsers = {
  [oids.int8]: Number,
  [oids.numeric]: Number,
  [oids.json]: (text: string) => text,
  [oids.jsonb]: (text: string) => text,
};

/** As `pg` sends it, text: builds of PGlite differ in what they take. */
const booleanOid = 16;
const serializers = { [booleanOid]: String };

interface EmptySchema {
  readonly sessions: Sessions;
  readonly drop: () => Promise<void>;
}

/**
 * Starts the database; closed with the test file. Each call of what it gives makes an empty schema, which `drop` removes.
 *
 * @param make another build of PGlite, with its extensions
 */
export async function startPglite(
  make: () => Promise<Pick<PGlite, 'exec' | 'query' | 'close'>> = () => PGlite.create(),
): Promise<() => Promise<EmptySchema>> {
  const db = await make();
  after(() => db.close());
  let last: Promise<void> = Promise.resolve();
  let schemas = 0;
  return async () => {
    schemas += 1;
    const schema = `s${schemas}`;
    await db.exec(`CREATE SCHEMA ${schema}`);
    // There is one session: whoever wants it waits for the one before.
    const borrow = async (): Promise<Session> => {
      const before = last;
      let free = (): void => undefined;
      last = new Promise((resolve) => (free = resolve));
      await before;
      // Functions of extensions are in `public`.
      await db.exec(`SET search_path = ${schema}, public`);
      return {
        query: async <T>(sql: string, values?: readonly (string | number | null)[]) => {
          if (values !== undefined) return (await db.query<T>(sql, [...values], { parsers, serializers })).rows;
          const results = await db.exec(sql, { parsers });
          return (results.at(-1)?.rows ?? []) as T[];
        },
        rebuild: async (sql) => void (await db.exec(sql)),
        release: () => free(),
      };
    };
    const drop = async () => void (await db.exec(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));
    return { sessions: { borrow, close: () => Promise.resolve() }, drop };
  };
}

/** A store in an empty schema, which goes with it. */
export async function storeIn({ sessions, drop }: EmptySchema): Promise<PostgresStore> {
  const store = new PostgresStore({
    sessions: { ...sessions, close: drop },
    readers: null,
    nowMs: () => atMs,
    random: () => 0.5,
  });
  const away = await store.start();
  if (away !== null) throw away;
  return store;
}
