/**
 * The shift calendar of a site, as it stands in the configuration. Times are wall-clock times of the site.
 *
 * Plans are dated: on each date the plan with the newest `validFrom` that is not after it holds; the plan without
 * `validFrom` holds before all others. A shift belongs to the date on which it starts, also when it ends the next day.
 */
import { z } from 'zod';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** True for a date of the years 2000 to 2199 written YYYY-MM-DD. */
export function isDate(text: string): boolean {
  if (!/^2[01]\d{2}-\d{2}-\d{2}$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text);
}

const live = { restart: false, remote: false, secret: false } as const;
const date = z.string().refine(isDate, { error: 'is not a date' });
const dateExpects = 'a date, YYYY-MM-DD';
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const timeExpects = 'a time of day, HH:MM';

const breakSchema = z.strictObject({
  from: time.meta({ description: 'Start of the break.', expects: timeExpects, ...live }),
  to: time.meta({ description: 'End of the break.', expects: timeExpects, ...live }),
});

const shiftSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .meta({
      description: 'Id of the shift.',
      expects: '1 to 40 of the characters a–z, 0–9 and -',
      examples: ['night'],
      ...live,
    }),
  name: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .meta({ description: 'Name for people. Absent: the id.', ...live }),
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .meta({ description: 'Weekdays on which the shift starts.', ...live }),
  from: time.meta({ description: 'Start of the shift.', expects: timeExpects, examples: ['22:00'], ...live }),
  to: time.meta({
    description: 'End of the shift. Not after `from`: it ends on the next day.',
    expects: timeExpects,
    examples: ['06:00'],
    ...live,
  }),
  breaks: z
    .array(breakSchema)
    .default([])
    .meta({
      description: 'Breaks inside the shift. Times before the start of an overnight shift are on the next day.',
      ...live,
    }),
});

const planSchema = z.strictObject({
  validFrom: date
    .optional()
    .meta({ description: 'First date of this plan. Absent: since always.', expects: dateExpects, ...live }),
  shifts: z.array(shiftSchema).meta({ description: 'Shifts of the plan; they must not overlap.', ...live }),
});

export const calendarSchema = z.strictObject({
  plans: z
    .array(planSchema)
    .min(1)
    .meta({ description: 'Shift plans, each from a date on.', ...live }),
  holidays: z
    .array(date.meta({ description: 'A date.', expects: dateExpects, ...live }))
    .default([])
    .meta({ description: 'Dates on which no shift starts.', ...live }),
});

type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
export type ShiftCalendar = DeepReadonly<z.output<typeof calendarSchema>>;
export type ShiftPlan = ShiftCalendar['plans'][number];
export type ShiftSpec = ShiftPlan['shifts'][number];
