/** Times for people, in the time zone of the site whatever the device is set to. */

/** "12 s", "4 min", "2 h 05 min", "3 d 4 h": how long something has lasted. A clock that was set back gives "0 s". */
export function lasted(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return `${h} h ${String(min % 60).padStart(2, '0')} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export interface SiteTime {
  /** "14:05:09", with the date when it is not today. */
  readonly at: (ms: number, nowMs: number) => string;
  readonly timeZone: string;
}

/** Falls back to UTC when the browser does not know the zone. */
export function siteTime(timeZone: string): SiteTime {
  const formats = (zone: string) => ({
    time: new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    day: new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short' }),
    zone,
  });
  let made: ReturnType<typeof formats>;
  try {
    made = formats(timeZone);
  } catch {
    made = formats('UTC');
  }
  const { time, day, zone } = made;
  return {
    timeZone: zone,
    at: (ms, nowMs) =>
      day.format(ms) === day.format(nowMs) ? time.format(ms) : `${day.format(ms)}, ${time.format(ms)}`,
  };
}

/** What every part of the floor needs to speak of time. */
export interface Now {
  /** The server's clock. */
  readonly ms: number;
  readonly time: SiteTime;
  /** true: nothing on the page is known to be so any more. */
  readonly stale: boolean;
}
