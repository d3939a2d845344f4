/** How the agent itself fares: the delay of its event loop, its memory, and the status line that says so. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { BatchBody } from '../cloud-bridge/contract.ts';
import type { Driver } from '../drivers/contract.ts';
import type { CertificateView } from './certificates/keeper.ts';
import type { UplinkView } from './live.ts';
import type { NotifyView } from './notify/notifier.ts';
import type { PipelineCounts } from './pipeline-ports.ts';
import type { EarView } from './senses/ear/desk.ts';
import type { EyeView } from './senses/eye/desk.ts';
import type { StoreStats } from './store/open.ts';
import type { UplinkCounters } from './sync/uplink-ports.ts';

/** Event-loop delay since `start`, at 1 ms resolution (Node's default of 10 ms shows 10 ms on an idle process). */
export class LoopMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });

  start(): void {
    this.#delay.enable();
  }
  stop(): void {
    this.#delay.disable();
  }
  get p99Ms(): number {
    return this.#delay.count === 0 ? 0 : this.#delay.percentile(99) / 1e6;
  }
}

/** The store counts on its own threads; its figures are asked for every `everyMs`, so that a status can be told at once. */
export class StoreMeter {
  readonly #stats: () => Promise<StoreStats>;
  #latest: StoreStats | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** One question at a time: a store that hangs must not gather them. */
  #asking = false;
  readonly #told: (stats: StoreStats) => void;

  /** @param told is given every answer */
  constructor(stats: () => Promise<StoreStats>, told: (stats: StoreStats) => void = () => undefined) {
    this.#stats = stats;
    this.#told = told;
  }

  start(everyMs: number): void {
    void this.#ask();
    this.#timer ??= setInterval(() => void this.#ask(), everyMs);
  }
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#latest = await this.#stats();
      this.#told(this.#latest);
    } catch {
      // A store that does not answer is told by its own errors.
    } finally {
      this.#asking = false;
    }
  }
  /** Null before the first answer. */
  get latest(): StoreStats | null {
    return this.#latest;
  }
}

export interface HealthParts {
  readonly drivers: readonly Driver[];
  readonly counts: PipelineCounts;
  readonly uplink: UplinkView;
  readonly uplinkCounters: UplinkCounters | null;
  readonly store: StoreStats | null;
  readonly loop: LoopMeter;
  readonly clock: BatchBody['clock'];
  /** False: the wall clock is before the build date, and nothing is sent. */
  readonly knowsTime: boolean;
  /** null where the page is on this computer alone. */
  readonly certificate: CertificateView | null;
  /** null where no machine has a camera. */
  readonly eye: EyeView | null;
  /** null where no machine has a microphone. */
  readonly ear: EarView | null;
  /** Who is told of new alerts beside the page. */
  readonly notify?: readonly NotifyView[];
  /** `process.memoryUsage.rss()`, bytes. */
  readonly rssBytes: number;
}

/** The machine-readable status: a line of the log every `statusEveryS`, and the page's health. */
export function status({ drivers, counts, uplink, uplinkCounters, store, loop, rssBytes, ...parts }: HealthParts) {
  const machines = drivers.flatMap((driver) => driver.health());
  return {
    readings: counts.readings,
    badReadings: counts.bad,
    discarded: counts.discarded,
    activeAlerts: counts.alerts.active,
    openAlerts: counts.alerts.open,
    alertsRaised: counts.alerts.raised,
    lostRecords: counts.lostRecords,
    /** Whatever was not used or not kept, and why. All 0 on a good day. */
    dropped: {
      sourceTimeUnusable: counts.sourceTimeUnusable,
      tooLate: counts.tooLate,
      unknownSignal: counts.unknownSignal,
      unknownMachine: counts.unknownMachine,
      damagedBlocks: counts.damagedBlocks,
      incidents: counts.incidentsForgotten,
      ringBlocks: (store?.ringDropped ?? 0) + (store?.ringFailed ?? 0),
      commitsRefused: store?.commitsRefused ?? 0,
      invalidAnswers: uplinkCounters?.invalidAcks ?? 0,
    },
    /** Alerts and events alone are stored: the disk or the budget is full. */
    storeFull: store?.full ?? false,
    /** Records that wait for room on the disk. */
    waitingForRoom: store?.heldRecords ?? 0,
    ringEvicted: store?.ringEvicted ?? 0,
    /** Records that went for their age or for want of room, by step; minutes that were folded into hours count, too. */
    evicted: store?.evicted ?? {},
    storeBytes: store?.storeBytes ?? null,
    ringBytes: store?.ringBytes ?? null,
    journalBytes: store?.journalBytes ?? null,
    summarisedToMs: counts.summarisedToMs,
    clock: parts.clock,
    knowsTime: parts.knowsTime,
    uplink: !uplink.configured ? 'none' : uplink.connected ? 'connected' : (uplink.reason ?? 'not connected'),
    outboxRecords: uplink.outboxRecords,
    outboxBatches: uplink.outboxBatches,
    outboxFiles: uplink.outboxFiles,
    redelivered: uplink.redelivered,
    deadLetters: uplink.deadLetters,
    pollLatenessP99Ms: Math.max(0, ...machines.map((m) => m.pollLatenessP99Ms ?? 0)),
    eventLoopP99Ms: Math.round(loop.p99Ms * 100) / 100,
    rssMB: Math.round(rssBytes / 1e5) / 10,
    lastGoodMs: Object.fromEntries(machines.map((m) => [m.machine, m.lastGoodMs])),
    /** By machine that has a clock of its own: how far it is ahead of ours, ms; null before it was asked. */
    clockOffsetMs: Object.fromEntries(
      machines.flatMap((m) => (m.clockOffsetMs === undefined ? [] : [[m.machine, m.clockOffsetMs]])),
    ),
    /** Of the page, for other computers. */
    pageCertificate: parts.certificate,
    eye: parts.eye,
    ear: parts.ear,
    /** By target: what waits, what was told, and what was dropped or failed. */
    notify: parts.notify ?? [],
  };
}
export type Status = ReturnType<typeof status>;
