/**
 * Summaries and state seconds by minute or hour: sums of the partials, never means, so that a reader may add further.
 * A page is made bucket after bucket, each from the index: its cost is that of the rows on it, however long the history.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Row, Scalar, StoreReader } from '../store/bridge-store.ts';
import { countOnce, type Correct } from './once.ts';
import { operations } from './operations.ts';
import { decodeCursor, encodeCursor, firstIssue, json, type KeyColumn } from './page.ts';
import { refuse } from './problem.ts';

type Query = z.infer<typeof operations.summaries.query>;
const filters = ['gateway', 'machine', 'signal'] as const;
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
  for (const list of lists) {
    const { path, query } = operations[list.operation];
    app.get(path, async (request, reply) => {
      const parsed = query.safeParse(request.query);
      if (!parsed.success) return refuse(reply, 400, 'bad-query', firstIssue(parsed.error));
      const page = await readPage(store, list, parsed.data);
      return page ?? refuse(reply, 400, 'bad-query', 'cursor: not one this list gave out');
    });
  }
}

async function readPage(
  store: StoreReader,
  list: BucketList,
  query: Query,
): Promise<{ items: unknown[]; next: string | null } | null> {
  const size = bucketMs[query.bucket];
  const key: readonly KeyColumn[] = [
    { name: 'bucket_ms', expression: 'bucket_ms', type: 'number' },
    ...list.series.map((name) => ({ name, expression: name, type: 'text' as const })),
  ];
  const conditions: string[] = [];
  const values: Record<string, Scalar> = {};
  for (const name of filters) {
    const value = query[name];
    if (value === undefined) continue;
    conditions.push(`${name} = @${name}`);
    values[name] = value;
  }
  const where = conditions.map((condition) => ` AND ${condition}`).join('');
  const series = list.series.join(', ');
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor, key);
  if (query.cursor !== undefined && after === null) return null;
  const filter = { ...values };
  for (const [at, name] of list.series.entries()) values[`k_${name}`] = after?.[at + 1] ?? '';
  const afterMs = after === null ? null : Number(after[0]);

  const nextMinute = `SELECT min(minute_ms) AS ms FROM ${list.table}
    WHERE minute_ms >= @low AND minute_ms < @high${where}`;
  const ofBucket = `SELECT CAST(@bucket AS BIGINT) AS bucket_ms, ${series}, ${list.columns} FROM ${list.table}
    WHERE minute_ms >= @low AND minute_ms < @high${where} AND (${series}) > (${list.series.map((name) => `@k_${name}`).join(', ')})
    GROUP BY ${series} ORDER BY ${series} LIMIT @limit`;
  const from = query.from ?? 0;
  const to = query.to ?? Number.MAX_SAFE_INTEGER;
  const rows: Row[] = [];
  let low = Math.max(from, afterMs ?? from);
  while (rows.length <= query.limit && low < to) {
    const [next] = await store.rows<{ ms: number | null }>(nextMinute, { ...filter, low, high: to });
    const minute = next?.ms ?? null;
    if (minute === null) break;
    const bucket = minute - (minute % size);
    // Only the bucket the last page ended in goes on in the middle of its series.
    const resumed = bucket === afterMs ? {} : Object.fromEntries(list.series.map((name) => [`k_${name}`, '']));
    const range = { bucket, low: Math.max(bucket, from), high: Math.min(bucket + size, to) };
    const limit = query.limit + 1 - rows.length;
    rows.push(...(await store.rows(ofBucket, { ...values, ...resumed, ...range, limit })));
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
