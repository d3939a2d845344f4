/** Times for people, in the time zone of the site whatever the device is set to, as the language writes them. */
import type { Language } from './speech.ts';

/** "12 s", "4 min", "2 h 05 min", "3 d 4 h": how long something has lasted. A clock that was set back gives "0 s". */
export function lasted(ms: number, { say, plain }: Language): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return say('times.s', { s: plain(s) });
  const min = Math.floor(s / 60);
  if (min < 60) return say('times.min', { min: plain(min) });
  const h = Math.floor(min / 60);
  // Two digits in any script.
  if (h < 24) return say('times.h-min', { h: plain(h), min: plain(min % 60).padStart(2, plain(0)) });
  return say('times.d-h', { d: plain(Math.floor(h / 24)), h: plain(h % 24) });
}

export interface SiteTime {
  /** "14:05:09", with the date when it is not today. */
  readonly at: (ms: number, nowMs: number) => string;
  /** "14:05" */
  readonly minute: (ms: number) => string;
  readonly timeZone: string;
}

/** Falls back to UTC when the browser does not know the zone. */
export function siteTime(timeZone: string, { locale, say }: Language): SiteTime {
  const formats = (zone: string) => {
    const clock = { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    return {
      time: new Intl.DateTimeFormat(locale, { ...clock, second: '2-digit' }),
      minute: new Intl.DateTimeFormat(locale, clock),
      day: new Intl.DateTimeFormat(locale, { timeZone: zone, day: 'numeric', month: 'short' }),
      zone,
    };
  };
  let made: ReturnType<typeof formats>;
  try {
    made = formats(timeZone);
  } catch {
    made = formats('UTC');
  }
  const { time, minute, day, zone } = made;
  let today = { ms: Number.NaN, text: '' };
  const todayAt = (ms: number): string => {
    if (today.ms !== ms) today = { ms, text: day.format(ms) };
    return today.text;
  };
  return {
    timeZone: zone,
    minute: (ms) => minute.format(ms),
    at: (ms, nowMs) =>
      day.format(ms) === todayAt(nowMs)
        ? time.format(ms)
        : say('times.day', { day: day.format(ms), time: time.format(ms) }),
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
