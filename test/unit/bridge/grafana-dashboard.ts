/** The example dashboard, and what Grafana makes of its queries. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const docs = join(import.meta.dirname, '../../../docs');
const query = z.object({
  refId: z.string(),
  format: z.enum(['table', 'time_series']),
  rawQuery: z.literal(true),
  rawSql: z.string(),
  datasource: z.object({ type: z.literal('grafana-postgresql-datasource'), uid: z.literal('${datasource}') }),
});
/** Of a dashboard's model what this one must have. */
const dashboardModel = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.int().min(39),
  time: z.object({ from: z.string(), to: z.string() }),
  templating: z.object({
    list: z.array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('datasource'), name: z.literal('datasource'), query: z.string() }),
        z.object({ type: z.literal('query'), name: z.string(), query: z.string(), definition: z.string() }),
      ]),
    ),
  }),
  panels: z.array(
    z.object({
      id: z.int(),
      type: z.enum(['stat', 'table', 'timeseries']),
      title: z.string(),
      description: z.string().min(10),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().max(24), h: z.int() }),
      targets: z.array(query).min(1),
    }),
  ),
});
export const dashboard = dashboardModel.parse(
  JSON.parse(readFileSync(join(docs, 'grafana/selvedge-fleet.json'), 'utf8')),
);

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}
const seconds: Readonly<Record<string, number>> = { '1m': 60, '1h': 3600 };

/**
 * What Grafana makes of a query: variables in the format `sqlstring`, then the words that every SQL source knows, then the
 * macros of the PostgreSQL source (Grafana's documentation of it, "Macros").
 */
export function asGrafanaSends(sql: string, values: Readonly<Record<string, readonly string[]>>, range: Range): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const time = (ms: number) => `'${new Date(ms).toISOString()}'`;
  const group = (column: string, interval: string) => {
    const s = seconds[interval.replaceAll("'", '')];
    assert.ok(s !== undefined, `an interval this test does not know: ${interval}`);
    return `floor(extract(epoch from ${column})/${s})*${s}`;
  };
  return sql
    .replaceAll(/\$\{(\w+):sqlstring\}/g, (_, name: string) => {
      assert.ok(values[name] !== undefined, `a variable the dashboard has not: ${name}`);
      return values[name].map(quoted).join(',');
    })
    .replaceAll('$__interval', '1m')
    .replaceAll('$__unixEpochFrom()', String(Math.floor(range.fromMs / 1000)))
    .replaceAll('$__unixEpochTo()', String(Math.floor(range.toMs / 1000)))
    .replaceAll(/\$(\w+)\(([^)]*)\)(,?)/g, (_, name: string, given: string, comma: string) => {
      const [column = '', interval = ''] = given.split(',').map((one) => one.trim());
      switch (name) {
        case '__timeFilter':
          return `${column} BETWEEN ${time(range.fromMs)} AND ${time(range.toMs)}${comma}`;
        case '__timeGroup':
          // With a comma behind it Grafana names the column, as it did before it had the other macro.
          return `${group(column, interval)}${comma === '' ? '' : ' AS "time",'}`;
        case '__timeGroupAlias':
          return `${group(column, interval)} AS "time"${comma}`;
        default:
          throw new TypeError(`a macro Grafana does not know: ${name}`);
      }
    });
}

/** With `explain` before a query: which of the summaries' partitions it reads. What is never carried out is in the plan, too. */
export const explain = 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)';
export function partitionsRead(plan: readonly { readonly 'QUERY PLAN': string }[]): readonly string[] {
  const done = plan.map((row) => row['QUERY PLAN']).filter((line) => !line.includes('never executed'));
  return [
    ...new Set(done.flatMap((line) => line.match(/ on ((?:state_)?summary_(?:\d{4}_\d{2}|other))\b/)?.[1] ?? [])),
  ];
}
