/** What the store needs of a PostgreSQL driver, and `pg` as one. The tests bring PGlite as another. */
import type { Pool as PgPool, PoolClient } from 'pg';

export type Value = string | number | null;

export interface Session {
  /** Without `values` the text may be several statements. Integers come as numbers and JSON as text. */
  query<T>(sql: string, values?: readonly Value[]): Promise<T[]>;
  /** Gives the session back; `broken`: nothing is known of its state, so it must not be used again. */
  release(broken: boolean): void;
}

export interface Sessions {
  borrow(): Promise<Session>;
  close(): Promise<void>;
}

/** Type numbers of PostgreSQL whose values are read otherwise than the driver would. */
export const oids = { int8: 20, json: 114, numeric: 1700, jsonb: 3802 } as const;

/**
 * Long enough for a busy disk, short enough that a gateway is answered `later` before it gives up; a transaction whose
 * worker is gone without a word lets go of its locks.
 */
const limitsMs = { connect: 5_000, lock: 8_000, statement: 10_000, query: 12_000, idle: 15_000 } as const;

/** A pool on `url`. Connects when it is first asked for a session. */
export async function pgSessions(url: string, most: number): Promise<Sessions> {
  const { default: pg } = await import('pg');
  const asText = (text: string) => text;
  const pool: PgPool = new pg.Pool({
    connectionString: url,
    max: most,
    application_name: 'selvedge-bridge',
    connectionTimeoutMillis: limitsMs.connect,
    statement_timeout: limitsMs.statement,
    query_timeout: limitsMs.query,
    lock_timeout: limitsMs.lock,
    idle_in_transaction_session_timeout: limitsMs.idle,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
        if (oid === oids.int8 || oid === oids.numeric) return Number;
        if (oid === oids.json || oid === oids.jsonb) return asText;
        return pg.types.getTypeParser(oid, format);
      }) as typeof pg.types.getTypeParser,
    },
  });
  // An idle connection that the server closes is no news: the next use makes another.
  pool.on('error', () => undefined);
  return {
    borrow: async () => {
      const client: PoolClient = await pool.connect();
      // A connection that breaks between two statements says so here, and again to the next statement.
      const onError = () => undefined;
      client.on('error', onError);
      return {
        query: async <T>(sql: string, values?: readonly Value[]) => {
          const result = await client.query(sql, values === undefined ? undefined : [...values]);
          return result.rows as T[];
        },
        release: (broken) => {
          client.off('error', onError);
          client.release(broken);
        },
      };
    },
    close: () => pool.end(),
  };
}
