/**
 * Wall-clock time of the site and UTC, both ways, on the time-zone data of the running Node.
 *
 * Invariants:
 *  T1  `toUtcMs` never falls as local time grows, so spans that do not overlap on the wall clock do not overlap in UTC.
 *  T2  A local time that exists twice (clocks go back) means its first occurrence.
 *  T3  A local time that does not exist (clocks go forward) means the instant of the change.
 */

/** Local date and time of one instant. */
export interface LocalTime {
  /** YYYY-MM-DD */
  readonly date: string;
  /** Whole minutes since local midnight on the clock face, 0 to 1439. */
  readonly minuteOfDay: number;
  readonly second: number;
}

export interface SiteZone {
  readonly timeZone: string;
  toLocal(utcMs: number): LocalTime;
  /** UTC ms at which the site's clocks show `minuteOfDay` on `date`; minutes beyond 1439 run into the next days. */
  toUtcMs(date: string, minuteOfDay: number): number;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

/**
 * @param timeZone IANA name; the configuration has checked it
 * @throws RangeError when this Node does not know the zone
 */
export function siteZone(timeZone: string): SiteZone {
  // Making a formatter costs some hundred times what using it does, hence one for each zone object.
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });

  /** The local clock face at `utcMs`, as if it were UTC. */
  function faceMs(utcMs: number): number {
    const parts = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(utcMs)) {
      if (type in parts) parts[type as keyof typeof parts] = Number(value);
    }
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  }
  const offsetMs = (utcMs: number) => faceMs(utcMs) - Math.floor(utcMs / 1000) * 1000;

  function toUtc(face: number): number {
    const before = offsetMs(face - dayMs);
    const after = offsetMs(face + dayMs);
    const matches = [face - before, face - after].filter((utc) => utc + offsetMs(utc) === face);
    if (matches.length > 0) return Math.min(...matches);
    // Not on any clock: find the change, which lies after `low` and not after `high`.
    let low = face - after;
    let high = face - before;
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000;
      if (offsetMs(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }

  return {
    timeZone,
    toLocal: (utcMs) => {
      const face = faceMs(utcMs);
      const inDay = ((face % dayMs) + dayMs) % dayMs;
      return {
        date: dateOfDay(Math.floor(face / dayMs)),
        minuteOfDay: Math.floor(inDay / minuteMs),
        second: (inDay % minuteMs) / 1000,
      };
    },
    toUtcMs: (date, minuteOfDay) => toUtc(dayOfDate(date) * dayMs + minuteOfDay * minuteMs),
  };
}

/** Days since 1970-01-01 of a date YYYY-MM-DD. */
export function dayOfDate(date: string): number {
  return Math.round(Date.parse(`${date}T00:00:00Z`) / dayMs);
}

/** The date YYYY-MM-DD that lies `day` days after 1970-01-01. */
export function dateOfDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}
