/**
 * The way of the data through the agent, in one place:
 *
 *     reading batch → quality & gap check → canonical signals → ring + rollups
 *                   → state machine, detectors → alerts → outbox
 *
 * Drivers call `accept`, the composition root calls `tick` every 200 ms. Everything that leaves goes through `out`, in the
 * order it happened. Nothing in here waits, reads a file or knows a database.
 *
 * Invariants (test/unit/pipeline/):
 *  P1  Record numbers rise by one and are used once.
 *  P2  No reading, no gap: whatever is wrong or missing is a bad reading, a gap record or a counter in `counts`.
 *  P3  No alert but `offline` comes from a gap or a bad reading.
 *  P4  An alert leaves in the same call in which its condition was judged, marked urgent.
 */
import type { MachineState } from '../cloud-bridge/contract.ts';
import type { DiscardedEvent, DriverEvent, GapEvent, Reading, ReadingsEvent } from '../drivers/contract.ts';
import { AlertDesk, type ActionOutcome, type AlertAction } from './alerts/desk.ts';
import { alertDraft } from './alerts/record.ts';
import { advanceCounter } from './counters/counter.ts';
import { implausibleEvent, resetEvent } from './counters/events.ts';
import type { ResetGroup } from './counters/resets.ts';
import { Journaling } from './journaling.ts';
import type { AlertView, MachineView } from './live.ts';
import { machineDraft, type MachineLabel, type MachineNews } from './machine.ts';
import {
  defaultPipelineOptions,
  type Pipeline,
  type PipelineClock,
  type PipelineCounts,
  type PipelineInput,
  type PipelineOptions,
  type PipelineOut,
  type UplinkOutage,
} from './pipeline-ports.ts';
import { asChecked, checkReading, inTimeOrder, sourceTimeUsable } from './quality/check.ts';
import { recoverAlerts, recoverMinutes } from './recover.ts';
import { SegmentClock } from './rollup/clock.ts';
import { rank } from './rollup/points.ts';
import type { SummaryDraft } from './rollup/rollup.ts';
import type { Instant } from './rules/conditions.ts';
import { rulesFor, type RuleSet } from './rules/load.ts';
import type { Rule } from './rules/schema.ts';
import type { RingBlock } from './store/store.ts';
import { Watched } from './watched.ts';

/** With 200 ms a tick fifty machines are through in two seconds. */
const machinesPerTick = 5;
/** Folding and packing may take so long in a tick, in ms; at least one machine has its turn in each. */
const collectMs = 4;

/** Smaller contradictions are rounding and drift; a step of the wall clock is at least twice as large. */
const restampMs = 1000;

/** Makes the pipeline; its first records (machines, start, unverified alerts) leave at once through `out`. */
export function createPipeline(input: PipelineInput): Pipeline {
  return new DataPipeline(input);
}

class DataPipeline implements Pipeline {
  readonly #clock: PipelineClock;
  readonly #line: SegmentClock;
  readonly #out: PipelineOut;
  readonly #options: PipelineOptions;
  readonly #boot: string;
  readonly #journal: Journaling;
  readonly #desk: AlertDesk;
  readonly #machines = new Map<string, Watched>();
  readonly #runbooks = new Map<string, string | null>();
  /** Whose minutes and blocks are looked at in the next tick. */
  #turn = 0;
  readonly #counts = {
    readings: 0,
    bad: 0,
    sourceTimeUnusable: 0,
    tooLate: 0,
    unknownSignal: 0,
    unknownMachine: 0,
    discarded: 0,
    ringBlocks: 0,
    damagedBlocks: 0,
  };

  constructor(input: PipelineInput) {
    this.#clock = input.clock;
    this.#out = input.out;
    this.#options = { ...defaultPipelineOptions, ...input.options };
    this.#boot = input.recovery.boot;
    this.#line = new SegmentClock(input.clock.wallMs(), input.clock.monotonicMs());
    this.#journal = new Journaling({
      journal: (entries, urgent) => input.out.journal(entries, urgent),
      runbook: (machine, rule) => this.runbook(machine, rule),
    });
    this.#desk = new AlertDesk({
      boot: this.#boot,
      step: (step, atMs) => this.#journal.record(alertDraft(step, atMs)),
      flood: (phase, atMs, alerts) =>
        this.#journal.event({ machine: 'gateway', atMs, event: 'alert_flood', phase, fromMs: null, data: { alerts } }),
    });
    this.#start(input);
  }

  accept(event: DriverEvent): void {
    const machine = this.#machines.get(event.machine);
    if (machine === undefined) {
      this.#counts.unknownMachine++;
      return;
    }
    this.#observeClock();
    switch (event.kind) {
      case 'readings':
        this.#readings(machine, event);
        break;
      case 'gap':
        this.#gap(machine, event);
        break;
      case 'trouble':
        machine.noteTrouble(event.reason);
        break;
      case 'discarded':
        this.#discarded(event);
        break;
      case 'link':
        break;
    }
    this.#journal.flush();
  }

  tick(): void {
    this.#observeClock();
    const now = this.#now();
    const lineMs = this.#line.atMonotonic(now.monotonicMs);
    for (const machine of this.#machines.values()) {
      this.#offlineWhenSilent(machine, now);
      this.#rules(machine, now);
      this.#resetEvent(machine, machine.resets.take(Math.min(...machine.counterReadMs), now.monotonicMs));
    }
    this.#collect(now, lineMs);
    this.#desk.tick(now);
    this.#journal.flush();
  }

  /**
   * Summaries and ring blocks that are due, of a few machines a tick in turn: machines that started together are due together,
   * and fifty minutes folded and fifty blocks packed at once would keep every poll waiting.
   */
  #collect(now: Instant, lineMs: number): void {
    const machines = [...this.#machines.values()];
    const count = Math.min(machines.length, machinesPerTick);
    const untilMs = this.#clock.monotonicMs() + collectMs;
    for (let i = 0; i < count && (i === 0 || this.#clock.monotonicMs() < untilMs); i++) {
      const machine = machines[this.#turn % machines.length];
      this.#turn = (this.#turn + 1) % machines.length;
      if (machine === undefined) continue;
      this.#summaries(machine.rollup.due(lineMs));
      if (machine.ring.due(now.monotonicMs, this.#options.ringBlockS)) this.#ringBlock(machine.ring.take());
    }
  }

  // ——— reading batch → quality → canonical signals → ring + rollups ———

  #readings(machine: Watched, event: ReadingsEvent): void {
    let last: Reading | null = null;
    for (const reading of inTimeOrder(event.readings)) {
      const index = machine.model.indexOf.get(reading.signal);
      if (index === undefined) {
        this.#counts.unknownSignal++;
        continue;
      }
      // One batch may hold a signal several times; what is there before it comes again is one picture of the machine.
      if (machine.seenInGroup[index] === machine.group && last !== null) this.#judge(machine, last);
      machine.seenInGroup[index] = machine.group;
      this.#reading(machine, index, reading);
      last = reading;
    }
    if (last !== null) this.#judge(machine, last);
    this.#resetEvent(
      machine,
      machine.resets.take(Math.min(...machine.counterReadMs), last?.monotonicMs ?? this.#clock.monotonicMs()),
    );
  }

  #reading(machine: Watched, index: number, reading: Reading): void {
    const signal = machine.model.signals[index];
    if (signal === undefined) return;
    this.#counts.readings++;
    machine.readings++;
    const checked = checkReading(signal, reading);
    if (!this.#usable(reading)) this.#counts.sourceTimeUnusable++;
    if (checked.quality === 'bad') this.#counts.bad++;
    else machine.lastGoodMs = reading.receivedTimeMs;
    this.#ringBlock(machine.ring.offer(signal, asChecked(reading, checked)));

    const tMs = this.#lineTime(reading);
    const { value, quality } = checked;
    if (signal.spec.kind === 'gauge' || signal.spec.kind === 'counter') {
      const number = typeof value === 'number' ? value : NaN;
      if (!machine.rollup.add(index, tMs, number, rank[quality])) this.#counts.tooLate++;
    }
    const newer = machine.present.put(
      index,
      value,
      quality,
      checked.reason,
      tMs,
      reading.sourceTimeMs,
      reading.monotonicMs,
    );
    if (!newer) return;
    if (signal.decidesState) machine.stateReader.put(signal.name, value);
    if (quality === 'good' && machine.restarts?.index === index) {
      const span = machine.restarts.watch.read(tMs, Number(value));
      if (span !== null) machine.rollup.reset(span);
    }
    if (quality === 'good' && typeof value === 'number') this.#counter(machine, index, tMs, value, reading.monotonicMs);
  }

  #counter(machine: Watched, index: number, tMs: number, value: number, monotonicMs: number): void {
    const spec = machine.counterSpecs[index];
    const signal = machine.model.signals[index];
    if (spec === null || spec === undefined || signal === undefined) return;
    machine.counterReadMs[index] = tMs;
    const { base, step } = advanceCounter(spec, machine.counterBases[index] ?? null, { tMs, value }, []);
    machine.counterBases[index] = base;
    if (step?.kind === 'reset') {
      machine.rollup.reset({ afterMs: step.from.tMs, untilMs: step.to.tMs });
      machine.resets.note(signal.name, step, monotonicMs);
    } else if (step?.kind === 'implausible') {
      machine.noteImplausible(signal.name, monotonicMs);
      this.#journal.event(implausibleEvent(machine.id, signal.name, step));
    }
  }

  #gap(machine: Watched, event: GapEvent): void {
    const now = this.#now();
    const lineMs = this.#line.atWall(event.fromMs);
    if (event.phase === 'opened') {
      // On the line, which a step of the wall clock has moved along with everything on it.
      const agoMs = Math.max(0, this.#line.atMonotonic(now.monotonicMs) - lineMs);
      const since = { wallMs: event.fromMs, monotonicMs: now.monotonicMs - agoMs };
      machine.openGap = { fromMs: event.fromMs, lineMs, since, reason: event.reason };
      machine.present.forget(`gap-${event.reason}`);
      machine.stateReader.forget();
      machine.ring.gap(
        { sourceTimeMs: event.fromMs, receivedTimeMs: now.wallMs, monotonicMs: now.monotonicMs },
        event.reason,
      );
      machine.rollup.gapOpened(lineMs);
      this.#state(machine, lineMs, 'UNKNOWN', null);
    } else {
      machine.openGap = null;
      machine.rollup.gapClosed(lineMs, this.#line.atWall(event.toMs ?? now.wallMs));
    }
    this.#journal.event({
      machine: machine.id,
      atMs: Math.round(event.toMs ?? (event.phase === 'opened' ? event.fromMs : now.wallMs)),
      event: 'gap',
      phase: event.phase,
      fromMs: Math.round(event.fromMs),
      data: { reason: event.reason },
    });
    this.#rules(machine, now);
  }

  #discarded(event: DiscardedEvent): void {
    this.#counts.discarded += event.count;
  }

  // ——— state machine, detectors → alerts ———

  #judge(machine: Watched, at: Reading): void {
    machine.group++;
    const tMs = this.#lineTime(at);
    if (!machine.openGap) {
      machine.openGap ??= null;
      const { state, cause } = machine.stateReader.verdict();
      this.#state(machine, tMs, state, cause);
      for (const { signal, code } of machine.stateReader.newUnknownCodes()) {
        this.#journal.instant(machine.id, tMs, 'unknown_code', { signal, code });
      }
    }
    this.#rules(machine, { wallMs: at.sourceTimeMs, monotonicMs: at.monotonicMs });
  }

  #offlineWhenSilent(machine: Watched, now: Instant): void {
    const gap = machine.openGap;
    if (!gap || machine.state === 'OFFLINE') return;
    if (now.monotonicMs - gap.since.monotonicMs >= machine.offlineAfterS * 1000) {
      this.#state(machine, gap.lineMs, 'OFFLINE', null);
    }
  }

  #state(machine: Watched, tMs: number, state: MachineState, cause: string | null): void {
    const before = machine.timeline.current;
    if (before.state === state && before.cause === cause) return;
    machine.timeline.set(tMs, state, cause);
    machine.rollup.stateChanged(tMs);
    const { tMs: atMs } = machine.timeline.current;
    this.#journal.instant(machine.id, atMs, 'state_changed', { from: before.state, to: state, cause });
  }

  #rules(machine: Watched, at: Instant): void {
    machine.now = at;
    const now = this.#now();
    for (const watch of machine.watches) {
      const { rule } = watch;
      const suppressed = rule.suppressIn.includes(machine.state);
      const output = watch.judge(machine, now.wallMs);
      switch (output?.kind) {
        case 'activate':
          this.#desk.activate(machine.id, rule, output.activation, output.chattering, suppressed, now);
          break;
        case 'clear':
          this.#desk.clear(machine.id, rule.id, output.clearedMs, now);
          break;
        case 'confirm':
          this.#desk.confirm(machine.id, rule.id, now);
          break;
        case undefined:
          break;
      }
      if (rule.suppressIn.length > 0) this.#desk.suppress(machine.id, rule.id, suppressed, now);
    }
  }

  #resetEvent(machine: Watched, group: ResetGroup | null): void {
    if (group !== null) this.#journal.event(resetEvent(machine.id, group));
  }

  alertAction(occurrence: string, action: AlertAction): { outcome: ActionOutcome; durable: Promise<void> } {
    const outcome = this.#desk.act(occurrence, action, this.#now());
    this.#journal.flush();
    return { outcome, durable: this.#journal.durable() };
  }

  uplinkOutage({ phase, fromMs, toMs, reason }: UplinkOutage): void {
    const atMs = Math.round(toMs ?? this.#clock.wallMs());
    this.#journal.event({
      machine: 'gateway',
      atMs,
      event: 'uplink_outage',
      phase,
      fromMs: Math.round(fromMs),
      data: { reason },
    });
    this.#journal.flush();
  }

  setRules(rules: RuleSet): void {
    const now = this.#now();
    for (const machine of this.#machines.values()) {
      const { id, kind, profile } = machine.model.setup;
      const own = rulesFor(rules, id, kind, profile);
      for (const rule of own) this.#runbooks.set(`${id} ${rule.id}`, rule.runbook);
      for (const gone of machine.setRules(own)) {
        this.#desk.abandon(id, gone, now);
        this.#runbooks.delete(`${id} ${gone}`);
      }
    }
    this.#journal.flush();
  }

  setLabels(labels: readonly MachineLabel[]): void {
    for (const { id, name, line, station } of labels) this.#describe(id, { name, line, station });
    this.#journal.flush();
  }

  setIdentification(machine: string, identification: Readonly<Record<string, string>>): void {
    this.#describe(machine, { identification });
    this.#journal.flush();
  }

  /** Something about a machine is known otherwise than before. */
  #describe(id: string, news: MachineNews): void {
    const machine = this.#machines.get(id);
    if (machine === undefined || !machine.describe(news)) return;
    this.#journal.record(machineDraft(machine.setup, Math.round(this.#clock.wallMs())));
  }

  machinesView(): MachineView[] {
    return [...this.#machines.values()].map((machine) => machine.view());
  }

  alertsView(): AlertView[] {
    return this.#desk.open().flatMap(({ id }) => this.#journal.alert(id) ?? []);
  }

  runbook(machine: string, rule: string): string | null {
    return this.#runbooks.get(`${machine} ${rule}`) ?? null;
  }

  counts(): PipelineCounts {
    let ringPoints = 0;
    let summarisedToMs = Infinity;
    for (const machine of this.#machines.values()) {
      ringPoints += machine.ring.stored;
      summarisedToMs = Math.min(summarisedToMs, machine.rollup.summarisedToMs);
    }
    if (!Number.isFinite(summarisedToMs)) summarisedToMs = 0;
    const { made: records, lost: lostRecords } = this.#journal;
    const { segment } = this.#line;
    return { ...this.#counts, ringPoints, records, lostRecords, segment, summarisedToMs, alerts: this.#desk.counts() };
  }

  async drain(): Promise<void> {
    this.#observeClock();
    const now = this.#now();
    const lineMs = this.#line.atMonotonic(now.monotonicMs);
    for (const machine of this.#machines.values()) {
      this.#resetEvent(machine, machine.resets.flush());
      this.#summaries(machine.rollup.seal(lineMs));
      this.#ringBlock(machine.ring.take());
    }
    this.#journal.instant('gateway', Math.round(now.wallMs), 'agent_stopped', { boot: this.#boot });
    this.#journal.flush();
    await this.#journal.settled();
  }

  // ——— start, clocks ———

  #start({ machines, rules, recovery }: PipelineInput): void {
    const now = this.#now();
    const lineMs = this.#line.atMonotonic(now.monotonicMs);
    this.#journal.instant('gateway', Math.round(now.wallMs), 'agent_started', {
      boot: this.#boot,
      previousBoot: recovery.previousBoot,
      version: this.#options.agentVersion,
    });
    for (const { machine, event, fromMs } of recovery.openSpans) {
      const data = { reason: 'agent-restarted' };
      this.#journal.event({ machine, atMs: Math.round(now.wallMs), event, phase: 'closed', fromMs, data });
    }
    for (const what of recovery.quarantined) {
      this.#journal.instant('gateway', Math.round(now.wallMs), 'store_quarantined', { file: what });
    }
    const chosen = new Map<string, readonly Rule[]>();
    for (const setup of machines) chosen.set(setup.id, rulesFor(rules, setup.id, setup.kind, setup.profile));
    const open = recoverAlerts(this.#desk, recovery, chosen, now);
    const key = { boot: this.#boot, segment: this.#line.segment };
    for (const setup of machines) {
      const own = chosen.get(setup.id) ?? [];
      for (const rule of own) this.#runbooks.set(`${setup.id} ${rule.id}`, rule.runbook);
      const machine = new Watched(setup, own, open.get(setup.id) ?? new Map(), lineMs, key, this.#options);
      this.#machines.set(setup.id, machine);
      this.#journal.record(machineDraft(setup, Math.round(now.wallMs)));
      const { ringBlockS } = this.#options;
      const { drafts, damagedBlocks } = recoverMinutes(machine, recovery, { nowMs: now.wallMs, ringBlockS });
      this.#summaries(drafts);
      this.#counts.damagedBlocks += damagedBlocks;
    }
    this.#journal.flush();
  }

  #now(): Instant {
    return { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
  }

  #usable(reading: Reading): boolean {
    return sourceTimeUsable(reading, this.#options.lateS * 1000);
  }

  /**
   * By its wall time, so that spans between readings are those the source told, to the millisecond. Where that contradicts
   * its age, the wall clock was set between its stamp and its delivery: then by its age.
   */
  #lineTime(reading: Reading): number {
    const receivedMs = this.#line.atMonotonic(reading.monotonicMs);
    if (!this.#usable(reading)) return receivedMs;
    const byAgeMs = receivedMs - Math.round(reading.receivedTimeMs - reading.sourceTimeMs);
    const byWallMs = this.#line.atWall(reading.sourceTimeMs);
    return Math.abs(byWallMs - byAgeMs) < restampMs ? byWallMs : byAgeMs;
  }

  #observeClock(): void {
    const { wallMs, monotonicMs } = this.#now();
    const oldMs = this.#line.atMonotonic(monotonicMs);
    const stepMs = this.#line.observe(wallMs, monotonicMs);
    if (stepMs === null) return;
    const newMs = this.#line.atMonotonic(monotonicMs);
    const { segment } = this.#line;
    for (const machine of this.#machines.values()) {
      this.#summaries(machine.rollup.seal(oldMs));
      machine.rollup.openSegment({ boot: this.#boot, segment }, newMs - oldMs, newMs);
      machine.shift(newMs - oldMs);
    }
    this.#journal.instant('gateway', newMs, 'clock_step', { stepMs, segment });
  }

  // ——— outbox ———

  #summaries(drafts: readonly SummaryDraft[]): void {
    for (const draft of drafts) this.#journal.record(draft);
  }

  #ringBlock(block: RingBlock | null): void {
    if (block === null) return;
    this.#counts.ringBlocks++;
    this.#out.ring(block);
  }
}
