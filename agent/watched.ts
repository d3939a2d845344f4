/**
 * One machine while it is watched: what the stages of the pipeline keep about it, and the facts its rules judge. It decides
 * nothing by itself; the order of things is in `pipeline.ts`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { MachineState } from '../cloud-bridge/contract.ts';
import type { ConditionEvent, Value } from '../drivers/contract.ts';
import type { SignalSpec } from '../drivers/profiles/schema.ts';
import { RuleWatch, type RecoveredCondition } from './alerts/watch.ts';
import type { CounterBase, CounterSpec } from './counters/counter.ts';
import { ResetCollector } from './counters/resets.ts';
import { restartsOf, type Restarts } from './counters/restarts.ts';
import type { MachineView } from './live.ts';
import {
  growModel,
  isStampedAtReceipt,
  modelMachine,
  type GrowingModel,
  type MachineModel,
  type MachineNews,
  type MachineSetup,
} from './machine.ts';
import { Present } from './quality/present.ts';
import { RingFilter } from './ring/filter.ts';
import { counterSpec } from './rollup/columns.ts';
import { MachineRollup, type RollupKey, type RollupOptions } from './rollup/rollup.ts';
import type { ActiveCause, Facts, Instant } from './rules/conditions.ts';
import type { Rule } from './rules/schema.ts';
import { MachineStateReader } from './states/machine-state.ts';
import { StateTimeline } from './states/timeline.ts';

export interface OpenGap {
  /** UTC ms as the driver says it. */
  readonly fromMs: number;
  /** The same instant on the summaries' line. */
  readonly lineMs: number;
  readonly since: Instant;
  /** As it was last told. */
  readonly reason: string;
}

/** Bound of the implausible counter steps kept for the rules. */
const maxImplausible = 100;
const defaultOfflineAfterS = 30;
/** Longest wait of a reading in a driver: a round of polls with a search for refused addresses in it. */
const stampedLateS = 30;
/**
 * Beyond two polls. Readings of a signal come in order, the newest is never settled, and a gap begins where the machine was last read:
 * nothing that is known later changes what is settled.
 */
const settledS = 2;

export class Watched implements Facts {
  readonly model: MachineModel;
  readonly #growing: GrowingModel;
  readonly present: Present;
  readonly stateReader: MachineStateReader;
  readonly timeline: StateTimeline;
  readonly rollup: MachineRollup;
  readonly ring: RingFilter;
  #watches: readonly RuleWatch[];
  readonly resets: ResetCollector;
  /** How the machine tells of its restarts; null where it does not. */
  readonly restarts: Restarts | null;
  readonly counterSpecs: (CounterSpec | null)[];
  readonly counterBases: (CounterBase | null)[];
  /** Line time of the newest reading of each counter; signals that are none have Infinity. */
  readonly counterReadMs: number[];
  readonly #conditions = new Map<string, ActiveCause>();
  readonly implausible: { signal: string; monotonicMs: number }[] = [];
  #offlineAfterS: number;
  #setup: MachineSetup;
  seenInGroup: Uint32Array;
  group = 1;
  /** Undefined until the driver has said anything. */
  openGap: OpenGap | null | undefined = undefined;
  readings = 0;
  lastGoodMs: number | null = null;
  now: Instant = { wallMs: 0, monotonicMs: 0 };

  constructor(
    setup: MachineSetup,
    rules: readonly Rule[],
    /** Rules with an occurrence from before the start. */
    open: ReadonlyMap<string, RecoveredCondition>,
    startMs: number,
    key: RollupKey,
    options: RollupOptions,
  ) {
    const model = modelMachine(setup);
    this.model = model;
    this.#growing = model;
    this.#setup = setup;
    this.present = new Present(model.signals.length);
    this.stateReader = new MachineStateReader(setup.profile, setup.firmware);
    this.timeline = new StateTimeline({ tMs: startMs, state: 'UNKNOWN', cause: null });
    // Minutes of readings that cannot be late are kept for less long: at fifty fast machines that is half the memory.
    const lateS = isStampedAtReceipt(setup) ? Math.min(options.lateS, stampedLateS) : options.lateS;
    this.rollup = new MachineRollup(model, this.timeline, key, { ...options, lateS, ...settling(model) });
    this.ring = new RingFilter(setup.id, model.signals);
    this.#watches = rules.map((rule) => new RuleWatch(rule, open.get(rule.id)));
    this.#offlineAfterS = offlineAfterS(rules);
    this.counterSpecs = model.signals.map(counterSpec);
    this.counterBases = model.signals.map(() => null);
    this.counterReadMs = this.counterSpecs.map((spec) => (spec === null ? Infinity : -Infinity));
    const slowestMs = Math.max(
      0,
      ...model.signals.map((s) => (s.spec.kind === 'counter' ? (s.intervalMs ?? 1000) : 0)),
    );
    this.resets = new ResetCollector(Math.min(10_000, Math.max(1000, 2 * slowestMs)));
    this.restarts = restartsOf(model);
    this.seenInGroup = new Uint32Array(model.signals.length);
  }

  get watches(): readonly RuleWatch[] {
    return this.#watches;
  }
  /** A gap at least this long is OFFLINE. */
  get offlineAfterS(): number {
    return this.#offlineAfterS;
  }

  /** Other rules from now on. One that did not change keeps its delays; returns the ids of those that are gone. */
  setRules(rules: readonly Rule[]): string[] {
    const before = new Map(this.#watches.map((watch) => [watch.rule.id, watch]));
    this.#watches = rules.map((rule) => {
      const known = before.get(rule.id);
      before.delete(rule.id);
      if (known === undefined) return new RuleWatch(rule);
      return isDeepStrictEqual(known.rule, rule) ? known : new RuleWatch(rule, known.active ? 'held' : null);
    });
    this.#offlineAfterS = offlineAfterS(rules);
    return [...before.keys()];
  }

  /** Signals that were found at the machine; false when none of them is new. Those there are keep their numbers and meanings. */
  grow(found: Readonly<Record<string, SignalSpec>>): boolean {
    const { profile } = this.#setup;
    const setup = {
      ...this.#setup,
      profile: { ...profile, signals: { ...profile.signals, ...found, ...profile.signals } },
    };
    const added = growModel(this.#growing, setup);
    if (added.length === 0) return false;
    this.#setup = setup;
    this.present.grow(added.length);
    this.ring.grow(added.length);
    this.rollup.grow(added);
    for (const signal of added) {
      const spec = counterSpec(signal);
      this.counterSpecs.push(spec);
      this.counterBases.push(null);
      this.counterReadMs.push(spec === null ? Infinity : -Infinity);
    }
    const seen = new Uint32Array(this.model.signals.length);
    seen.set(this.seenInGroup);
    this.seenInGroup = seen;
    return true;
  }

  /** With what has become known since the start. */
  get setup(): MachineSetup {
    return this.#setup;
  }
  /** False when nothing in it is new. */
  describe(news: MachineNews): boolean {
    const next = { ...this.#setup, ...news };
    if (isDeepStrictEqual(next, this.#setup)) return false;
    this.#setup = next;
    return true;
  }

  get id(): string {
    return this.model.setup.id;
  }
  get state(): MachineState {
    return this.timeline.current.state;
  }
  get gap(): Facts['gap'] {
    if (!this.openGap) return this.openGap;
    const { since, reason } = this.openGap;
    return { since, reason };
  }
  get causes(): readonly ActiveCause[] | null {
    // What was last interpreted says nothing about a machine that is not read.
    if (this.openGap !== null) return null;
    const interpretation = this.stateReader.interpretation;
    if (interpretation === null) return null;
    const { active, cause } = interpretation;
    if (cause === null || active.some((a) => a.cause === cause)) return active;
    return [...active, { cause, signal: null, code: null, text: null }];
  }
  value(signal: string): Value | null {
    return this.present.value(this.model.indexOf.get(signal) ?? -1);
  }
  changed(signal: string): { at: Instant; seen: boolean } | null {
    return this.present.changed(this.model.indexOf.get(signal) ?? -1);
  }

  /** What the machine or its connection reports as holding. Nothing of it is known while the machine is not read. */
  get conditions(): readonly ActiveCause[] | null {
    return this.openGap === null ? [...this.#conditions.values()] : null;
  }
  /** The driver bounds how many hold at once. */
  noteCondition({ name, active, text }: ConditionEvent): void {
    if (active) this.#conditions.set(name, { cause: name, signal: null, code: null, text });
    else this.#conditions.delete(name);
  }

  noteTrouble(reason: string): void {
    if (this.openGap) this.openGap = { ...this.openGap, reason };
  }

  noteImplausible(signal: string, monotonicMs: number): void {
    this.implausible.push({ signal, monotonicMs });
    if (this.implausible.length > maxImplausible) this.implausible.shift();
  }

  /** The wall clock was stepped: everything on the summaries' line moves along. */
  shift(shiftMs: number): void {
    for (const [i, base] of this.counterBases.entries()) {
      if (base === null) continue;
      const suspect = base.suspect === null ? null : { ...base.suspect, tMs: base.suspect.tMs + shiftMs };
      this.counterBases[i] = { ...base, tMs: base.tMs + shiftMs, suspect };
    }
    for (const [i, readMs] of this.counterReadMs.entries()) this.counterReadMs[i] = readMs + shiftMs;
    if (this.openGap) {
      const { fromMs, lineMs, since } = this.openGap;
      const moved = { ...since, wallMs: since.wallMs + shiftMs };
      this.openGap = { ...this.openGap, fromMs: fromMs + shiftMs, lineMs: lineMs + shiftMs, since: moved };
    }
    if (this.lastGoodMs !== null) this.lastGoodMs += shiftMs;
    this.restarts?.watch.shift(shiftMs);
    this.resets.shift(shiftMs);
    this.present.shift(shiftMs);
    for (const watch of this.#watches) watch.shift(shiftMs);
  }

  view(): MachineView {
    const { signals } = this.model;
    const setup = this.#setup;
    const current = this.timeline.current;
    return {
      id: setup.id,
      name: setup.name,
      kind: setup.kind,
      line: setup.line,
      station: setup.station,
      profile: setup.profile.profile,
      protocol: setup.protocol,
      endpoint: setup.endpoint ?? null,
      state: current.state,
      cause: current.cause,
      stateSinceMs: current.tMs,
      gap: this.openGap ? { fromMs: this.openGap.fromMs, reason: this.openGap.reason } : null,
      unknownCodes: this.openGap === null ? [...(this.stateReader.interpretation?.unknownCodes ?? [])] : [],
      lastGoodMs: this.lastGoodMs,
      readings: this.readings,
      hasEye: setup.web !== undefined,
      hasEar: setup.hasEar ?? false,
      signals: signals.map(({ index, name, spec }) => ({
        signal: name,
        kind: spec.kind,
        unit: spec.unit,
        ...this.present.known(index),
      })),
    };
  }
}

/** Readings that are stamped as they come are in order; that a machine is not read shows at the second poll at the latest. */
function settling(model: MachineModel): Pick<RollupOptions, 'settleAfterS'> {
  if (!isStampedAtReceipt(model.setup)) return {};
  const slowestMs = Math.max(0, ...model.signals.map((signal) => signal.intervalMs ?? 0));
  return { settleAfterS: settledS + (2 * slowestMs) / 1000 };
}

function offlineAfterS(rules: readonly Rule[]): number {
  const delays = rules.flatMap((rule) => rule.when.flatMap((c) => (c.kind === 'offline' ? [c.afterS] : [])));
  return delays.length === 0 ? defaultOfflineAfterS : Math.min(...delays);
}
