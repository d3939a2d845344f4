/**
 * One machine of the floor: its body, what its counters show after resets and wraps, what a stuck sensor holds, and what has
 * changed since the last report.
 */
import type { Condition, CounterSpec, ShownSignal, Value } from '../maps/map.ts';
import { mapOf } from '../maps/maps.ts';
import type { ScheduledFault } from '../scenario/schedule.ts';
import type { FaultName, ScenarioMachine } from '../scenario/schema.ts';
import type { Body, Control, Cylinder, MainShaft } from './body.ts';
import type { FloorEvent } from './events.ts';

/** Before a fault that only sewing can bring, the operator is made to sew. */
const sewAheadMs = 900;
const needsSewing: ReadonlySet<FaultName> = new Set(['thread_break', 'motor_overload', 'bobbin_empty', 'needle_break']);

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
  /** Where the cylinder of a knitting machine stands; null of another machine. */
  cylinder(): Cylinder | null;
  /** How the main shaft of a sewing machine stands; null of another machine. */
  shaft(): MainShaft | null;
  counters(): ReadonlyMap<string, CounterView>;
}

interface CounterState {
  readonly spec: CounterSpec;
  readonly start: number;
  /** True total at which the register last stood at zero by a reset, so that shown = (value − origin) mod wrap. */
  origin: number;
  value: number;
  shown: number;
}

export class Machine implements MachineView {
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
      if (info === undefined || value === undefined) continue;
      if (info.kind !== 'counter') {
        if (!all && this.#reported[i] === value) continue;
        const isGauge = info.kind === 'gauge' && typeof value === 'number';
        events.push(
          isGauge
            ? { kind: 'gauge', atMs, machine, signal: info.signal, value }
            : { kind: 'status', atMs, machine, signal: info.signal, value },
        );
      } else if (typeof value === 'number') {
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

  cylinder(): Cylinder | null {
    return this.#body.cylinder();
  }

  shaft(): MainShaft | null {
    return this.#body.shaft();
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
