/** Draws from a scenario and a seed what happens when. Each fault has a random stream of its own, so leaving one out moves none. */
import { tubeOf } from '../cloth/geometry.ts';
import { between, createRandom } from '../random.ts';
import type { Scenario, ScenarioDisturbance, ScenarioFault, ScenarioMachine } from './schema.ts';

export interface ScheduledFault {
  readonly fault: ScenarioFault;
  /** Milliseconds after the floor's start: the fault is there from `startMs` up to `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  /** The needle that makes a needle line; null with other faults. */
  readonly needle: number | null;
}
export interface ScheduledDisturbance {
  readonly disturbance: ScenarioDisturbance;
  readonly atMs: number;
}
export interface Schedule {
  readonly faults: readonly ScheduledFault[];
  readonly disturbances: readonly ScheduledDisturbance[];
}

export interface ScheduleOptions {
  /** Fault ids left out. */
  readonly without?: readonly string[];
  /** No fault at all; disturbances of the wire stay, a healthy floor has them too. */
  readonly healthy?: boolean;
}

/** Same scenario, seed and options: same schedule. Sorted by time. */
export function drawSchedule(scenario: Scenario, seed: number, options: ScheduleOptions = {}): Schedule {
  const without = new Set(options.without);
  const faults = scenario.faults
    .map((fault) => {
      const random = createRandom(seed, `fault ${fault.id}`);
      const startMs = Math.round(between(random, fault.atS) * 1000);
      const endMs = startMs + Math.round(between(random, fault.forS) * 1000);
      return {
        fault,
        startMs,
        endMs,
        needle: needleOf(scenario, seed, fault),
      };
    })
    .filter(({ fault }) => options.healthy !== true && !without.has(fault.id))
    .sort((a, b) => a.startMs - b.startMs);
  const disturbances = scenario.disturbances
    .map((disturbance, i) => {
      const random = createRandom(seed, `disturbance ${i}`);
      return { disturbance, atMs: Math.round(between(random, disturbance.atS) * 1000) };
    })
    .sort((a, b) => a.atMs - b.atMs);
  return { faults, disturbances };
}

/** Needles of a circular knitting machine; 0 of another. */
export const needlesOf = (machine: ScenarioMachine): number =>
  machine.kind === 'circular-knit' && 'gauge' in machine.parameters ? tubeOf(machine.parameters).needles : 0;

function needleOf(scenario: Scenario, seed: number, fault: ScenarioFault): number | null {
  if (fault.fault !== 'needle_line') return null;
  const machine = scenario.machines.find(({ id }) => id === fault.machine);
  const needles = machine === undefined ? 0 : needlesOf(machine);
  return fault.params.needle ?? Math.floor(createRandom(seed, `needle ${fault.id}`)() * needles);
}
