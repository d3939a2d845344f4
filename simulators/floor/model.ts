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
import type { CanonicalState, Condition, CounterSpec, ShownSignal, Value } from '../maps/map.ts';
import { mapOf } from '../maps/maps.ts';
import { between, createRandom } from '../random.ts';
import { drawSchedule, type Schedule, type ScheduledFault, type ScheduleOptions } from '../scenario/schedule.ts';
import type { Expectation, FaultName, Scenario, ScenarioDisturbance, ScenarioMachine } from '../scenario/schema.ts';
import { SimulatorError } from '../errors.ts';
import { createBody, type Body, type Control } from './body.ts';

interface EventBase {
  /** Milliseconds of model time after the start. */
  readonly atMs: number;
  readonly machine: string;
}
interface FaultEvent extends EventBase {
  readonly id: string;
  readonly fault: FaultName;
  readonly expect: Expectation;
}
export type FloorEvent =
  | (EventBase & { readonly kind: 'state'; readonly state: CanonicalState; readonly cause: string | null })
  | (FaultEvent & { readonly kind: 'fault' })
  | (FaultEvent & { readonly kind: 'clear' })
  | (EventBase & { readonly kind: 'counter'; readonly signal: string; readonly value: number; readonly shown: number })
  | (EventBase & { readonly kind: 'gauge'; readonly signal: string; readonly value: number })
  | (EventBase & { readonly kind: 'piece'; readonly signal: string; readonly value: number })
  | (EventBase & { readonly kind: 'disturbance'; readonly disturbance: ScenarioDisturbance });

export interface CounterView {
  /** The true total: starts at what is shown at the start and never wraps, resets or falls. */
  readonly value: number;
  /** What the register shows now. */
  readonly shown: number;
  readonly wrapsAt: number;
}

/** One machine as it stands after the last tick. */
export interface MachineView {
  readonly scenario: ScenarioMachine;
  readonly signals: readonly ShownSignal[];
  /** false while the machine is dropped off or its controller restarts. */
  readonly linkUp: boolean;
  readonly condition: Condition;
  /** Everything the machine shows, by canonical signal name. */
  values(): ReadonlyMap<string, Value>;
  counters(): ReadonlyMap<string, CounterView>;
}

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

/** Before a fault that only sewing can bring, the operator is made to sew. */
const sewAheadMs = 900;
const needsSewing: ReadonlySet<FaultName> = new Set(['thread_break', 'motor_overload', 'bobbin_empty']);

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
      events.push({ kind, atMs, machine: fault.machine, id: fault.id, fault: fault.fault, expect: fault.expect });
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

interface CounterState {
  readonly spec: CounterSpec;
  readonly start: number;
  /** True total at which the register last stood at zero by a reset, so that shown = (value − origin) mod wrap. */
  origin: number;
  value: number;
  shown: number;
}

class Machine implements MachineView {
  readonly scenario: ScenarioMachine;
  readonly signals: readonly ShownSignal[];
  condition: Condition;
  linkUp = true;
  readonly #body: Body;
  readonly #faults: readonly ScheduledFault[];
  readonly #counters = new Map<string, CounterState>();
  readonly #shownCounter = (signal: string): number => this.#counters.get(signal)?.shown ?? 0;
  #values: Value[];
  #reported: Value[] = [];
  #reportedTotals = new Map<string, number>();
  #reportedCondition: Condition | null = null;
  /** Index and value of a sensor that stands still. */
  #stuck: { readonly index: number; readonly value: Value } | null = null;
  #resetDone: ScheduledFault | null = null;

  constructor(
    scenario: ScenarioMachine,
    body: Body,
    faults: readonly ScheduledFault[],
    starts: ReadonlyMap<string, number>,
  ) {
    this.scenario = scenario;
    const map = mapOf(scenario.map);
    this.signals = map.signals;
    this.#body = body;
    this.#faults = faults;
    for (const spec of map.counters) {
      const start = starts.get(spec.signal) ?? 0;
      this.#counters.set(spec.signal, { spec, start, origin: 0, value: start, shown: start });
    }
    this.#values = body.show(this.#shownCounter);
    this.condition = body.condition();
  }

  grown(signal: string): number {
    return this.#body.grown(signal);
  }

  tick(nowMs: number, dtS: number, halted: boolean, hallTempC: number): void {
    let current: ScheduledFault | null = null;
    let sewNow = false;
    if (!halted) {
      for (const entry of this.#faults) {
        if (entry.startMs <= nowMs && nowMs < entry.endMs) current = entry;
        else if (needsSewing.has(entry.fault.fault) && entry.startMs > nowMs && entry.startMs - nowMs <= sewAheadMs)
          sewNow = true;
      }
    }
    const fault = current?.fault.fault ?? null;
    const restart = fault === 'counter_reset';
    const control: Control = { fault, sewNow, restart, halted, hallTempC };
    this.#body.step(control, dtS);
    if (restart && this.#resetDone !== current) {
      this.#resetDone = current;
      for (const counter of this.#counters.values())
        counter.origin = counter.start + this.#body.grown(counter.spec.signal);
    }
    for (const counter of this.#counters.values()) {
      counter.value = counter.start + this.#body.grown(counter.spec.signal);
      counter.shown = (counter.value - counter.origin) % counter.spec.wrapsAt;
    }
    const values = this.#body.show(this.#shownCounter);
    this.#hold(current, values);
    this.#values = values;
    this.linkUp = fault !== 'offline' && fault !== 'counter_reset';
    this.condition = this.linkUp ? this.#body.condition() : { state: 'OFFLINE', cause: null };
  }

  /** A stuck sensor goes on showing what it showed when it stuck. */
  #hold(current: ScheduledFault | null, values: Value[]): void {
    if (current?.fault.fault !== 'stuck_sensor') {
      this.#stuck = null;
      return;
    }
    if (this.#stuck === null) {
      const index = this.signals.findIndex((signal) => signal.signal === current.fault.params.signal);
      this.#stuck = { index, value: this.#values[index] ?? 0 };
    }
    values[this.#stuck.index] = this.#stuck.value;
  }

  /** Adds what changed since the last report; with `all`, everything. */
  report(atMs: number, events: FloorEvent[], all: boolean): void {
    const machine = this.scenario.id;
    const before = this.#reportedCondition;
    const { state, cause } = this.condition;
    if (all || before === null || before.state !== state || before.cause !== cause) {
      this.#reportedCondition = this.condition;
      events.push({ kind: 'state', atMs, machine, state, cause });
    }
    for (let i = 0; i < this.signals.length; i += 1) {
      const info = this.signals[i];
      const value = this.#values[i];
      if (info === undefined || typeof value !== 'number') continue;
      if (info.kind === 'gauge') {
        if (all || this.#reported[i] !== value)
          events.push({ kind: 'gauge', atMs, machine, signal: info.signal, value });
      } else if (info.kind === 'counter') {
        const total = this.#counters.get(info.signal)?.value ?? value;
        const reported = this.#reportedTotals.get(info.signal);
        if (all || reported !== total || this.#reported[i] !== value) {
          events.push({ kind: 'counter', atMs, machine, signal: info.signal, value: total, shown: value });
          const isPiece = info.signal === 'piece.count' || info.signal === 'roll.count';
          if (isPiece && reported !== undefined && total > reported)
            events.push({ kind: 'piece', atMs, machine, signal: info.signal, value: total });
          this.#reportedTotals.set(info.signal, total);
        }
      }
    }
    this.#reported = this.#values;
  }

  values(): ReadonlyMap<string, Value> {
    return new Map(this.signals.map((info, i): [string, Value] => [info.signal, this.#values[i] ?? 0]));
  }

  counters(): ReadonlyMap<string, CounterView> {
    return new Map(
      [...this.#counters].map(([signal, { value, shown, spec }]): [string, CounterView] => [
        signal,
        { value, shown, wrapsAt: spec.wrapsAt },
      ]),
    );
  }
}
