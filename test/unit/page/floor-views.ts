/** What the stand-in floor answers to the views Floor, Machine and Health. Made from its machines; tests change it as they go. */
import type { MachineView } from '../../../agent/live.ts';
import type { Examined } from '../../../agent/page/views-api.ts';
import type { HealthFacts, PageViews } from '../../../agent/page/source.ts';
import type { Today } from '../../../agent/store/history.ts';
import type { ShiftSums } from '../../../agent/store/shift-sums.ts';
import type { ShiftCalendar } from '../../../agent/time/calendar.ts';
import { shiftsAround } from '../../../agent/time/shift-around.ts';
import { siteZone } from '../../../agent/time/zone.ts';
import { stepOf, type Band, type Stops, type Timeline } from '../../../agent/store/view-sums.ts';
import { signalHead, stateHead } from '../../../agent/store/view-tables.ts';

export interface FloorViews {
  today: Today;
  stops: Pick<Stops, 'stops' | 'runS' | 'idleS' | 'unknownS'>;
  shift: ShiftSums;
  calendar: ShiftCalendar | null;
  health: HealthFacts;
  examined: Examined | null;
}

const hourMs = 3_600_000;

export function demoViews(machines: readonly MachineView[]): FloorViews {
  return {
    today: {
      fromMs: Date.now() - 8 * hourMs,
      toMs: Date.now(),
      isWhole: true,
      machines: machines.slice(0, -1).map(({ id }, index) => ({
        machine: id,
        counters: [
          { signal: 'piece.count', delta: 120 + index, uncertainty: 0 },
          { signal: 'stitch.total', delta: 48_200 + index, uncertainty: index },
        ],
        seconds: { RUN: 18_000, IDLE: 7_200, FAULT: 600 },
        unknownS: 3_000,
        // The first was looked at after its minutes had been folded.
        cutS: index === 0 ? 1_800 : 0,
        samples: 9_000,
        good: 8_910,
      })),
    },
    stops: {
      stops: [
        { cause: 'material.thread_break', seconds: 3_400, count: 21 },
        { cause: null, seconds: 1_200, count: 4 },
        { cause: 'material.bobbin_empty', seconds: 600, count: 12 },
      ],
      runS: 50_000,
      idleS: 20_000,
      unknownS: 11_200,
    },
    calendar: null,
    shift: {
      isWhole: true,
      isCounted: true,
      // Of the last machine nothing is told.
      machines: machines.slice(0, -1).map(({ id }, index) => ({
        machine: id,
        counters: [
          { signal: 'piece.count', delta: 90 + index, uncertainty: 0 },
          { signal: 'stitch.total', delta: 31_200, uncertainty: index },
        ],
        seconds: { RUN: 18_000, IDLE: 7_200, FAULT: 600 },
        unknownS: 3_000,
        // The first was looked at after its minutes had been folded.
        cutS: index === 0 ? 1_800 : 0,
        stops: [
          'material.thread_break',
          'material.bobbin_empty',
          null,
          'drive.stall',
          'needle.broken',
          'oil.low',
          'guard.open',
        ].map((cause, at) => ({ cause, seconds: 700 - 100 * at, times: 21 - at })),
        cloth: null,
      })),
    },
    health: {
      drivers: machines.map(({ id, gap }) => ({
        machine: id,
        connected: gap === null,
        requests: 1_000,
        failures: gap === null ? 0 : 12,
        discarded: 0,
        reconnects: 1,
        pollLatenessP50Ms: 0.2,
        pollLatenessP99Ms: 4.1,
        lastGoodMs: Date.now() - 500,
      })),
      storage: {
        bytesADay: 41_000_000,
        budgetBytes: 2_147_483_648,
        freeBytes: 12_000_000_000,
        queuedRecords: 0,
        droppedRecords: 0,
      },
    },
    examined: {
      atMs: Date.now(),
      report: {
        ok: false,
        checks: [
          { id: 'node', ok: true, detail: 'v24 is the pinned one', cure: null },
          { id: 'disk', ok: false, detail: '40 MB free', cure: 'Make room on the disk.' },
        ],
      },
    },
  };
}

/** Every step runs but the last quarter, which nobody knows. */
function timeline(fromMs: number, toMs: number, steps: number): Timeline {
  const stepMs = stepOf(toMs - fromMs, steps, true);
  const count = Math.ceil((toMs - fromMs) / stepMs);
  return {
    stepMs,
    toMs,
    steps: Array.from({ length: count }, (_, index) => {
      const isKnown = index < count * 0.75;
      const seconds = isKnown ? { RUN: (stepMs * 0.8) / 1000, IDLE: (stepMs * 0.2) / 1000 } : {};
      return { atMs: fromMs + index * stepMs, seconds, unknownS: isKnown ? 0 : stepMs / 1000 };
    }),
  };
}

function band(fromMs: number, toMs: number, points: number): Band {
  const stepMs = stepOf(toMs - fromMs, points, false);
  const t = Array.from({ length: points }, (_, index) => fromMs + index * stepMs);
  const mean = t.map((_, index) => (index === Math.floor(points / 2) ? null : 3000 + 200 * Math.sin(index / 9)));
  const moved = (by: number) => mean.map((value) => (value === null ? null : value + by));
  return { source: 'minutes', stepMs, t, low: moved(-150), mean, high: moved(150) };
}

export function viewsOf(known: () => FloorViews): PageViews {
  return {
    today: async () => known().today,
    band: async ({ fromMs, toMs, points }) => band(fromMs, toMs, points),
    timeline: async ({ fromMs, toMs, steps }) => timeline(fromMs, toMs, steps),
    stops: async ({ fromMs, toMs }) => ({ ...known().stops, fromMs, toMs }),
    shift: async (atMs) => {
      const nowMs = Date.now();
      const timeZone = 'Asia/Dhaka';
      const around = shiftsAround(known().calendar, siteZone(timeZone), Math.min(atMs ?? nowMs, nowMs));
      return { ...around, nowMs, timeZone, sums: known().shift };
    },
    csv: async function* ({ signal }) {
      yield signal === null ? stateHead : signalHead;
    },
    doctor: async () => known().examined,
    health: async () => known().health,
  };
}
