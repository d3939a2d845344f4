/** What the store needs of a PostgreSQL driver, and `pg` as one. The tests bring PGlite as another. */
import { Socket } from 'node:net';
import type { Pool as PgPool, PoolClient } from 'pg';
import type { PostgresAddress } from './address.ts';

export type Value = string | number | null;

export interface Session {
  /** Without `values` the text may be several statements. Integers come as numbers and JSON as text. */
  query<T>(sql: string, values?: readonly Value[]): Promise<T[]>;
  /** For a change of the schema, inside a transaction: waits as long as it takes to write every row anew. */
  rebuild(sql: string): Promise<void>;
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
const limitsMs = {
  connect: 5_000,
  lock: 8_000,
  statement: 10_000,
  query: 12_000,
  idle: 15_000,
  rebuild: 3_600_000,
} as const;

/**
 * A pool. Connects when it is first asked for a session.
 *
 * @param most sessions at once
 * @param mayWrite false: PostgreSQL itself refuses every change
 */
export async function pgSessions(address: PostgresAddress, most: number, mayWrite: boolean): Promise<Sessions> {
  const { default: pg } = await import('pg');
  const asText = (text: string) => text;
  // A login that fails leaves its connection to the server, which may take a minute to end it.
  const sockets = new Set<Socket>();
  const stream = () => {
    const socket = new Socket();
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    return socket;
  };
  const pool: PgPool = new pg.Pool({
    stream,
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls === null
      ? {}
      : { ssl: { rejectUnauthorized: true, ...(address.tls.ca === null ? {} : { ca: address.tls.ca }) } }),
    ...(mayWrite ? {} : { options: '-c default_transaction_read_only=on' }),
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
        rebuild: async (sql) => {
          const anyLength = { query_timeout: limitsMs.rebuild };
          await client.query({ text: `SET LOCAL statement_timeout = ${limitsMs.rebuild}; ${sql}`, ...anyLength });
          await client.query(`SET LOCAL statement_timeout = ${limitsMs.statement}`);
        },
        release: (broken) => {
          client.off('error', onError);
          client.release(broken);
        },
      };
    },
    close: async () => {
      await pool.end();
      for (const socket of sockets) socket.destroy();
    },
  };
}
