/**
 * Takes off a page of summed counters what a younger branch of a forked gateway counted a second time. A page without a
 * forked gateway costs one look at an empty table for each gateway on it.
 */
import type { Row, StoreReader } from '../store/bridge-store.ts';

/** The minutes that were added up: `from` to before `to`, in buckets of `size`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

export type Correct = (store: StoreReader, rows: readonly Row[], range: Range) => Promise<Row[]>;

const figures = ['delta', 'uncertainty', 'wraps', 'resets'] as const;
type Correction = { readonly bucket_ms: number } & Readonly<Record<(typeof figures)[number], number>>;

/** `rows` with `bucket_ms`, series and the sums of `figures`; those of forked gateways are corrected. */
export const countOnce: Correct = async (store, rows, range) => {
  const forked = new Set<string>();
  for (const gateway of new Set(rows.map((row) => String(row['gateway'])))) {
    const found = await store.rows('SELECT 1 AS found FROM branch_older WHERE gateway = @gateway LIMIT 1', { gateway });
    if (found.length > 0) forked.add(gateway);
  }
  const corrected = rows.map((row) => ({ ...row }));
  const series = new Map<string, Row[]>();
  for (const row of corrected) {
    if (row['delta'] === null || !forked.has(String(row['gateway']))) continue;
    const name = `${row['gateway']} ${row['machine']} ${row['signal']}`;
    series.set(name, [...(series.get(name) ?? []), row]);
  }
  for (const of of series.values()) await correctSeries(store, of, range);
  return corrected;
};

async function correctSeries(store: StoreReader, rows: readonly Row[], { from, to, size }: Range): Promise<void> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return;
  const names = { gateway: text(first['gateway']), machine: text(first['machine']), signal: text(first['signal']) };
  const minutes = {
    low: Math.max(from, Number(first['bucket_ms'])),
    high: Math.min(to, Number(last['bucket_ms']) + size),
  };
  const sums = figures.map((name) => `sum(counted_${name} - counter_${name}) AS ${name}`).join(', ');
  const corrections = await store.rows<Correction>(
    `SELECT minute_ms - minute_ms % @size AS bucket_ms, ${sums} FROM counter_overlap
     WHERE gateway = @gateway AND machine = @machine AND signal = @signal AND minute_ms >= @low AND minute_ms < @high
     GROUP BY bucket_ms`,
    { ...names, ...minutes, size },
  );
  const ofBucket = new Map(corrections.map((correction) => [correction.bucket_ms, correction]));
  for (const row of rows) {
    const correction = ofBucket.get(Number(row['bucket_ms']));
    if (correction !== undefined) for (const name of figures) row[name] = Number(row[name]) + correction[name];
  }
}

const text = (value: Row[string] | undefined) => String(value ?? '');
