/**
 * The whole floor without any network: machines, what goes wrong, and what happened, in model time. Servers, truth log and
 * tests are driven from it; it never looks at a clock.
 *
 * Invariants (tests in `test/unit/simulators/floor.test.ts`):
 *  F1  The same scenario, seed and options give the same events, however `step` is cut: work is done in whole ticks.
 *  F2  A counter's `value` starts at what is shown and never falls; `shown` is `value` less the last reset, modulo the wrap.
 *  F3  A fault left out changes no other fault and no draw of another machine.
 *  F4  Every fault that begins ends with one clear, at the latest when the floor is halted.
 *  F5  Halted: no counter grows, every machine is IDLE and linked.
 */
import { SimulatorError } from '../errors.ts';
import { mapOf } from '../maps/maps.ts';
import { between, createRandom } from '../random.ts';
import { drawSchedule, type Schedule, type ScheduledFault, type ScheduleOptions } from '../scenario/schedule.ts';
import type { Scenario, ScenarioMachine } from '../scenario/schema.ts';
import { bentNeedleDegrees } from '../sound/live.ts';
import { createBody } from './body.ts';
import type { FloorEvent } from './events.ts';
import { Machine, type MachineView } from './machine.ts';

export type { FloorEvent } from './events.ts';
export type { CounterView, MachineView } from './machine.ts';

export interface FloorModel {
  readonly tickMs: number;
  readonly elapsedMs: number;
  readonly schedule: Schedule;
  readonly machines: readonly MachineView[];
  /** What the way from client to broker is like now. */
  readonly uplink: 'up' | 'swallowing' | 'down';
  readonly halted: boolean;
  /** The starting state, counters and gauges of every machine. */
  initialEvents(): FloorEvent[];
  /** Moves on by `dtMs`, in whole ticks (a rest is kept for the next call), and tells what happened. */
  step(dtMs: number): FloorEvent[];
  /** From the next tick on every machine stands still, free of faults. */
  halt(): void;
}

export interface FloorOptions extends ScheduleOptions {
  /** Length of a tick, ms; a long run in a test may take a coarser one. */
  readonly tickMs?: number;
}

/**
 * Builds the floor. Throws SIM-102 when a counter that must wrap within a span does not move in it.
 * `seed` is any whole number from 0 to 2^53.
 */
export function createFloorModel(scenario: Scenario, seed: number, options: FloorOptions = {}): FloorModel {
  const tickMs = options.tickMs ?? 50;
  const schedule = drawSchedule(scenario, seed, options);
  const hall = scenario.hall;
  const machines = scenario.machines.map((machine) => {
    const faults = schedule.faults.filter(({ fault }) => fault.machine === machine.id);
    const make = (starts: ReadonlyMap<string, number>): Machine =>
      new Machine(machine, createBody(machine, seed, hall.startC), faults, starts);
    return make(startValues(machine, seed, tickMs, make, (ms) => hallTemp(hall, ms)));
  });
  const strikes = new Map(
    schedule.faults.flatMap((entry) => {
      const { fault } = entry;
      const heard = scenario.machines.find(({ id }) => id === fault.machine);
      if (fault.fault !== 'bent_needle' || heard === undefined || !('microphone' in heard)) return [];
      return heard.microphone === undefined ? [] : [[entry, bentNeedleDegrees(heard.microphone)] as const];
    }),
  );
  const uplinkFaults = schedule.faults.filter(({ fault }) => fault.fault === 'uplink_outage');
  const swallowMs = scenario.uplink.swallowAcksS * 1000;
  let elapsedMs = 0;
  let restMs = 0;
  let halted = false;
  const active = new Set<ScheduledFault>();

  const happenings = (atMs: number, events: FloorEvent[]): void => {
    for (const entry of schedule.faults) {
      const { fault } = entry;
      const on = !halted && entry.startMs <= atMs && atMs < entry.endMs;
      if (on === active.has(entry)) continue;
      if (on) active.add(entry);
      else active.delete(entry);
      const kind = on ? 'fault' : 'clear';
      const cylinder = machines.find(({ scenario }) => scenario.id === fault.machine)?.cylinder() ?? null;
      const cloth =
        entry.needle === null || cylinder === null
          ? {}
          : { cloth: { needle: entry.needle, rollM: Math.round(cylinder.rollMm) / 1000 } };
      const { id, expect } = fault;
      const shaftDegrees = strikes.get(entry);
      const struck = shaftDegrees === undefined ? {} : { shaftDegrees };
      events.push({ kind, atMs, machine: fault.machine, id, fault: fault.fault, expect, ...cloth, ...struck });
    }
    if (halted) return;
    for (const { disturbance, atMs: dueMs } of schedule.disturbances) {
      if (dueMs > atMs - tickMs && dueMs <= atMs)
        events.push({ kind: 'disturbance', atMs, machine: disturbance.machine, disturbance });
    }
  };

  return {
    tickMs,
    schedule,
    machines,
    get elapsedMs() {
      return elapsedMs;
    },
    get halted() {
      return halted;
    },
    get uplink() {
      if (halted) return 'up';
      for (const { startMs, endMs } of uplinkFaults) {
        if (startMs <= elapsedMs && elapsedMs < endMs) return 'down';
        if (startMs - swallowMs <= elapsedMs && elapsedMs < startMs) return 'swallowing';
      }
      return 'up';
    },
    initialEvents() {
      const events: FloorEvent[] = [];
      for (const machine of machines) machine.report(0, events, true);
      return events;
    },
    step(dtMs) {
      const events: FloorEvent[] = [];
      restMs += dtMs;
      while (restMs >= tickMs) {
        restMs -= tickMs;
        elapsedMs += tickMs;
        happenings(elapsedMs, events);
        const hallTempC = hallTemp(hall, elapsedMs);
        for (const machine of machines) {
          machine.tick(elapsedMs, tickMs / 1000, halted, hallTempC);
          machine.report(elapsedMs, events, false);
        }
      }
      return events;
    },
    halt() {
      halted = true;
    },
  };
}

function hallTemp(hall: Scenario['hall'], elapsedMs: number): number {
  return hall.endC - (hall.endC - hall.startC) * Math.exp(-elapsedMs / 1000 / hall.riseS);
}

/**
 * Start values of the counters. One that must wrap within a span is found by running the machine ahead once: physics does not
 * depend on where a counter starts.
 */
function startValues(
  machine: ScenarioMachine,
  seed: number,
  tickMs: number,
  make: (starts: ReadonlyMap<string, number>) => Machine,
  hallTempC: (elapsedMs: number) => number,
): Map<string, number> {
  const starts = new Map<string, number>();
  for (const { signal, wrapsAt } of mapOf(machine.map).counters) {
    const start = machine.start[signal] ?? 0;
    if (typeof start === 'number') {
      starts.set(signal, start);
      continue;
    }
    const [fromS, toS] = start.wrapsWithinS;
    const targetMs = between(createRandom(seed, `wrap ${machine.id} ${signal}`), [fromS, toS]) * 1000;
    const trial = make(new Map());
    let chosen: number | null = null;
    let before = 0;
    for (let ms = tickMs; ms <= toS * 1000; ms += tickMs) {
      trial.tick(ms, tickMs / 1000, false, hallTempC(ms));
      const grown = trial.grown(signal);
      if (grown > before && ms >= fromS * 1000) {
        chosen = grown;
        if (ms >= targetMs) break;
      }
      before = grown;
    }
    if (chosen === null)
      throw new SimulatorError(
        'scenarioInvalid',
        `${signal} of ${machine.id} does not move between ${fromS} s and ${toS} s at seed ${seed}, so it cannot wrap there`,
      );
    starts.set(signal, wrapsAt - chosen);
  }
  return starts;
}
