/**
 * Shifts of a calendar as spans of UTC. Pure; the calendar has passed `calendarProblems`.
 *
 * Invariants:
 *  H1  The shifts of a calendar never overlap: every instant lies in at most one.
 *  H2  A shift belongs to the date on which it starts; that date decides plan, weekday and holiday.
 *  H3  A shift lasts as long as it really does: 22:00 to 06:00 is 7 h in the night clocks go forward, 9 h when they go back.
 */
import { weekdays, type ShiftCalendar, type ShiftPlan, type ShiftSpec } from './calendar.ts';
import { dateOfDay, dayOfDate, type SiteZone } from './zone.ts';

export interface Span {
  /** UTC ms, inclusive. */
  readonly fromMs: number;
  /** UTC ms, exclusive. */
  readonly toMs: number;
}

export interface Shift extends Span {
  readonly id: string;
  readonly name: string;
  /** Local date on which it starts, YYYY-MM-DD. */
  readonly date: string;
  readonly breaks: readonly Span[];
  /** Duration without the breaks, in ms. */
  readonly workMs: number;
}

/** Shifts that share time with [fromMs, toMs), whole and in order of time. */
export function shiftsBetween(calendar: ShiftCalendar, zone: SiteZone, fromMs: number, toMs: number): readonly Shift[] {
  if (!(fromMs < toMs)) return [];
  // A shift lasts up to 24 h on the clock face, and a zone can skip a whole day: two days back are enough.
  const firstDay = dayOfDate(zone.toLocal(fromMs).date) - 2;
  const lastDay = dayOfDate(zone.toLocal(toMs).date);
  const shifts: Shift[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    for (const spec of shiftSpecsOn(calendar, day)) {
      const shift = shiftOn(spec, day, zone);
      if (shift.fromMs < shift.toMs && shift.fromMs < toMs && shift.toMs > fromMs) shifts.push(shift);
    }
  }
  return shifts.toSorted((a, b) => a.fromMs - b.fromMs);
}

/** The shift an instant lies in, or null. */
export function shiftAt(calendar: ShiftCalendar, zone: SiteZone, utcMs: number): Shift | null {
  return shiftsBetween(calendar, zone, utcMs, utcMs + 1)[0] ?? null;
}

/** What is planned to start on a day (days since 1970-01-01). */
export function shiftSpecsOn(calendar: ShiftCalendar, day: number): readonly ShiftSpec[] {
  const date = dateOfDay(day);
  if (calendar.holidays.includes(date)) return [];
  // 1970-01-01 was a Thursday.
  const weekday = weekdays[(((day + 3) % 7) + 7) % 7] ?? 'mon';
  return planOn(calendar, date)?.shifts.filter((spec) => spec.days.includes(weekday)) ?? [];
}

/** The plan with the newest `validFrom` that is not after `date`. ISO dates order as text. */
function planOn(calendar: ShiftCalendar, date: string): ShiftPlan | null {
  let best: ShiftPlan | null = null;
  for (const plan of calendar.plans) {
    const from = plan.validFrom ?? '';
    if (from <= date && (best === null || from >= (best.validFrom ?? ''))) best = plan;
  }
  return best;
}

/** Minutes of the clock face since midnight of the shift's own date; an end not after the start is on the next day. */
export function minutesOf(spec: { readonly from: string; readonly to: string }): {
  readonly from: number;
  readonly to: number;
} {
  const from = minuteOf(spec.from);
  const to = minuteOf(spec.to);
  return { from, to: to > from ? to : to + 1440 };
}

/** Breaks of a shift in the same minutes as `minutesOf`. */
export function breakMinutes(spec: ShiftSpec): readonly { readonly from: number; readonly to: number }[] {
  const start = minuteOf(spec.from);
  return spec.breaks.map((pause) => {
    const { from, to } = minutesOf(pause);
    return from < start ? { from: from + 1440, to: to + 1440 } : { from, to };
  });
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function shiftOn(spec: ShiftSpec, day: number, zone: SiteZone): Shift {
  const date = dateOfDay(day);
  const span = (minutes: { readonly from: number; readonly to: number }): Span => ({
    fromMs: zone.toUtcMs(date, minutes.from),
    toMs: zone.toUtcMs(date, minutes.to),
  });
  const whole = span(minutesOf(spec));
  const breaks = breakMinutes(spec)
    .map(span)
    .filter((pause) => pause.fromMs < pause.toMs)
    .toSorted((a, b) => a.fromMs - b.fromMs);
  const pausedMs = breaks.reduce((sum, pause) => sum + pause.toMs - pause.fromMs, 0);
  return {
    id: spec.id,
    name: spec.name ?? spec.id,
    date,
    ...whole,
    breaks,
    workMs: whole.toMs - whole.fromMs - pausedMs,
  };
}
