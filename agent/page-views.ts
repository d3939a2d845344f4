/**
 * What the views Floor, Machine and Health ask for, answered by the store, the drivers and the doctor.
 *
 * The sums of a day are made for all who look at once, and at most every few seconds.
 */
import { statfs } from 'node:fs/promises';
import type { Driver } from '../drivers/contract.ts';
import type { DoctorDesk } from './doctor/desk.ts';
import { dayFrom, type StoreGrowth } from './growth.ts';
import type { HealthFacts, PageViews } from './page/source.ts';
import type { Today } from './store/history.ts';
import type { Store, StoreStats } from './store/open.ts';
import { signalHead, stateHead } from './store/view-tables.ts';

const todayKeptMs = 5_000;

export function pageViews(parts: {
  readonly store: Pick<Store, 'band' | 'timeline' | 'stops' | 'table' | 'today'>;
  readonly drivers: readonly Driver[];
  readonly doctor: Pick<DoctorDesk, 'look'>;
  readonly storeStats: () => StoreStats | null;
  readonly growth: Pick<StoreGrowth, 'bytesADay'>;
  readonly dataDir: string;
  readonly budgetBytes: number;
  /** As it is now. */
  readonly timeZone: () => string;
  readonly clock: { wallMs(): number; monotonicMs(): number };
}): PageViews {
  const { store, clock } = parts;
  let known: { readonly today: Promise<Today>; readonly untilMs: number } | null = null;

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
