/** What of a machine's readings its ear is told: whether it runs, and how fast. Pure but for what it remembers. */
import type { DriverEvent } from '../../../drivers/contract.ts';
import type { EarAsked } from './settings.ts';

/** Speeds of machines, as signals are named in every profile: of a sewing machine's main shaft and of a cylinder. */
const speedSignals: ReadonlySet<string> = new Set(['spindle.speed', 'cylinder.speed']);

export type RunTold = Extract<EarAsked, { kind: 'poll' }>;

export class EarPolls {
  readonly #machines: ReadonlySet<string>;
  readonly #monotonicMs: () => number;

  constructor(machines: readonly string[], monotonicMs: () => number) {
    this.#machines = new Set(machines);
    this.#monotonicMs = monotonicMs;
  }

  /**
   * What the ear is to be told of it; nothing of what lies in the past. A bad reading says that nothing is known. How old a reading is counts,
   * not what its machine's clock shows: that may be minutes off, or stand while nothing changes.
   */
  saw(event: DriverEvent): readonly RunTold[] {
    if (event.kind !== 'readings' || event.past !== undefined || !this.#machines.has(event.machine)) return [];
    return event.readings.flatMap(({ signal, quality, value, monotonicMs }) => {
      if (!speedSignals.has(signal)) return [];
      const speed = quality === 'good' && typeof value === 'number' && value >= 0 ? value : null;
      const { machine } = event;
      const ageMs = Math.max(0, this.#monotonicMs() - monotonicMs);
      return [{ kind: 'poll' as const, machine, ageMs, isRunning: speed !== 0, speed }];
    });
  }
}
