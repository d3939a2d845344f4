/**
 * What the views Floor, Machine and Health ask for, answered by the store, the drivers and the doctor.
 *
 * The sums of a day and of a shift are made for all who look at once, and at most every few seconds.
 */
import { statfs } from 'node:fs/promises';
import type { Driver } from '../drivers/contract.ts';
import type { ShiftCalendar } from './time/calendar.ts';
import { shiftsAround } from './time/shift-around.ts';
import { siteZone } from './time/zone.ts';
import type { DoctorDesk } from './doctor/desk.ts';
import { dayFrom, type StoreGrowth } from './growth.ts';
import type { HealthFacts, PageViews } from './page/source.ts';
import type { Today } from './store/history.ts';
import { newestMs } from './store/view-sums.ts';
import type { ShiftSums } from './store/shift-sums.ts';
import type { Store, StoreStats } from './store/open.ts';
import { signalHead, stateHead } from './store/view-tables.ts';

const todayKeptMs = 5_000;
/** Of a shift that is over: late minutes and findings may still come. */
const overKeptMs = 60_000;
/** The ones asked for last; more are made anew. */
const maxKeptShifts = 8;

export function pageViews(parts: {
  readonly store: Pick<Store, 'band' | 'timeline' | 'stops' | 'table' | 'today' | 'shift'>;
  readonly drivers: readonly Driver[];
  readonly doctor: Pick<DoctorDesk, 'look'>;
  readonly storeStats: () => StoreStats | null;
  readonly growth: Pick<StoreGrowth, 'bytesADay'>;
  readonly dataDir: string;
  readonly budgetBytes: number;
  /** As it is now. */
  readonly timeZone: () => string;
  readonly calendar: () => ShiftCalendar | null;
  readonly clock: { wallMs(): number; monotonicMs(): number };
}): PageViews {
  const { store, clock } = parts;
  let known: { readonly today: Promise<Today>; readonly untilMs: number } | null = null;

  const shifts = new Map<string, { readonly sums: Promise<ShiftSums>; readonly untilMs: number }>();
  const shiftSums = (fromMs: number, endMs: number, nowMs: number): Promise<ShiftSums> => {
    const key = `${fromMs} ${endMs}`;
    const kept = shifts.get(key);
    if (kept !== undefined && clock.monotonicMs() < kept.untilMs) return kept.sums;
    const isOver = nowMs >= endMs + newestMs;
    const sums = store.shift({ fromMs, toMs: Math.max(fromMs, Math.min(endMs, nowMs)), isOver });
    const asked = { sums, untilMs: clock.monotonicMs() + (isOver ? overKeptMs : todayKeptMs) };
    shifts.delete(key);
    for (const oldest of shifts.keys()) if (shifts.size >= maxKeptShifts) shifts.delete(oldest);
    shifts.set(key, asked);
    const forget = () => {
      if (shifts.get(key) === asked) shifts.delete(key);
    };
    sums.then(({ isWhole }) => !isWhole && forget(), forget);
    return sums;
  };

  const freeBytes = async (): Promise<number | null> => {
    const disk = await statfs(parts.dataDir).catch(() => null);
    return disk === null || disk.blocks === 0 ? null : disk.bavail * disk.bsize;
  };

  return {
    band: (query) => store.band(query),
    timeline: (query) => store.timeline(query),
    stops: (query) => store.stops(query),
    today: () => {
      if (known !== null && clock.monotonicMs() < known.untilMs) return known.today;
      const toMs = Math.round(clock.wallMs());
      const today = store.today({ fromMs: dayFrom(toMs, parts.timeZone()), toMs });
      const asked = { today, untilMs: clock.monotonicMs() + todayKeptMs };
      known = asked;
      // What is not whole goes on at the next call, and what failed is tried again.
      today.then(
        ({ isWhole }) => {
          if (!isWhole && known === asked) known = null;
        },
        () => {
          if (known === asked) known = null;
        },
      );
      return today;
    },
    shift: async (atMs) => {
      const nowMs = Math.round(clock.wallMs());
      const timeZone = parts.timeZone();
      const around = shiftsAround(parts.calendar(), siteZone(timeZone), Math.min(atMs ?? nowMs, nowMs));
      const { fromMs, toMs } = around.shift;
      return { ...around, nowMs, timeZone, sums: await shiftSums(fromMs, toMs, nowMs) };
    },
    csv: async function* ({ fromMs, ...query }) {
      yield query.signal === null ? stateHead : signalHead;
      for (let from: number | null = fromMs; from !== null;) {
        const page = await store.table({ ...query, fromMs: from, timeZone: parts.timeZone() });
        yield* page.items;
        from = page.next === null ? null : Number(page.next);
      }
    },
    doctor: () => parts.doctor.look(),
    health: async (): Promise<HealthFacts> => ({
      drivers: parts.drivers.flatMap((driver) => driver.health()),
      storage: {
        bytesADay: parts.growth.bytesADay(),
        budgetBytes: parts.budgetBytes,
        freeBytes: await freeBytes(),
        queuedRecords: parts.storeStats()?.queuedRecords ?? null,
        droppedRecords: parts.storeStats()?.droppedRecords ?? null,
      },
    }),
  };
}
