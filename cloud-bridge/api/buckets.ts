/**
 * Summaries and state seconds by minute or hour: sums of the partials, never means, so that a reader may add further.
 * A page is made bucket after bucket and gateway after gateway, each by the primary key (gateway, minute, …): its cost is that of
 * the rows on it, and of the gateways there are, however long the history.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Row, Scalar, StoreReader } from '../store/bridge-store.ts';
import { countOnce, type Correct } from './once.ts';
import { operations } from './operations.ts';
import { decodeCursor, encodeCursor, json, type KeyColumn } from './page.ts';
import { listRoute, type ListPage } from './paged.ts';

type Query = z.infer<typeof operations.summaries.query>;
const bucketMs = { minute: 60_000, hour: 3_600_000 } as const;

interface BucketList {
  readonly operation: 'summaries' | 'states';
  readonly table: string;
  /** What a row is about, besides its bucket. */
  readonly series: readonly string[];
  readonly columns: string;
  /** What a row's columns need besides adding up, on the page as a whole. */
  readonly correct?: Correct;
  readonly shape: (row: Row) => Readonly<Record<string, unknown>>;
}

const lists: readonly BucketList[] = [
  {
    operation: 'summaries',
    table: 'summary',
    series: ['gateway', 'machine', 'signal'],
    columns: `sum(samples) AS samples, sum(good) AS good, sum(sum) AS sum, sum(integral) AS integral,
      sum(covered_s) AS covered_s, min(min) AS min, max(max) AS max, sum(counter_delta) AS delta,
      sum(counter_uncertainty) AS uncertainty, sum(counter_wraps) AS wraps, sum(counter_resets) AS resets`,
    correct: countOnce,
    shape: (row) => ({
      signal: row['signal'],
      samples: row['samples'],
      good: row['good'],
      sum: row['sum'],
      integral: row['integral'],
      coveredS: row['covered_s'],
      min: row['min'],
      max: row['max'],
      counter:
        row['delta'] === null
          ? null
          : { delta: row['delta'], uncertainty: row['uncertainty'], wraps: row['wraps'], resets: row['resets'] },
    }),
  },
  {
    operation: 'states',
    table: 'state_summary',
    series: ['gateway', 'machine'],
    // Joined as text, which every store can.
    columns: `'[' || string_agg(CAST(seconds AS TEXT), ',') || ']' AS seconds,
      '[' || string_agg(CAST(causes AS TEXT), ',') || ']' AS causes`,
    shape: (row) => ({ seconds: total(row['seconds']), causes: total(row['causes']) }),
  },
];

/** Adds up a JSON array of objects of numbers. */
function total(text: Row[string] | undefined): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const part of z.array(z.record(z.string(), z.number())).parse(json(text))) {
    for (const [key, seconds] of Object.entries(part)) sums[key] = (sums[key] ?? 0) + seconds;
  }
  return sums;
}

/** Adds the routes to `app`. */
export function bucketRoutes(app: FastifyInstance, store: StoreReader): void {
  for (const list of lists) listRoute(app, operations[list.operation], (query) => readPage(store, list, query));
}

async function readPage(store: StoreReader, list: BucketList, query: Query): Promise<ListPage | null> {
  const size = bucketMs[query.bucket];
  const key: readonly KeyColumn[] = [
    { name: 'bucket_ms', expression: 'bucket_ms', type: 'number' },
    ...list.series.map((name) => ({ name, expression: name, type: 'text' as const })),
  ];
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor, key);
  if (query.cursor !== undefined && after === null) return null;
  const afterMs = after === null ? null : Number(after[0]);
  const lastSeries = list.series.map((_, at) => String(after?.[at + 1] ?? ''));
  const nothing = list.series.map(() => '');
  const wanted: Wanted = { table: list.table, gateway: query.gateway, machine: query.machine, signal: query.signal };

  const from = query.from ?? 0;
  const to = query.to ?? Number.MAX_SAFE_INTEGER;
  const rows: Row[] = [];
  let low = Math.max(from, afterMs ?? from);
  while (rows.length <= query.limit && low < to) {
    const minute = await nextMinute(store, wanted, low, to);
    if (minute === null) break;
    const bucket = minute - (minute % size);
    const range = { low: Math.max(bucket, from), high: Math.min(bucket + size, to) };
    // Only the bucket the last page ended in goes on in the middle of its series.
    const done = bucket === afterMs ? lastSeries : nothing;
    for (const gateway of await gatewaysIn(store, wanted, range, done[0] ?? '')) {
      const limit = query.limit + 1 - rows.length;
      if (limit <= 0) break;
      rows.push(...(await ofBucket(store, list, { ...wanted, gateway }, { ...range, bucket, done, limit })));
    }
    low = bucket + size;
  }
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  const items = (await list.correct?.(store, page, { from, to, size })) ?? page;
  return {
    items: items.map((row) => ({
      bucketMs: row['bucket_ms'],
      gateway: row['gateway'],
      machine: row['machine'],
      ...list.shape(row),
    })),
    next: last === undefined ? null : encodeCursor(key, last),
  };
}

/** What a query asks for; undefined: any. */
interface Wanted {
  readonly table: string;
  readonly gateway: string | undefined;
  readonly machine: string | undefined;
  readonly signal: string | undefined;
}

function conditionsOf({ machine, signal }: Wanted): { where: string; values: Record<string, Scalar> } {
  const values: Record<string, Scalar> = {};
  if (machine !== undefined) values['machine'] = machine;
  if (signal !== undefined) values['signal'] = signal;
  return {
    where: Object.keys(values)
      .map((name) => ` AND ${name} = @${name}`)
      .join(''),
    values,
  };
}

const firstMinute = (table: string) =>
  `(SELECT min(minute_ms) FROM ${table} WHERE gateway = @gateway AND minute_ms < @high AND minute_ms`;
/** The minutes of a gateway as `at(ms)`, with a null at their end: from one to the next, without the rows in between. */
const minutesOf = (table: string) => `at(ms) AS (
  SELECT ${firstMinute(table)} >= @low) UNION ALL SELECT ${firstMinute(table)} > at.ms) FROM at WHERE at.ms IS NOT NULL
)`;

/** Far apart only where there is nothing in between: a store in parts by time then looks into few of them. */
const looksMs = [3_600_000, 31 * 86_400_000, Infinity] as const;

/**
 * The first minute from `low` to before `high` that may have rows: of one gateway it has, of all some have rows of it, if perhaps
 * not of the machine or signal that is wanted.
 */
async function nextMinute(store: StoreReader, wanted: Wanted, low: number, high: number): Promise<number | null> {
  const { table, gateway } = wanted;
  type Found = { readonly ms: number | null };
  if (gateway === undefined) {
    for (const ms of looksMs) {
      const [found] = await store.rows<Found>(
        `SELECT min((SELECT min(minute_ms) FROM ${table} s
           WHERE s.gateway = g.gateway AND minute_ms >= @low AND minute_ms < @high)) AS ms FROM gateway g`,
        { low, high: Math.min(high, low + ms) },
      );
      if (found !== undefined && found.ms !== null) return found.ms;
      if (low + ms >= high) break;
    }
    return null;
  }
  const { where, values } = conditionsOf(wanted);
  const [found] = await store.rows<Found>(
    where === ''
      ? `SELECT ${firstMinute(table)} >= @low) AS ms`
      : `WITH RECURSIVE ${minutesOf(table)}
         SELECT ms FROM at WHERE ms IS NOT NULL AND EXISTS (
           SELECT 1 FROM ${table} WHERE gateway = @gateway AND minute_ms = at.ms${where}) LIMIT 1`,
    { ...values, gateway, low, high },
  );
  return found?.ms ?? null;
}

/** The gateways with rows in the range, from `first` on. */
async function gatewaysIn(
  store: StoreReader,
  { table, gateway }: Wanted,
  range: { readonly low: number; readonly high: number },
  first: string,
): Promise<readonly string[]> {
  if (gateway !== undefined) return [gateway];
  const found = await store.rows<{ gateway: string }>(
    `SELECT gateway FROM gateway g WHERE gateway >= @first AND EXISTS (
       SELECT 1 FROM ${table} s WHERE s.gateway = g.gateway AND minute_ms >= @low AND minute_ms < @high) ORDER BY gateway`,
    { first, ...range },
  );
  return found.map((row) => row.gateway);
}

interface Bucket {
  readonly bucket: number;
  readonly low: number;
  readonly high: number;
  /** The series that was the last one before. */
  readonly done: readonly string[];
  readonly limit: number;
}

/** Sums of one gateway's bucket, by series. Its minutes are taken one by one: each is a place in the key. */
async function ofBucket(
  store: StoreReader,
  { table, series, columns }: BucketList,
  wanted: Wanted & { readonly gateway: string },
  { bucket, low, high, done, limit }: Bucket,
): Promise<Row[]> {
  const { where, values } = conditionsOf(wanted);
  const names = series.join(', ');
  const places = series.map((name) => `@k_${name}`).join(', ');
  for (const [at, name] of series.entries()) values[`k_${name}`] = done[at] ?? '';
  return await store.rows(
    `WITH RECURSIVE ${minutesOf(table)}
     SELECT CAST(@bucket AS BIGINT) AS bucket_ms, ${names}, ${columns} FROM ${table}
     WHERE gateway = @gateway AND minute_ms IN (SELECT ms FROM at WHERE ms IS NOT NULL)${where} AND (${names}) > (${places})
     GROUP BY ${names} ORDER BY ${names} LIMIT @limit`,
    { ...values, gateway: wanted.gateway, bucket, low, high, limit },
  );
}
