/** Plays the floor of `sync-floor.ts` through the agent's own pipeline, on clocks that are moved by hand. */
import { createPipeline } from '../../agent/pipeline.ts';
import type { Pipeline, PipelineOptions, PipelineOut } from '../../agent/pipeline-ports.ts';
import { loadRuleSet, shippedRules } from '../../agent/rules/load.ts';
import type { Recovery } from '../../agent/store/store.ts';
import type { Reading } from '../../drivers/contract.ts';
import { profileSchema } from '../../drivers/profiles/schema.ts';
import { floorProfile, floorValues } from './sync-floor.ts';

export const machineId = (machine: number) => `ls-${String(machine).padStart(3, '0')}`;

/** Both clocks go at one pace and never step. */
export class HandClock {
  readonly #fromMs: number;
  sinceMs = 0;

  /** @param fromMs UTC ms */
  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  readonly wallMs = (): number => this.#fromMs + this.sinceMs;
  readonly monotonicMs = (): number => 1_000 + this.sinceMs;
}

export interface PlayOptions {
  readonly machines: number;
  /** From one reading of a machine to its next, whole seconds in ms. */
  readonly intervalMs: number;
  /** The agent's own is 200. */
  readonly tickMs: number;
  /** Second of the floor's day at which it begins. */
  readonly fromS?: number;
  readonly recovery: Recovery;
  readonly options?: Partial<PipelineOptions>;
}

export class Play {
  readonly clock: HandClock;
  readonly pipeline: Pipeline;
  readonly #options: PlayOptions;
  readonly #machines: readonly string[];
  readings = 0;

  constructor(options: PlayOptions, clock: HandClock, out: PipelineOut) {
    this.#options = options;
    this.clock = clock;
    this.#machines = Array.from({ length: options.machines }, (_, machine) => machineId(machine));
    const profile = profileSchema.parse(floorProfile(options.intervalMs));
    this.pipeline = createPipeline({
      machines: this.#machines.map((id) => ({
        id,
        name: id,
        kind: profile.kind,
        line: null,
        station: null,
        profile,
        firmware: null,
        protocol: profile.protocol,
      })),
      rules: loadRuleSet({}, {}, shippedRules()),
      clock,
      recovery: options.recovery,
      out,
      options: options.options ?? {},
    });
  }

  /** One tick of time: what was due in it is read, in the machines' turn, and the pipeline has its tick. */
  step(): void {
    const { intervalMs, tickMs } = this.#options;
    const beforeMs = this.clock.sinceMs;
    this.clock.sinceMs += tickMs;
    for (const [machine, id] of this.#machines.entries()) {
      const offsetMs = Math.floor((machine * intervalMs) / this.#machines.length);
      const due = Math.floor((this.clock.sinceMs - offsetMs) / intervalMs);
      if (due >= 0 && due > Math.floor((beforeMs - offsetMs) / intervalMs)) this.#read(machine, id);
    }
    this.pipeline.tick();
  }

  #read(machine: number, id: string): void {
    const timeMs = this.clock.wallMs();
    const monotonicMs = this.clock.monotonicMs();
    const second = (this.#options.fromS ?? 0) + Math.floor(this.clock.sinceMs / 1000);
    const readings = floorValues(machine, second).map(([signal, value]): Reading => ({
      machine: id,
      signal,
      sourceTimeMs: timeMs,
      receivedTimeMs: timeMs,
      monotonicMs,
      quality: 'good',
      value,
    }));
    this.readings += readings.length;
    this.pipeline.accept({ kind: 'readings', machine: id, readings });
  }
}
