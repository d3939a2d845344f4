/**
 * The list routes: `{items, next}`, newest or first key first, paged by key. `next` is the text to give as `cursor` for
 * the following page, or null at the end; rows that come in or change meanwhile neither repeat nor hide others. Only an alert of
 * which an earlier record arrives late moves to a later page.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Row, Scalar, StoreReader } from '../store/bridge-store.ts';
import { operations } from './operations.ts';
import { decodeCursor, encodeCursor, json, type KeyColumn } from './page.ts';
import { listRoute, type ListPage } from './paged.ts';

type Name = 'gateways' | 'machines' | 'alerts' | 'events';

interface List {
  readonly operation: Name;
  readonly columns: string;
  readonly from: string;
  /** Columns of the order, together unique. */
  readonly key: readonly KeyColumn[];
  readonly newestFirst: boolean;
  /** Query parameter → condition on `@parameter`. */
  readonly filters: Readonly<Record<string, string>>;
  readonly shape: (row: Row) => unknown;
}

interface Query extends Readonly<Record<string, Scalar | undefined>> {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const column = (name: string, type: 'text' | 'number', expression: string = name): KeyColumn => ({
  name,
  type,
  expression,
});
const recordKey = [column('at_ms', 'number'), column('gateway', 'text'), column('boot', 'text'), column('n', 'number')];

/** No gateway makes longer ids; one that did must not make cursors that are too long for everyone. */
const occurrenceKey = 'substr(occurrence, 1, 100)';

const lists: readonly List[] = [
  {
    operation: 'gateways',
    columns: `g.gateway, g.site, g.first_ms, g.last_ms, g.batches, g.forks,
        s.online, s.boot, s.connection, s.agent_version`,
    from: 'gateway g LEFT JOIN status s USING (gateway)',
    key: [column('gateway', 'text', 'g.gateway')],
    newestFirst: false,
    filters: { gateway: 'g.gateway = @gateway' },
    shape: (row) => ({
      gateway: row['gateway'],
      site: row['site'],
      online: Boolean(row['online']),
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
    operation: 'machines',
    columns: 'm.*',
    from: 'machine m',
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
    operation: 'alerts',
    columns: `a.*, ${occurrenceKey} AS occurrence_key`,
    from: 'alert_current a',
    // When it was first raised stays, whatever happens to it while somebody turns the pages.
    key: [
      column('first_raised_ms', 'number'),
      column('gateway', 'text'),
      column('occurrence_key', 'text', occurrenceKey),
    ],
    newestFirst: true,
    filters: {
      gateway: 'gateway = @gateway',
      machine: 'machine = @machine',
      type: 'type = @type',
      state: 'state = @state',
      // Spelled alike by both databases.
      incident: `evidence ->> 'incident' = @incident`,
      open: `(transition NOT IN ('closed', 'removed')) = (@open = 'true')`,
      from: 'at_ms >= @from',
      to: 'at_ms < @to',
    },
    shape: alertOf,
  },
  {
    operation: 'events',
    columns: 'e.*',
    from: 'record_event e',
    key: recordKey,
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
];

function alertOf(row: Row): Readonly<Record<string, unknown>> {
  const evidence = json(row['evidence']);
  const { incident } = z.object({ incident: z.string() }).safeParse(evidence).data ?? { incident: null };
  return {
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
    evidence,
    actor: row['actor'],
    incident,
  };
}

/** Adds every list route to `app`. */
export function listRoutes(app: FastifyInstance, store: StoreReader): void {
  for (const list of lists) listRoute(app, operations[list.operation], (query) => readPage(store, list, query));
}

async function readPage(store: StoreReader, list: List, query: Query): Promise<ListPage | null> {
  const conditions: string[] = [];
  const values: Record<string, Scalar> = { limit: query.limit + 1 };
  for (const [name, condition] of Object.entries(list.filters)) {
    const value = query[name];
    if (value === undefined) continue;
    conditions.push(condition);
    values[name] = value;
  }
  const keys = list.key.map(({ expression }) => expression);
  if (query.cursor !== undefined) {
    const after = decodeCursor(query.cursor, list.key);
    if (after === null) return null;
    for (const [at, value] of after.entries()) values[`k${at}`] = value;
    conditions.push(
      `(${keys.join(', ')}) ${list.newestFirst ? '<' : '>'} (${keys.map((_, at) => `@k${at}`).join(', ')})`,
    );
  }
  const direction = list.newestFirst ? ' DESC' : '';
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const order = keys.map((key) => key + direction).join(', ');
  const sql = `SELECT ${list.columns} FROM ${list.from} ${where} ORDER BY ${order} LIMIT @limit`;
  const rows = await store.rows(sql, values);
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map((row) => list.shape(row)),
    next: last === undefined ? null : encodeCursor(list.key, last),
  };
}
