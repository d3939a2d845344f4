/** What a calendar must hold beyond its form, so that shifts never overlap. */
import { weekdays, type ShiftCalendar, type ShiftPlan, type ShiftSpec } from './calendar.ts';
import { breakMinutes, minutesOf, shiftSpecsOn } from './shifts.ts';
import { dayOfDate } from './zone.ts';

export interface CalendarProblem {
  /** Path inside the calendar. */
  readonly path: readonly (string | number)[];
  readonly what: string;
  readonly right: string;
}

const weekMinutes = 7 * 1440;

/** Every problem of a calendar; none means the invariants of `shifts.ts` hold for it. */
export function calendarProblems(calendar: ShiftCalendar): readonly CalendarProblem[] {
  const within = calendar.plans.flatMap((plan, index) => [
    ...repeatedStart(calendar, index),
    ...plan.shifts.flatMap((spec, at) => shiftProblems(plan, spec, at, ['plans', index, 'shifts', at])),
  ]);
  // Where one plan overlaps in itself, its change-over tells nothing new.
  return within.length > 0 ? within : changeOverProblems(calendar);
}

function repeatedStart(calendar: ShiftCalendar, index: number): readonly CalendarProblem[] {
  const start = calendar.plans[index]?.validFrom;
  const first = calendar.plans.findIndex((plan) => plan.validFrom === start);
  if (first === index) return [];
  return start === undefined
    ? [
        {
          path: ['plans', index],
          what: 'has no validFrom, and an earlier plan has none either',
          right: 'validFrom: with the first date of this plan',
        },
      ]
    : [
        {
          path: ['plans', index, 'validFrom'],
          what: `is ${start}, as of an earlier plan`,
          right: 'a first date of its own for each plan',
        },
      ];
}

function shiftProblems(
  plan: ShiftPlan,
  spec: ShiftSpec,
  at: number,
  path: readonly (string | number)[],
): readonly CalendarProblem[] {
  const problems: CalendarProblem[] = [];
  const earlier = plan.shifts.slice(0, at);
  if (earlier.some((other) => other.id === spec.id)) {
    problems.push({
      path: [...path, 'id'],
      what: `is ${JSON.stringify(spec.id)}, as of an earlier shift`,
      right: 'an id of its own',
    });
  }
  if (new Set(spec.days).size < spec.days.length) {
    problems.push({ path: [...path, 'days'], what: 'names a day twice', right: 'each day once' });
  }
  for (const other of [...earlier, spec]) {
    const day = firstOverlap(spec, other);
    if (day === null) continue;
    const what = other === spec ? 'overlaps itself' : `overlaps the shift ${other.id}`;
    problems.push({
      path,
      what: `${what} (the one that starts on ${day})`,
      right: 'shifts that end before the next one starts',
    });
  }
  const whole = minutesOf(spec);
  const breaks = breakMinutes(spec);
  for (const [index, pause] of breaks.entries()) {
    const where = [...path, 'breaks', index];
    if (pause.from < whole.from || pause.to > whole.to) {
      problems.push({ path: where, what: 'lies outside the shift', right: `a time from ${spec.from} to ${spec.to}` });
    } else if (breaks.slice(0, index).some((other) => pause.from < other.to && other.from < pause.to)) {
      problems.push({ path: where, what: 'overlaps an earlier break', right: 'breaks one after the other' });
    }
  }
  return problems;
}

/** Weekday of `spec` on which it shares time with `other`, going round the week; null when it never does. */
function firstOverlap(spec: ShiftSpec, other: ShiftSpec): string | null {
  for (const day of new Set(spec.days)) {
    const own = placed(spec, day);
    for (const otherDay of new Set(other.days)) {
      if (other === spec && otherDay === day) continue;
      const { from, to } = placed(other, otherDay);
      for (const turn of [-weekMinutes, 0, weekMinutes]) {
        if (own.from < to + turn && from + turn < own.to) return day;
      }
    }
  }
  return null;
}

function placed(spec: ShiftSpec, day: (typeof weekdays)[number]): { readonly from: number; readonly to: number } {
  const { from, to } = minutesOf(spec);
  const start = weekdays.indexOf(day) * 1440;
  return { from: start + from, to: start + to };
}

/** A night shift of the old plan may run into the first shift of the new one. */
function changeOverProblems(calendar: ShiftCalendar): readonly CalendarProblem[] {
  return calendar.plans.flatMap((plan, index) => {
    if (plan.validFrom === undefined) return [];
    const day = dayOfDate(plan.validFrom);
    const lastEnd = Math.max(0, ...shiftSpecsOn(calendar, day - 1).map((spec) => minutesOf(spec).to - 1440));
    const clash = shiftSpecsOn(calendar, day).find((spec) => minutesOf(spec).from < lastEnd);
    if (clash === undefined) return [];
    const what = `starts while a shift of ${dateBefore(plan.validFrom)} still runs into its shift ${clash.id}`;
    return [
      { path: ['plans', index, 'validFrom'], what, right: 'a first date whose night before is free, or other times' },
    ];
  });
}

function dateBefore(date: string): string {
  return new Date(dayOfDate(date) * 86_400_000 - 1).toISOString().slice(0, 10);
}
