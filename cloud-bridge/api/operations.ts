/**
 * The API as one table: every route, which scope of a key it needs, what it takes and gives. The server registers its
 * routes from this table and `/api/openapi.json` is made from it, so the two cannot differ.
 */
import { z } from 'zod';
import {
  alertRecord,
  commandKinds,
  evidenceData,
  eventRecord,
  machineRecord,
  machineStates,
  statusMessage,
} from '../contract.ts';
import { orderStates } from '../remote/desk.ts';
import { fleetItem } from './fleet-item.ts';
import { id, ms, pageQuery, word } from './page.ts';
import { problemBody } from './problem.ts';

/** What a key may be allowed to do. */
export const scopes = {
  read: 'Everything that gateways have sent, and the health of the bridge',
  metrics: 'Counters of the bridge and its gateways, for Prometheus',
  command: 'Commands to gateways, and what they answered',
} as const;
export type Scope = keyof typeof scopes;

export interface Operation {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope;
  /** The `:names` of the path. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly response: z.ZodType | 'prometheus' | 'file';
}

const utcMs = z.int().describe('UTC milliseconds');
const count = z.int().min(0);
const list = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe('cursor= of the next page; null: the last'),
  });
const from = ms.optional().describe('UTC milliseconds, from there on');
const to = ms.optional().describe('UTC milliseconds, before it');
const bucket = z.enum(['minute', 'hour']).default('minute');
const series = { gateway: id.optional(), machine: id.optional() };

const gatewayView = z.strictObject({
  gateway: z.string(),
  site: z.string(),
  online: z.boolean().describe('Its newest status is a birth'),
  boot: statusMessage.shape.boot.nullable(),
  connection: z.int().nullable(),
  agentVersion: z.string().nullable(),
  firstMs: utcMs,
  lastMs: utcMs.describe('When anything of it was stored last, UTC milliseconds'),
  batches: count,
  forks: count.describe('Boots shared by cloned or restored gateways'),
});
const machineView = z.strictObject({
  gateway: z.string(),
  machine: z.string(),
  kind: machineRecord.shape.machineKind,
  profile: z.string(),
  profileVersion: z.int(),
  line: z.string().nullable(),
  station: z.string().nullable(),
  atMs: utcMs,
  identification: machineRecord.shape.identification,
  signals: machineRecord.shape.signals,
});
const { n: _n, v: _v, kind: _kind, ...alertFields } = alertRecord.shape;
const alertView = z.strictObject({
  gateway: z.string(),
  ...alertFields,
  incident: z
    .string()
    .nullable()
    .describe('Of its evidence: alerts of one machine with the same are about one needle; null: it belongs to none'),
});
const { v: _eventV, kind: _eventKind, ...eventFields } = eventRecord.shape;
const eventView = z.strictObject({ gateway: z.string(), boot: statusMessage.shape.boot, ...eventFields });
const bucketKey = {
  bucketMs: utcMs.describe('Start of the minute or hour'),
  gateway: z.string(),
  machine: z.string(),
};
const summaryView = z.strictObject({
  ...bucketKey,
  signal: z.string(),
  samples: count,
  good: count,
  sum: z.number(),
  integral: z.number().describe('Σ value × seconds held, over the covered seconds'),
  coveredS: z.number().min(0),
  min: z.number().nullable(),
  max: z.number().nullable(),
  counter: z
    .strictObject({ delta: z.number(), uncertainty: z.number(), wraps: z.int(), resets: z.int() })
    .nullable()
    .describe('What it counted; the truth lies in delta − uncertainty .. delta + uncertainty'),
});
const stateView = z.strictObject({
  ...bucketKey,
  seconds: z.partialRecord(z.enum(machineStates), z.number()),
  causes: z.record(z.string(), z.number()),
});
const ofStore = count.nullable().describe('null: the store cannot be asked at present');
const health = z.strictObject({
  ok: z.boolean().describe('false: batches cannot be stored, or the broker is away'),
  nowMs: utcMs,
  broker: z.strictObject({ connected: z.boolean(), detail: z.string() }),
  store: z.strictObject({
    writable: z.boolean(),
    setAside: z.string().nullable().describe('A damaged database that was set aside at this start'),
    saved: z
      .strictObject({ rows: count, incomplete: z.array(z.string()).readonly(), forgotten: count.nullable() })
      .nullable(),
  }),
  waiting: count.describe('Batches that wait to be stored'),
  gateways: ofStore,
  online: ofStore,
  batches: ofStore,
  repeats: ofStore,
  forks: ofStore,
});
export type HealthView = z.infer<typeof health>;

const commandView = z.strictObject({
  gateway: z.string(),
  id: z.string(),
  counter: z.int(),
  kind: z.string(),
  body: z.looseObject({}),
  by: z.string().describe('Name of the API key it was asked with'),
  atMs: utcMs,
  notAfterMs: utcMs.describe('Not carried out later than this, by the clock of the gateway'),
  state: z
    .enum(orderStates)
    .describe('expired: its time is over and there is no answer; one that comes late still counts'),
  code: z.string().nullable().describe('What docs/CONTRACT.md lists; null: nothing to add'),
  result: z.looseObject({}).nullable().describe('null: no answer, or an old one'),
  answeredMs: utcMs.nullable(),
});
export type CommandView = z.infer<typeof commandView>;

export const operations = {
  openapi: {
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This document',
    scope: 'read',
    response: z.looseObject({}),
  },
  health: {
    method: 'GET',
    path: '/api/health',
    summary: 'The bridge about itself',
    scope: 'read',
    response: health,
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus text format 0.0.4',
    scope: 'metrics',
    response: 'prometheus',
  },
  gateways: {
    method: 'GET',
    path: '/api/gateways',
    summary: 'Gateways that were heard at least once, by id',
    scope: 'read',
    query: pageQuery.extend({ gateway: id.optional() }),
    response: list(gatewayView),
  },
  fleet: {
    method: 'GET',
    path: '/api/fleet',
    summary: 'How each gateway is, by its id: connected or not, how fresh, how many open alerts',
    scope: 'read',
    query: pageQuery.extend({ limit: ms.min(1).max(200).default(100), gateway: id.optional() }),
    response: list(fleetItem).extend({
      nowMs: utcMs.describe('The clock of the bridge'),
      brokerConnected: z.boolean().describe('false: nothing can arrive, and what is shown may have changed'),
      storeWritable: z.boolean().describe('false: what arrives cannot be stored'),
    }),
  },
  machines: {
    method: 'GET',
    path: '/api/machines',
    summary: 'The newest description of each machine, by gateway and machine',
    scope: 'read',
    query: pageQuery.extend(series),
    response: list(machineView),
  },
  alerts: {
    method: 'GET',
    path: '/api/alerts',
    summary:
      'Occurrences as they stand now, by when they were first raised, newest first. open=true: not closed and not removed; from and to are of the last change',
    scope: 'read',
    query: pageQuery.extend({
      ...series,
      type: word.optional(),
      state: word.optional(),
      incident: word.optional(),
      open: z.enum(['true', 'false']).optional(),
      from,
      to,
    }),
    response: list(alertView),
  },
  events: {
    method: 'GET',
    path: '/api/events',
    summary: 'Events, newest first',
    scope: 'read',
    query: pageQuery.extend({ ...series, event: word.optional(), from, to }),
    response: list(eventView),
  },
  evidence: {
    method: 'GET',
    path: '/api/evidence/:gateway/:sha256',
    summary:
      'A file that an event `evidence` names by its hash. 404 while not all of it is there. The event says what it is; here it is bytes to be saved',
    scope: 'read',
    params: z.strictObject({ gateway: id, sha256: evidenceData.shape.sha256 }),
    response: 'file',
  },
  summaries: {
    method: 'GET',
    path: '/api/summaries',
    summary:
      'Sums of each signal by minute or hour, oldest first. mean = sum / good, time-weighted mean = integral / coveredS',
    scope: 'read',
    query: pageQuery.extend({ ...series, signal: word.optional(), from, to, bucket }),
    response: list(summaryView),
  },
  states: {
    method: 'GET',
    path: '/api/states',
    summary: 'Seconds by state and by stop cause of each machine, by minute or hour, oldest first',
    scope: 'read',
    query: pageQuery.extend({ ...series, from, to, bucket }),
    response: list(stateView),
  },
  commands: {
    method: 'GET',
    path: '/api/commands',
    summary: 'Commands, newest first',
    scope: 'command',
    query: pageQuery.extend({ gateway: id.optional(), id: id.optional() }),
    response: list(commandView),
  },
  command: {
    method: 'POST',
    path: '/api/gateways/:gateway/commands',
    summary: 'Sends a command to a gateway that is connected. Answers with how it stands, at once or after waitS',
    scope: 'command',
    params: z.strictObject({ gateway: id }),
    body: z.strictObject({
      kind: z.enum(commandKinds),
      body: z.record(z.string(), z.unknown()).default({}).describe('As docs/CONTRACT.md lists, without by'),
      withinS: z.int().min(5).max(3600).default(120).describe('Carried out within this time or not at all'),
      waitS: z.number().min(0).max(20).default(0).describe('Answer when the gateway has, or after this time'),
    }),
    response: commandView,
  },
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
};
const json = (schema: object) => ({ 'application/json': { schema } });

function parametersOf(schema: z.ZodObject | undefined, where: 'query' | 'path'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input');
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: property,
  }));
}

function contentOf(response: Operation['response']): object {
  if (response === 'prometheus') return { 'text/plain': { schema: { type: 'string' } } };
  if (response === 'file')
    return { 'application/octet-stream': { schema: { type: 'string', contentMediaType: 'application/octet-stream' } } };
  return json(jsonSchema(response, 'output'));
}

/** OpenAPI 3.1 of the table. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  const problem = { description: 'Refused', content: json({ $ref: '#/components/schemas/Problem' }) };
  for (const [operationId, operation] of Object.entries<Operation>(operations)) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = {
      operationId,
      summary: operation.summary,
      description: `Needs a key with the scope ${operation.scope}.`,
      security: [{ key: [] }],
      parameters: [...parametersOf(operation.params, 'path'), ...parametersOf(operation.query, 'query')],
      ...(operation.body === undefined
        ? {}
        : { requestBody: { required: true, content: json(jsonSchema(operation.body, 'input')) } }),
      responses: { '200': { description: 'Done', content: contentOf(operation.response) }, default: problem },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Selvedge bridge',
      version: '1',
      description: 'What gateways have sent. Times are UTC milliseconds; lists are {items, next}, paged by key.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemBody, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key' } },
    },
  };
}
