/**
 * How the summaries lie by time: in monthly partitions of PostgreSQL's own, or in hypertables of TimescaleDB where its extension was in the
 * database when the bridge made its tables. Which of them it is does not change any more; everything else knows one table.
 *
 * Invariants (test/integration/bridge-postgres.test.ts, test/unit/bridge/store-timescale.test.ts):
 *  Y1  Whatever minutes a gateway makes up, the number of tables stays within what the years from 2020 need: minutes before, and far ahead,
 *      share one.
 */
import type { Session } from './sessions.ts';

export const byTime = ['summary', 'state_summary'] as const;
export type Layout = 'monthly' | 'hypertable';

/** Months from here to some days ahead get a partition of their own; every other minute goes to `…_other`. */
const firstMonthMs = Date.UTC(2020, 0, 1);
const aheadMs = 62 * 86_400_000;
/** Chunks of TimescaleDB are made as minutes come, up to here: 365 for each table at most. */
const lastChunkMs = Date.UTC(2050, 0, 1);
const chunkMs = 30 * 86_400_000;
/** Of a 64-bit integer: to TimescaleDB they mean without end. */
const [endlessBefore, endlessAfter] = ['-9223372036854775808', '9223372036854775807'];

export async function hasTimescale(session: Session): Promise<boolean> {
  return (await session.query("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).length > 0;
}

/**
 * Makes the empty summaries hypertables, for TimescaleDB 2.13 or later. (`create_hypertable` with `by_range`:
 * docs.timescale.com/api. `create_chunk` is the function its own restore makes chunks of given bounds with.)
 */
export async function makeHypertables(session: Session): Promise<void> {
  for (const table of byTime) {
    await session.query(
      `SELECT create_hypertable('${table}', by_range('minute_ms', ${chunkMs}::bigint), create_default_indexes => false)`,
    );
    for (const [from, to] of [
      [endlessBefore, firstMonthMs],
      [lastChunkMs, endlessAfter],
    ]) {
      await session.query(`SELECT _timescaledb_functions.create_chunk('${table}', '{"minute_ms": [${from}, ${to}]}')`);
    }
  }
}

/** Of the tables that are there. */
export async function layoutOf(session: Session): Promise<Layout> {
  const [row] = await session.query<{ relkind: string }>(
    "SELECT relkind::text AS relkind FROM pg_class WHERE oid = to_regclass('summary')",
  );
  return row?.relkind === 'p' ? 'monthly' : 'hypertable';
}

export interface Month {
  /** As in the name of its partition: 2026_01. */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The month a minute's partition is of, or null where it has none of its own: before 2020, or too far ahead. */
export function monthOf(minuteMs: number, nowMs: number): Month | null {
  if (minuteMs < firstMonthMs || minuteMs > nowMs + aheadMs) return null;
  const at = new Date(minuteMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  const name = `${year}_${String(month + 1).padStart(2, '0')}`;
  return { name, fromMs: Date.UTC(year, month, 1), toMs: Date.UTC(year, month + 1, 1) };
}

/** Makes the month's partitions, inside the caller's transaction. Minutes that came when it was too far ahead move into it. */
export async function makeMonth(session: Session, { name, fromMs, toMs }: Month): Promise<void> {
  for (const table of byTime) {
    const partition = `${table}_${name}`;
    const [known] = await session.query<{ there: string | null }>(
      `SELECT CAST(to_regclass('${partition}') AS TEXT) AS there`,
    );
    if ((known?.there ?? null) !== null) continue;
    await session.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE;
      CREATE TABLE ${partition} (LIKE ${table} INCLUDING DEFAULTS);
      WITH moved AS (DELETE FROM ${table}_other WHERE minute_ms >= ${fromMs} AND minute_ms < ${toMs} RETURNING *)
        INSERT INTO ${partition} SELECT * FROM moved;
      ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES FROM (${fromMs}) TO (${toMs})`);
  }
}
