/**
 * The list routes: `{items, next}`, newest or first key first, paged by key. `next` is the text to give as `cursor` for
 * the following page, or null at the end; rows that come in meanwhile neither repeat nor hide others.
 */
import type Database from 'better-sqlite3';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

type Scalar = string | number;
type Row = Record<string, string | number | null>;

/** A list: `sql` selects the rows with `:conditions` where the filters and the cursor go. */
interface List {
  readonly path: string;
  readonly select: (query: Query) => { readonly columns: string; readonly from: string; readonly groupBy?: string };
  /** Columns of the order, together unique; `expression` where the column is an alias. */
  readonly key: readonly { readonly name: string; readonly expression: (query: Query) => string; readonly type: 'text' | 'number' }[];
  readonly newestFirst: boolean;
  /** Query parameter → condition on `@parameter`. */
  readonly filters: Readonly<Partial<Record<keyof Query, string>>>;
  readonly shape: (row: Row) => unknown;
}

const id = z.string().regex(/^[a-z0-9-]{1,40}$/);
const word = z.string().regex(/^[\w.:-]{1,80}$/);
const ms = z.coerce.number().int();
const query = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(400).optional(),
  gateway: id.optional(),
  machine: id.optional(),
  signal: word.optional(),
  event: word.optional(),
  type: word.optional(),
  state: word.optional(),
  open: z.enum(['true', 'false']).optional(),
  from: ms.optional(),
  to: ms.optional(),
  bucket: z.enum(['minute', 'hour']).default('minute'),
});
type Query = z.infer<typeof query>;

const column = (name: string, type: 'text' | 'number', expression: string = name) => ({
  name,
  type,
  expression: () => expression,
});
/** Only these two numbers are ever put into a statement as text. */
const bucketMs = ({ bucket }: Query) => (bucket === 'hour' ? 3_600_000 : 60_000);
const bucketStart = (query: Query) => `minute_ms - minute_ms % ${bucketMs(query)}`;
const json = (text: string | number | null | undefined): unknown => JSON.parse(String(text ?? 'null'));

const lists: readonly List[] = [
  {
    path: '/api/gateways',
    select: () => ({
      columns: `g.gateway, g.site, g.first_ms, g.last_ms, s.online, s.boot, s.connection, s.agent_version,
        (SELECT count(*) FROM batch b WHERE b.gateway = g.gateway) AS batches,
        (SELECT count(*) FROM fork f WHERE f.gateway = g.gateway) AS forks`,
      from: 'gateway g LEFT JOIN status s USING (gateway)',
    }),
    key: [column('gateway', 'text', 'g.gateway')],
    newestFirst: false,
    filters: { gateway: 'g.gateway = @gateway' },
    shape: (row) => ({
      gateway: row['gateway'],
      site: row['site'],
      online: row['online'] === 1,
      boot: row['boot'],
      connection: row['connection'],
      agentVersion: row['agent_version'],
      firstMs: row['first_ms'],
      lastMs: row['last_ms'],
      batches: row['batches'],
      forks: row['forks'],
    }),
  },
  {
    path: '/api/machines',
    select: () => ({ columns: 'm.*', from: 'machine m' }),
    key: [column('gateway', 'text'), column('machine', 'text')],
    newestFirst: false,
    filters: { gateway: 'gateway = @gateway', machine: 'machine = @machine' },
    shape: (row) => ({
      gateway: row['gateway'],
      machine: row['machine'],
      kind: row['machine_kind'],
      profile: row['profile'],
      profileVersion: row['profile_version'],
      line: row['line'],
      station: row['station'],
      atMs: row['at_ms'],
      identification: json(row['identification']),
      signals: json(row['signals']),
    }),
  },
  {
    path: '/api/alerts',
    select: () => ({ columns: 'a.*', from: 'alert_current a' }),
    key: [column('at_ms', 'number'), column('gateway', 'text'), column('boot', 'text'), column('n', 'number')],
    newestFirst: true,
    filters: {
      gateway: 'gateway = @gateway',
      machine: 'machine = @machine',
      type: 'type = @type',
      state: 'state = @state',
      open: `(transition NOT IN ('closed', 'removed')) = (@open = 'true')`,
      from: 'at_ms >= @from',
      to: 'at_ms < @to',
    },
    shape: (row) => ({
      gateway: row['gateway'],
      machine: row['machine'],
      occurrence: row['occurrence'],
      type: row['type'],
      rule: row['rule'],
      signal: row['signal'],
      priority: row['priority'],
      transition: row['transition'],
      state: row['state'],
      onsetMs: row['onset_ms'],
      raisedMs: row['raised_ms'],
      clearedMs: row['cleared_ms'],
      atMs: row['at_ms'],
      cause: row['cause'],
      text: row['text'],
      evidence: json(row['evidence']),
      actor: row['actor'],
    }),
  },
  {
    path: '/api/events',
    select: () => ({ columns: 'e.*', from: 'record_event e' }),
    key: [column('at_ms', 'number'), column('gateway', 'text'), column('boot', 'text'), column('n', 'number')],
    newestFirst: true,
    filters: {
      gateway: 'gateway = @gateway',
      machine: 'machine = @machine',
      event: 'event = @event',
      from: 'at_ms >= @from',
      to: 'at_ms < @to',
    },
    shape: (row) => ({
      gateway: row['gateway'],
      boot: row['boot'],
      n: row['n'],
      machine: row['machine'],
      event: row['event'],
      phase: row['phase'],
      fromMs: row['from_ms'],
      atMs: row['at_ms'],
      data: json(row['data']),
    }),
  },
  {
    path: '/api/summaries',
    select: (query) => ({
      columns: `${bucketStart(query)} AS bucket_ms, gateway, machine, signal, sum(samples) AS samples, sum(good) AS good,
        sum(sum) AS sum, sum(integral) AS integral, sum(covered_s) AS covered_s, min(min) AS min, max(max) AS max,
        sum(counter_delta) AS delta, sum(counter_uncertainty) AS uncertainty, sum(counter_wraps) AS wraps,
        sum(counter_resets) AS resets`,
      from: 'summary',
      groupBy: `${bucketStart(query)}, gateway, machine, signal`,
    }),
    key: [
      { name: 'bucket_ms', type: 'number', expression: bucketStart },
      column('gateway', 'text'),
      column('machine', 'text'),
      column('signal', 'text'),
    ],
    newestFirst: false,
    filters: {
      gateway: 'gateway = @gateway',
      machine: 'machine = @machine',
      signal: 'signal = @signal',
      from: 'minute_ms >= @from',
      to: 'minute_ms < @to',
    },
    shape: (row) => ({
      bucketMs: row['bucket_ms'],
      gateway: row['gateway'],
      machine: row['machine'],
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
    path: '/api/states',
    select: (query) => ({
      columns: `${bucketStart(query)} AS bucket_ms, gateway, machine, json_group_array(json(seconds)) AS seconds,
        json_group_array(json(causes)) AS causes`,
      from: 'state_summary',
      groupBy: `${bucketStart(query)}, gateway, machine`,
    }),
    key: [
      { name: 'bucket_ms', type: 'number', expression: bucketStart },
      column('gateway', 'text'),
      column('machine', 'text'),
    ],
    newestFirst: false,
    filters: {
      gateway: 'gateway = @gateway',
      machine: 'machine = @machine',
      from: 'minute_ms >= @from',
      to: 'minute_ms < @to',
    },
    shape: (row) => ({
      bucketMs: row['bucket_ms'],
      gateway: row['gateway'],
      machine: row['machine'],
      seconds: total(row['seconds'] ?? null),
      causes: total(row['causes'] ?? null),
    }),
  },
];

/** Adds up a JSON array of objects of numbers. */
function total(text: string | number | null): Record<string, number> {
  const parts = z.array(z.record(z.string(), z.number())).parse(json(text));
  const sums: Record<string, number> = {};
  for (const part of parts) {
    for (const [key, seconds] of Object.entries(part)) sums[key] = (sums[key] ?? 0) + seconds;
  }
  return sums;
}

function encodeCursor(values: readonly Scalar[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

function decodeCursor(text: string, key: List['key']): readonly Scalar[] | null {
  try {
    const values = z.array(z.union([z.string(), z.number()])).parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    const fits = key.every(({ type }, at) => typeof values[at] === (type === 'text' ? 'string' : 'number'));
    return fits && values.length === key.length ? values : null;
  } catch {
    return null;
  }
}

/** Adds every list route to `app`; `db` is only read. */
export function listRoutes(app: FastifyInstance, db: Database.Database): void {
  for (const list of lists) {
    app.get(list.path, async (request, reply) => {
      const parsed = query.safeParse(request.query);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        return reply.code(400).send({ error: `${issue?.path.join('.') ?? 'query'}: ${issue?.message ?? 'not usable'}` });
      }
      const unused = Object.keys(parsed.data).find(
        (name) => !(name in list.filters) && !['limit', 'cursor', 'bucket'].includes(name),
      );
      if (unused !== undefined) return reply.code(400).send({ error: `${unused}: this list has no such filter` });
      const page = readPage(db, list, parsed.data);
      return page ?? reply.code(400).send({ error: 'cursor: not one this list gave out' });
    });
  }
}

function readPage(db: Database.Database, list: List, query: Query): { items: unknown[]; next: string | null } | null {
  const { columns, from, groupBy } = list.select(query);
  const conditions: string[] = [];
  const values: Record<string, Scalar> = { limit: query.limit + 1 };
  for (const [name, condition] of Object.entries(list.filters)) {
    const value = query[name as keyof Query];
    if (value === undefined) continue;
    conditions.push(condition);
    values[name] = value;
  }
  const keys = list.key.map(({ expression }) => expression(query));
  if (query.cursor !== undefined) {
    const after = decodeCursor(query.cursor, list.key);
    if (after === null) return null;
    for (const [at, value] of after.entries()) values[`k${at}`] = value;
    conditions.push(`(${keys.join(', ')}) ${list.newestFirst ? '<' : '>'} (${keys.map((_, at) => `@k${at}`).join(', ')})`);
    // The same bound in a form an index on the first column serves.
    if (groupBy !== undefined) conditions.push('minute_ms >= @k0');
  }
  const direction = list.newestFirst ? ' DESC' : '';
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const group = groupBy === undefined ? '' : `GROUP BY ${groupBy}`;
  const order = keys.map((key) => key + direction).join(', ');
  const sql = `SELECT ${columns} FROM ${from} ${where} ${group} ORDER BY ${order} LIMIT @limit`;
  const rows = db.prepare<Record<string, Scalar>, Row>(sql).all(values);
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map((row) => list.shape(row)),
    next: last === undefined ? null : encodeCursor(list.key.map(({ name }) => last[name] ?? '')),
  };
}
