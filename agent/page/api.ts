/**
 * The page's API as one table: every route, who may use it, what it takes and gives. The server registers its routes from
 * this table and `/api/openapi.json` is made from it (`openapi.ts`), so the two cannot differ.
 */
import { z } from 'zod';
import { alertStates, stateSummaryRecord, summaryRecord } from '../../cloud-bridge/contract.ts';
import { rollMapSchema } from '../../models/vision/roll-map.ts';
import { rollIdSchema } from '../rolls/requests.ts';
import { mostCause, saidWords } from '../senses/ear/labels.ts';
import { defaultSamples, leastSamples, mostSamples } from '../senses/ear/settings.ts';
import { mediaTypes, type RollFormat } from '../rolls/show.ts';
import { userName, type Role } from './users.ts';
import {
  alertView,
  clothView,
  machineView,
  ms,
  queryMs,
  rollView,
  sessionView,
  setPointValue,
  setPointView,
  soundView,
  streamCounts,
  uplinkView,
  writeView,
} from './views.ts';

const list = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable().describe('Cursor of the next page') });
const paging = {
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(200).optional(),
};

export interface Operation {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  /** The least role that may use it; `public` routes answer without a session and hold no data of the floor. */
  readonly access: 'public' | Role;
  /** false: does not start the idle time of the session anew (it runs without anybody being there). */
  readonly touches: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** A file has its media type. */
  readonly response: z.ZodType | 'event-stream' | { readonly media: string };
}

const ofOccurrence = z.strictObject({ occurrence: z.string().min(1).max(200) });
const ofMachine = z.strictObject({ machine: z.string().min(1).max(40) });
const mapQuery = z.strictObject({
  roll: z.string().min(1).max(60).optional().describe('Id or number; absent: the newest'),
});
/** The map of a roll in one of its formats. */
const rollMap = <F extends RollFormat, R extends Operation['response']>(format: F, what: string, response: R) =>
  ({
    method: 'GET',
    path: `/api/machines/:machine/roll-map.${format}`,
    summary: `${what} 404: there is no such roll`,
    access: 'viewer',
    touches: true,
    params: ofMachine,
    query: mapQuery,
    response,
  }) as const;

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
  labelSound: {
    method: 'POST',
    path: '/api/alerts/:occurrence/label',
    summary:
      'Says of an alert of the ear, open or closed, that it was a false alarm, or real and what it was. It moves the threshold of that ' +
      'machine, by three spreads at most with all that was said, and never past a real fault. The last that is said of an alert counts; ' +
      'the same again changes nothing. 404: no such alert of the ear; 409: it does not say by what it was told, or there are too many',
    access: 'maintainer',
    touches: true,
    params: ofOccurrence,
    body: z.strictObject({ said: z.enum(saidWords), cause: z.string().trim().max(mostCause).optional() }),
    response: soundView,
  },
  unlabelSound: {
    method: 'POST',
    path: '/api/alerts/:occurrence/label/take-back',
    summary:
      'Takes back what was said of an alert of the ear, and what it moved. 404: no such alert; 409: nothing was said of it',
    access: 'maintainer',
    touches: true,
    params: ofOccurrence,
    body: z.strictObject({}),
    response: soundView,
  },
  sound: {
    method: 'GET',
    path: '/api/machines/:machine/sound',
    summary:
      'What the ear knows of a machine, what is being taught, and what staff said. 404: no microphone hears that machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: soundView,
  },
  teachSound: {
    method: 'POST',
    path: '/api/machines/:machine/sound/teach',
    summary:
      'Begins to enrol a machine by the sound of it running well, so many samples of four seconds a speed. ' +
      '404: no microphone hears that machine; 409: it is being enrolled already',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({ samples: z.int().min(leastSamples).max(mostSamples).default(defaultSamples) }),
    response: soundView,
  },
  stopTeachingSound: {
    method: 'POST',
    path: '/api/machines/:machine/sound/teach/cancel',
    summary: 'Stops it. 409: that machine is not being enrolled',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: soundView,
  },
  setPoints: {
    method: 'GET',
    path: '/api/machines/:machine/set-points',
    summary: 'What may be written to a machine, with what it has now. 403: writing is off for it',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ machine: z.string().min(1).max(40) }),
    response: list(setPointView),
  },
  proposeWrite: {
    method: 'POST',
    path: '/api/machines/:machine/writes',
    summary:
      'Proposes a write. Nothing is sent before it is confirmed, within 60 s. 403: writing is off for the machine',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ machine: z.string().min(1).max(40) }),
    body: z.strictObject({
      setPoint: z.string().min(1).max(200),
      value: setPointValue,
      reason: z.string().trim().min(1).max(500),
    }),
    response: writeView,
  },
  confirmWrite: {
    method: 'POST',
    path: '/api/writes/:write/confirm',
    summary:
      'Sends a proposed write, once: the value said again, and the own password. Answers when its outcome is known, or known to be unknown',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ write: z.string().min(1).max(64) }),
    body: z.strictObject({ value: setPointValue, password: z.string().max(1000) }),
    response: writeView,
  },
  dropWrite: {
    method: 'POST',
    path: '/api/writes/:write/drop',
    summary: 'Takes a proposal back',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ write: z.string().min(1).max(64) }),
    response: writeView,
  },
  writes: {
    method: 'GET',
    path: '/api/writes',
    summary: 'Every write and proposal as it stands, newest first, out of the audit',
    access: 'viewer',
    touches: false,
    query: z.strictObject({ ...paging }),
    response: list(writeView),
  },
  rolls: {
    method: 'GET',
    path: '/api/machines/:machine/rolls',
    summary: 'Rolls of a machine with an eye, the newest first; the first is the one on the machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: list(rollView),
  },
  beginRoll: {
    method: 'POST',
    path: '/api/machines/:machine/rolls',
    summary: 'Says that the cloth was cut and a roll begins. 404: no eye looks at that machine',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({ id: rollIdSchema.optional().describe('Absent: its number') }),
    response: z.strictObject({ number: z.int(), id: z.string() }),
  },
  cloth: {
    method: 'GET',
    path: '/api/machines/:machine/cloth',
    summary: 'The cloth that is configured, and what the eye knows of it. 404: no eye looks at that machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: clothView,
  },
  teachCloth: {
    method: 'POST',
    path: '/api/machines/:machine/cloth/teach',
    summary:
      'Begins to teach the eye the cloth that is configured, from its camera: only good cloth must be running. ' +
      '404: no eye looks at that machine; 409: a cloth is being taught on this gateway already',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: clothView,
  },
  stopTeaching: {
    method: 'POST',
    path: '/api/machines/:machine/cloth/teach/cancel',
    summary: 'Stops it. 409: no cloth is being taught at that machine',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: clothView,
  },
  rollMap: rollMap(
    'json',
    'Every fault of a roll along its metres, what was not looked at, and its score.',
    rollMapSchema,
  ),
  rollMapCsv: rollMap('csv', 'The same as a table.', { media: mediaTypes.csv }),
  rollMapSvg: rollMap('svg', 'The same as a drawing.', { media: mediaTypes.svg }),
  rollMapPng: rollMap('png', 'The same as a picture.', { media: mediaTypes.png }),
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
    summary: 'Health of the agent itself, its uplink and this page',
    access: 'viewer',
    touches: true,
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
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

export const problemBody = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string() }),
  setupNeeded: z.boolean().optional(),
});
export type ProblemBody = z.infer<typeof problemBody>;
