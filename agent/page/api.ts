/**
 * The page's API as one table: every route, who may use it, what it takes and gives. The server registers its routes from
 * this table and `/api/openapi.json` is made from it (`openapi.ts`), so the two cannot differ. Each area has its operations
 * in a file of its own, beside the one with its handlers.
 */
import { z } from 'zod';
import { alertStates, stateSummaryRecord, summaryRecord } from '../../cloud-bridge/contract.ts';
import { alertOperations } from './alerts-api.ts';
import { certificateOperations } from './certificate-api.ts';
import { clothOperations } from './cloth-api.ts';
import { needleCaseOperations } from './needle-cases-api.ts';
import { list, ofOccurrence, paging, type Operation } from './operation.ts';
import { peopleOperations } from './people-api.ts';
import { runbookOperations } from './runbooks-api.ts';
import { shiftOperations } from './shift-api.ts';
import { soundOperations } from './sound-api.ts';
import { userName } from './users.ts';
import { alertView, machineView, ms, queryMs, sessionView, streamCounts, uplinkView } from './views.ts';
import { viewsOperations } from './views-api.ts';
import { writeOperations } from './writes-api.ts';

export const operations = {
  openapi: {
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This document',
    access: 'viewer',
    touches: true,
    response: z.looseObject({}),
  },
  session: {
    method: 'GET',
    path: '/api/session',
    summary: 'Who is signed in. 401 without a session; its body says whether the page still has to be set up',
    access: 'public',
    touches: true,
    response: sessionView,
  },
  setup: {
    method: 'POST',
    path: '/api/session/setup',
    summary: 'Makes the first admin with the token of the set-up link, and signs in',
    access: 'public',
    touches: true,
    body: z.strictObject({ token: z.string().min(20).max(100), name: userName, password: z.string().max(1000) }),
    response: sessionView,
  },
  login: {
    method: 'POST',
    path: '/api/session/login',
    summary: 'Signs in',
    access: 'public',
    touches: true,
    body: z.strictObject({ name: z.string().min(1).max(100), password: z.string().max(1000) }),
    response: sessionView,
  },
  logout: {
    method: 'POST',
    path: '/api/session/logout',
    summary: 'Signs out',
    access: 'viewer',
    touches: true,
    response: z.strictObject({ ok: z.literal(true) }),
  },
  machines: {
    method: 'GET',
    path: '/api/machines',
    summary: 'Every machine with its state and last readings',
    access: 'viewer',
    touches: true,
    response: list(machineView),
  },
  alerts: {
    method: 'GET',
    path: '/api/alerts',
    summary: 'Occurrences as they stand. state=open (default): not closed; all; or one ISA-18.2 state (normal: closed)',
    access: 'viewer',
    touches: false,
    query: z.strictObject({
      state: z.enum(['open', 'all', ...alertStates]).default('open'),
      machine: z.string().max(40).optional(),
      ...paging,
    }),
    response: list(alertView),
  },
  ack: {
    method: 'POST',
    path: '/api/alerts/:occurrence/ack',
    summary:
      'Acknowledges an occurrence; a latched one, whose condition is over, closes by it, even when it was acknowledged before. ' +
      '404: unknown; 409: it does not wait for anybody',
    access: 'maintainer',
    touches: true,
    params: ofOccurrence,
    body: z.strictObject({ comment: z.string().trim().max(500).optional() }),
    response: z.strictObject({ ok: z.literal(true), occurrence: z.string() }),
  },
  crop: {
    method: 'GET',
    path: '/api/crops/:sha256',
    summary: 'The picture of a fault, which its alert names. 404: it is not here, or not here any more',
    access: 'viewer',
    touches: false,
    params: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
    response: { media: 'image/webp' },
  },
  summaries: {
    method: 'GET',
    path: '/api/summaries',
    summary:
      'Minute partials of minutes that start in [from, to), oldest first; within a minute by machine, seconds by state before ' +
      'signals by name. Without from: the last hour. With signal no seconds by state. A page may be short and have a next',
    access: 'viewer',
    touches: true,
    query: z.strictObject({
      machine: z.string().max(40).optional(),
      signal: z.string().max(100).optional(),
      from: queryMs.optional(),
      to: queryMs.optional(),
      ...paging,
    }),
    response: list(z.discriminatedUnion('kind', [summaryRecord, stateSummaryRecord])),
  },
  trend: {
    method: 'GET',
    path: '/api/trend',
    summary: 'Points of one signal, thinned to about `points` without losing peaks; null breaks the line',
    access: 'viewer',
    touches: false,
    query: z.strictObject({
      machine: z.string().min(1).max(40),
      signal: z.string().min(1).max(100),
      from: queryMs,
      to: queryMs,
      points: z.coerce.number().int().min(10).max(5000).default(600),
    }),
    response: z.strictObject({ t: z.array(ms), v: z.array(z.number().nullable()) }),
  },
  health: {
    method: 'GET',
    path: '/api/health',
    summary: 'Health of the agent itself, its drivers, store and uplink, and of this page',
    access: 'viewer',
    touches: false,
    response: z.looseObject({ uplink: uplinkView, page: streamCounts }),
  },
  stream: {
    method: 'GET',
    path: '/api/stream',
    summary:
      'Server-sent events: snapshot, machine, machine-gone, alert, alert-gone, uplink, heartbeat. Last-Event-ID resumes',
    access: 'viewer',
    touches: false,
    query: z.strictObject({ from: z.string().max(100).optional().describe('As Last-Event-ID, for a new connection') }),
    response: 'event-stream',
  },
  ...alertOperations,
  ...certificateOperations,
  ...soundOperations,
  ...writeOperations,
  ...clothOperations,
  ...viewsOperations,
  ...shiftOperations,
  ...peopleOperations,
  ...runbookOperations,
  ...needleCaseOperations,
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

export const problemBody = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string() }),
  setupNeeded: z.boolean().optional(),
});
export type ProblemBody = z.infer<typeof problemBody>;
