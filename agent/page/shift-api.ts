/** The operations of the view Shift. */
import { z } from 'zod';
import { machineStates } from '../../cloud-bridge/contract.ts';
import type { Operation } from './operation.ts';
import type { ShiftView } from './shift.ts';
import { ms, queryMs } from './views.ts';

const amount = z.number().min(0);
const span = z.strictObject({
  name: z.string().nullable().describe('null: the day of the site, which has no calendar then'),
  fromMs: ms,
  toMs: ms,
});
const query = z.strictObject({ at: queryMs.optional().describe('A moment of the shift; absent: now') });

export const shiftOperations = {
  shift: {
    method: 'GET',
    path: '/api/shift',
    summary:
      'A shift of the calendar, the one that runs or ran last without `at`: of each machine seconds by state, stops by cause, what its ' +
      'counters went on by, and defects of its cloth. isWhole false: not all is added up yet, ask again. Made at most every few seconds',
    access: 'viewer',
    touches: false,
    query,
    response: z.strictObject({
      shift: span,
      previous: span.nullable(),
      next: span.nullable().describe('null: it has not begun, or there is none'),
      toldToMs: ms.describe('The end of the shift, or now'),
      isWhole: z.boolean(),
      machines: z
        .array(
          z.strictObject({
            machine: z.string(),
            seconds: z
              .partialRecord(z.enum(machineStates), amount)
              .describe('UNKNOWN: no minute tells, or the state was not known'),
            cutS: amount.describe(
              'Of UNKNOWN: in hours that are kept as a whole and of which a part lies in another shift',
            ),
            stops: z
              .array(
                z.strictObject({
                  cause: z.string().nullable().describe('null: the machine did not tell'),
                  seconds: amount,
                  times: z.number().nullable().describe('null: too much happened to count'),
                }),
              )
              .readonly(),
            counters: z
              .array(
                z.strictObject({
                  signal: z.string(),
                  unit: z.string(),
                  delta: z.number(),
                  uncertainty: z.number(),
                }),
              )
              .readonly(),
            defects: z
              .strictObject({
                found: z.number().nullable().describe('null: too much happened to count'),
                metres: amount.nullable().describe('Looked at, whole width; null: none'),
                per100m: amount.nullable().describe('null: no metre was looked at'),
              })
              .nullable()
              .describe('null: no eye looks at it'),
          }),
        )
        .readonly(),
    }) satisfies z.ZodType<ShiftView>,
  },
  shiftCsv: {
    method: 'GET',
    path: '/api/shift.csv',
    summary:
      'The same as a table, one line a figure. Times in UTC and of the site. 503: not all is added up yet, ask again',
    access: 'viewer',
    touches: true,
    query,
    response: { media: 'text/csv' },
  },
} as const satisfies Record<string, Operation>;
