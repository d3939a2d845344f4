/** How the agent itself fares: the delay of its event loop, its memory, and the status line that says so. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Driver } from '../drivers/contract.ts';
import type { UplinkView } from './live.ts';
import type { PipelineCounts } from './pipeline-ports.ts';

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

export interface HealthParts {
  readonly drivers: readonly Driver[];
  readonly counts: PipelineCounts;
  readonly uplink: UplinkView;
  readonly loop: LoopMeter;
  /** `process.memoryUsage.rss()`, bytes. */
  readonly rssBytes: number;
}

/** The machine-readable status: a line of the log every `statusEveryS`, and the page's health. */
export function status({ drivers, counts, uplink, loop, rssBytes }: HealthParts) {
  const machines = drivers.flatMap((driver) => driver.health());
  return {
    readings: counts.readings,
    badReadings: counts.bad,
    discarded: counts.discarded,
    activeAlerts: counts.alerts.active,
    openAlerts: counts.alerts.open,
    alertsRaised: counts.alerts.raised,
    lostRecords: counts.lostRecords,
    summarisedToMs: counts.summarisedToMs,
    uplink: !uplink.configured ? 'none' : uplink.connected ? 'connected' : (uplink.reason ?? 'not connected'),
    outboxRecords: uplink.outboxRecords,
    outboxBatches: uplink.outboxBatches,
    redelivered: uplink.redelivered,
    deadLetters: uplink.deadLetters,
    pollLatenessP99Ms: Math.max(0, ...machines.map((m) => m.pollLatenessP99Ms ?? 0)),
    eventLoopP99Ms: Math.round(loop.p99Ms * 100) / 100,
    rssMB: Math.round(rssBytes / 1e5) / 10,
    lastGoodMs: Object.fromEntries(machines.map((m) => [m.machine, m.lastGoodMs])),
  };
}
export type Status = ReturnType<typeof status>;
