/** The operations of the views Floor, Machine and Health. */
import { z } from 'zod';
import { machineStates } from '../../cloud-bridge/contract.ts';
import type { Report } from '../doctor/report.ts';
import type { Today } from '../store/history.ts';
import type { Band, Stops, Timeline } from '../store/view-sums.ts';
import { list, ofMachine, type Operation } from './operation.ts';
import { ms, queryMs } from './views.ts';

const seconds = z.number().min(0);
const secondsByState = z.partialRecord(z.enum(machineStates), seconds);
const span = { from: queryMs, to: queryMs };

export const viewsOperations = {
  today: {
    method: 'GET',
    path: '/api/today',
    summary:
      'Of each machine since the midnight of the site: what its counters went on by, seconds by state, readings and how many were ' +
      'good. isWhole false: not all is added up yet, ask again. Made at most every few seconds',
    access: 'viewer',
    touches: false,
    response: z.strictObject({
      fromMs: ms,
      toMs: ms,
      isWhole: z.boolean(),
      machines: z
        .array(
          z.strictObject({
            machine: z.string(),
            counters: z
              .array(z.strictObject({ signal: z.string(), delta: z.number(), uncertainty: z.number() }))
              .readonly(),
            seconds: secondsByState,
            unknownS: seconds.describe('No minute tells, or the state was not known'),
            samples: z.number(),
            good: z.number(),
          }),
        )
        .readonly(),
    }) satisfies z.ZodType<Today>,
  },
  band: {
    method: 'GET',
    path: '/api/machines/:machine/band',
    summary:
      'Lowest, mean and highest of a signal in steps of time, at most `points`: from single readings for some hours of the ring, ' +
      'from minutes for longer. null: no good value. A span of 31 days at most',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    query: z.strictObject({
      signal: z.string().min(1).max(100),
      ...span,
      points: z.coerce.number().int().min(10).max(2000).default(600),
    }),
    response: z.strictObject({
      source: z.enum(['ring', 'minutes']),
      stepMs: z.number(),
      t: z.array(ms).readonly(),
      low: z.array(z.number().nullable()).readonly(),
      mean: z.array(z.number().nullable()).readonly(),
      high: z.array(z.number().nullable()).readonly(),
    }) satisfies z.ZodType<Band>,
  },
  timeline: {
    method: 'GET',
    path: '/api/machines/:machine/timeline',
    summary: 'Seconds by state in steps of time. A span of 31 days at most',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    query: z.strictObject({ ...span, steps: z.coerce.number().int().min(1).max(1000).default(288) }),
    response: z.strictObject({
      stepMs: z.number(),
      toMs: ms.describe('Later minutes are not closed yet'),
      steps: z.array(z.strictObject({ atMs: ms, seconds: secondsByState, unknownS: seconds })).readonly(),
    }) satisfies z.ZodType<Timeline>,
  },
  stops: {
    method: 'GET',
    path: '/api/machines/:machine/stops',
    summary: 'How long and how often a machine stood, by cause, the longest first. A span of 31 days at most',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    query: z.strictObject(span),
    response: z.strictObject({
      fromMs: ms,
      toMs: ms,
      stops: z
        .array(
          z.strictObject({
            cause: z.string().nullable().describe('null: the machine did not tell'),
            seconds,
            count: z.number(),
          }),
        )
        .readonly(),
      runS: seconds,
      idleS: seconds.describe('Idle without a cause'),
      unknownS: seconds.describe('Offline, unknown, or no minute tells'),
    }) satisfies z.ZodType<Stops>,
  },
  exportCsv: {
    method: 'GET',
    path: '/api/machines/:machine/export.csv',
    summary:
      'Minutes of a signal as a table; without signal the seconds by state. Times in UTC and of the site. A span of 31 days at most',
    access: 'viewer',
    touches: true,
    params: ofMachine,
    query: z.strictObject({ signal: z.string().min(1).max(100).optional(), ...span }),
    response: { media: 'text/csv' },
  },
  doctor: {
    method: 'GET',
    path: '/api/doctor',
    summary:
      'What `selvedge doctor` says of this gateway, beside the running agent: machines it reads are left alone. Made at most once ' +
      'a minute. 503: it gave no answer',
    access: 'maintainer',
    touches: true,
    response: z.strictObject({
      atMs: ms,
      ...list(z.strictObject({ id: z.string(), ok: z.boolean(), detail: z.string(), cure: z.string().nullable() }))
        .shape,
    }),
  },
} as const satisfies Record<string, Operation>;

/** When the doctor looked, and what it found. */
export interface Examined {
  readonly atMs: number;
  readonly report: Report;
}
