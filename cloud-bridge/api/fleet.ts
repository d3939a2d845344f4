/**
 * How each gateway is, for the fleet page: connected or not, how fresh, how many alerts. A page of gateways costs what those on
 * it cost, each a few look-ups in indexes; no history is gone through, however long it is.
 */
import type { FastifyInstance } from 'fastify';
import type { Row, Scalar } from '../store/bridge-store.ts';
import type { FleetItem } from './fleet-item.ts';
import { operations } from './operations.ts';
import { decodeCursor, encodeCursor, type KeyColumn } from './page.ts';
import { listRoute } from './paged.ts';
import type { ApiParts } from './parts.ts';

const key: readonly KeyColumn[] = [{ name: 'gateway', expression: 'g.gateway', type: 'text' }];

/** The boot whose batch is the newest: mostly that of the connection or the one before it; else all the gateway's are looked at. */
const dataBoot = `coalesce(
    (SELECT b.boot FROM boot b WHERE b.gateway = g.gateway AND b.boot = s.boot AND b.sealed_ms IS NOT NULL),
    (SELECT b.boot FROM boot b WHERE b.gateway = g.gateway AND b.boot = s.previous_boot AND b.sealed_ms IS NOT NULL),
    (SELECT b.boot FROM boot b WHERE b.gateway = g.gateway AND b.sealed_ms IS NOT NULL
      ORDER BY b.generation DESC, b.last_ms DESC, b.boot DESC LIMIT 1))`;

const pageSql = (where: string) => `
  SELECT p.*, t.clock, t.sealed_ms AS made_ms, t.received_ms AS data_ms,
    (SELECT max(l.to_n) - sum(l.to_n - l.from_n + 1) FROM ledger l WHERE l.gateway = p.gateway AND l.boot = p.data_boot)
      AS missing
  FROM (
    SELECT g.gateway, g.site, g.last_ms, g.forks, s.online, s.received_ms AS status_ms, s.agent_version, ${dataBoot} AS data_boot
    FROM gateway g LEFT JOIN status s ON s.gateway = g.gateway ${where} ORDER BY g.gateway LIMIT @limit
  ) AS p
  LEFT JOIN batch t ON t.gateway = p.gateway AND t.boot = p.data_boot
    AND t.seq = (SELECT max(l.seq) FROM batch l WHERE l.gateway = p.gateway AND l.boot = p.data_boot)
  ORDER BY p.gateway`;

const alertsSql = `SELECT gateway, priority, state, count(*) AS n FROM alert_open
  WHERE gateway >= @first AND gateway <= @last GROUP BY gateway, priority, state`;

/** States in which somebody has decided that an alert shall not call. */
const silenced: ReadonlySet<unknown> = new Set(['shelved', 'suppressed-by-design', 'out-of-service']);

/** Adds the route to `app`. */
export function fleetRoute(
  app: FastifyInstance,
  {
    store,
    link,
    metrics,
    nowMs,
    mayConnect = () => true,
  }: Pick<ApiParts, 'store' | 'link' | 'metrics' | 'nowMs' | 'mayConnect'>,
): void {
  listRoute(app, operations.fleet, async ({ gateway, limit, cursor }) => {
    const after = cursor === undefined ? null : decodeCursor(cursor, key);
    if (cursor !== undefined && after === null) return null;
    const values: Record<string, Scalar> = { limit: limit + 1, after: after?.[0] ?? '' };
    if (gateway !== undefined) values['gateway'] = gateway;
    const where = `WHERE g.gateway > @after${gateway === undefined ? '' : ' AND g.gateway = @gateway'}`;
    const found = await store.rows(pageSql(where), values);
    const page = found.slice(0, limit);
    const [first, last] = [page[0], page.at(-1)];
    const alerts =
      first === undefined || last === undefined
        ? []
        : await store.rows(alertsSql, { first: String(first['gateway']), last: String(last['gateway']) });
    const ofGateway = Map.groupBy(alerts, (row) => row['gateway']);
    return {
      items: page.map((row) => itemOf(row, ofGateway.get(row['gateway'] ?? null) ?? [], mayConnect)),
      next: found.length > limit && last !== undefined ? encodeCursor(key, last) : null,
      nowMs: nowMs(),
      brokerConnected: link.state().connected,
      storeWritable: !metrics.storeDown,
    };
  });
}

function itemOf(row: Row, alerts: readonly Row[], mayConnect: (gateway: string) => boolean): FleetItem {
  const count = (fits: (alert: Row) => boolean) => alerts.filter(fits).reduce((sum, { n }) => sum + Number(n), 0);
  const calling = (priority: string) => (alert: Row) => alert['priority'] === priority && !silenced.has(alert['state']);
  const data = row['data_ms'];
  return {
    gateway: String(row['gateway']),
    site: String(row['site']),
    // Who is connected may be: the registrations, which are files, are asked for the few others.
    mayConnect: Boolean(row['online']) || mayConnect(String(row['gateway'])),
    state: row['status_ms'] === null ? 'unknown' : row['online'] ? 'up' : 'down',
    statusMs: row['status_ms'] === null ? null : Number(row['status_ms']),
    heardMs: Number(row['last_ms']),
    data:
      typeof data !== 'number'
        ? null
        : {
            receivedMs: data,
            madeMs: Number(row['made_ms']),
            clock: String(row['clock']) as NonNullable<FleetItem['data']>['clock'],
          },
    agentVersion: row['agent_version'] === null ? null : String(row['agent_version']),
    missing: Number(row['missing'] ?? 0),
    forks: Number(row['forks']),
    alerts: {
      urgent: count(calling('urgent')),
      high: count(calling('high')),
      medium: count(calling('medium')),
      low: count(calling('low')),
      silenced: count((alert) => silenced.has(alert['state'])),
    },
  };
}
