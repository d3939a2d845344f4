/**
 * The shift a moment belongs to, and its neighbours. Pure.
 *
 * Invariants (test/unit/time/shift-around.test.ts):
 *  A1  `shift` holds the moment where any shift of the calendar does; between two shifts it is the one that ended last.
 *  A2  `previous`, `shift` and `next` follow each other without overlap and without a shift of the calendar between them.
 *  A3  Without a calendar, or where it has no shift within a month, the days of the site are its shifts: midnight to midnight,
 *      without a gap.
 */
import type { ShiftCalendar } from './calendar.ts';
import { shiftsBetween, type Span } from './shifts.ts';
import type { SiteZone } from './zone.ts';

export interface NamedShift extends Span {
  /** null: the day of the site. */
  readonly name: string | null;
}
export interface ShiftsAround {
  readonly shift: NamedShift;
  /** null: none within a month. */
  readonly previous: NamedShift | null;
  readonly next: NamedShift | null;
}

const dayMs = 86_400_000;
/** The nearest shifts are mostly within two days; a month is the longest holiday that is looked past. */
const reachesMs = [2 * dayMs, 8 * dayMs, 32 * dayMs];

/** @param atMs UTC ms, of the years 2000 to 2199 */
export function shiftsAround(calendar: ShiftCalendar | null, zone: SiteZone, atMs: number): ShiftsAround {
  const shift = calendar === null ? null : before(calendar, zone, atMs + 1);
  if (calendar === null || shift === null) {
    const day = dayAt(zone, atMs);
    return { shift: day, previous: dayAt(zone, day.fromMs - 1), next: dayAt(zone, day.toMs) };
  }
  return { shift, previous: before(calendar, zone, shift.fromMs), next: after(calendar, zone, shift.toMs) };
}

/** The last that began before `untilMs`. */
function before(calendar: ShiftCalendar, zone: SiteZone, untilMs: number): NamedShift | null {
  for (const reachMs of reachesMs) {
    const found = shiftsBetween(calendar, zone, untilMs - reachMs, untilMs).at(-1);
    if (found !== undefined) return named(found);
  }
  return null;
}

/** The first that begins at `fromMs` or later. */
function after(calendar: ShiftCalendar, zone: SiteZone, fromMs: number): NamedShift | null {
  for (const reachMs of reachesMs) {
    const found = shiftsBetween(calendar, zone, fromMs, fromMs + reachMs)[0];
    if (found !== undefined) return named(found);
  }
  return null;
}

const named = ({ name, fromMs, toMs }: NamedShift): NamedShift => ({ name, fromMs, toMs });

/** The day of the site. */
function dayAt(zone: SiteZone, atMs: number): NamedShift {
  const { date } = zone.toLocal(atMs);
  return { name: null, fromMs: zone.toUtcMs(date, 0), toMs: zone.toUtcMs(date, 1440) };
}
