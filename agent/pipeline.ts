/**
 * The way of the data through the agent, in one place:
 *
 *     reading batch → quality & gap check → canonical signals → ring + rollups      (intake.ts)
 *                   → state machine, detectors → alerts                             (judgement.ts)
 *     finding of a sense → its roll (rolls/desk.ts) → alerts (findings.ts)            (fabric.ts)
 *     sound of a machine that is odd → alerts                                          (sounds.ts)
 *     alerts of both about one needle → one incident                                   (incidents/book.ts)
 *     alerts of a needle that broke → its case                                         (needle-cases/desk.ts)
 *     what the gateway says of itself                                                 (gateway.ts)
 *     minutes and blocks that are due                                                 (collecting.ts)
 *                   → outbox                                                        (journaling.ts)
 *
 * Drivers call `accept`, the composition root calls `tick` every 200 ms. Everything that leaves goes through `out`, in the
 * order it happened. Nothing in here waits, reads a file or knows a database.
 *
 * Invariants (test/unit/pipeline/):
 *  P1  Record numbers rise by one and are used once.
 *  P2  No reading, no gap: whatever is wrong or missing is a bad reading, a gap record or a counter in `counts`.
 *  P3  No alert but `offline` comes from a gap or a bad reading.
 *  P4  An alert leaves in the same call in which its condition was judged, marked urgent.
 *  P5  While the time is not known no minute is summarised: whole minutes of a day nobody knows cannot be put right by a span that
 *      is no whole number of minutes. They are folded from the ring once it is known (`agent/dating/`).
 */
import type { EvidenceData } from '../cloud-bridge/contract.ts';
import type { DriverEvent } from '../drivers/contract.ts';
import type { SignalSpec } from '../drivers/profiles/schema.ts';
import { ActDesk } from './alert-acts.ts';
import { AlertDesk, type ActionOutcome, type AlertAction } from './alerts/desk.ts';
import { alertDraft } from './alerts/record.ts';
import { ClockSteps } from './clock-steps.ts';
import { Collecting } from './collecting.ts';
import type { FoldMachine } from './dating/fold.ts';
import { FabricDesk } from './fabric.ts';
import { GatewayDesk } from './gateway.ts';
import { IncidentBook, type IncidentView } from './incidents/book.ts';
import { Intake } from './intake.ts';
import { Journaling } from './journaling.ts';
import { NeedleCaseDesk } from './needle-cases/desk.ts';
import { Judgement } from './judgement.ts';
import { LineTime } from './line-time.ts';
import type { AlertView, MachineView } from './live.ts';
import { alertRules, MachineRules } from './machine-rules.ts';
import { machineDraft, type MachineLabel, type MachineNews } from './machine.ts';
import {
  defaultPipelineOptions,
  type Pipeline,
  type PipelineClock,
  type PipelineCounts,
  type PipelineInput,
  type PipelineOptions,
} from './pipeline-ports.ts';
import { recoverAlerts, recoverMinutes } from './recover.ts';
import type { SummaryDraft } from './rollup/rollup.ts';
import type { Instant } from './rules/conditions.ts';
import type { RuleSet } from './rules/load.ts';
import { SoundDesk } from './sounds.ts';
import { evidenceEvent } from './store/evidence-event.ts';
import { Watched } from './watched.ts';

/** Makes the pipeline; its first records (machines, start, unverified alerts) leave at once through `out`. */
export function createPipeline(input: PipelineInput): Pipeline {
  return new DataPipeline(input);
}

class DataPipeline implements Pipeline {
  readonly gateway: GatewayDesk;
  readonly fabric: FabricDesk;
  readonly sound: SoundDesk;
  readonly acts: ActDesk;
  readonly needles: NeedleCaseDesk;
  readonly #clock: PipelineClock;
  readonly #line: LineTime;
  readonly #options: PipelineOptions;
  readonly #boot: string;
  readonly #journal: Journaling;
  readonly #desk: AlertDesk;
  readonly #incidents = new IncidentBook();
  readonly #judgement: Judgement;
  readonly #intake: Intake;
  readonly #machines = new Map<string, Watched>();
  readonly #rules: MachineRules;
  readonly #steps: ClockSteps;
  readonly #collecting: Collecting;
  readonly #counts = { unknownMachine: 0, discarded: 0, damagedBlocks: 0 };

  constructor(input: PipelineInput) {
    this.#clock = input.clock;
    this.#rules = new MachineRules(input.rules);
    this.#options = { ...defaultPipelineOptions, ...input.options };
    this.#boot = input.recovery.boot;
    const { clock } = input;
    const startedAt = input.startedAt ?? { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    this.#line = new LineTime(clock, this.#options.lateS * 1000, startedAt);
    const sameHost = input.recovery.undated.filter((span) => span.sameHost).map((span) => span.boot);
    this.#journal = new Journaling({
      journal: (entries, urgent) => input.out.journal(entries, urgent),
      runbook: (machine, rule) => this.runbook(machine, rule),
      incident: (occurrence) => this.incident(occurrence),
      acts: (occurrence) => this.acts.of(occurrence),
    });
    this.#desk = new AlertDesk({
      boot: this.#boot,
      step: (step, atMs) => {
        this.#journal.record(alertDraft(step, atMs));
        this.#incidents.stepped(step, atMs);
        this.acts.stepped(step);
        this.needles.stepped(step, atMs);
      },
      flood: (phase, atMs, alerts) =>
        this.#journal.event({ machine: 'gateway', atMs, event: 'alert_flood', phase, fromMs: null, data: { alerts } }),
    });
    const [line, journal, desk, incidents] = [this.#line, this.#journal, this.#desk, this.#incidents];
    const now = () => line.now();
    this.acts = new ActDesk({ journal, desk, now });
    this.gateway = new GatewayDesk({ journal, desk, now });
    const isWatched = (machine: string) => this.#watched(machine) !== undefined;
    this.sound = new SoundDesk({ journal, desk, incidents, now, isWatched });
    const value = (machine: string, signal: string) => {
      const newest = this.#machines.get(machine)?.value(signal);
      return typeof newest === 'number' ? newest : null;
    };
    this.fabric = new FabricDesk({ journal, desk, incidents, now, isWatched, value });
    this.needles = new NeedleCaseDesk({ boot: this.#boot, journal, now, isWatched, value });
    this.#judgement = new Judgement({ line, journal, desk });
    const collecting = new Collecting({
      machines: this.#machines,
      ringBlockS: this.#options.ringBlockS,
      monotonicMs: () => clock.monotonicMs(),
      knowsTime: () => this.#steps.knowsTime,
      record: (draft) => journal.record(draft),
      ring: (block) => input.out.ring(block),
    });
    this.#collecting = collecting;
    this.#steps = new ClockSteps({
      line,
      journal,
      desk,
      incidents,
      acts: this.acts,
      needles: this.needles,
      machines: this.#machines,
      boot: this.#boot,
      ownBoots: new Set([this.#boot, ...sameHost]),
      builtMs: this.#options.builtMs,
      knowsTime: startedAt.wallMs >= this.#options.builtMs,
      summaries: (drafts) => collecting.summaries(drafts),
      ringBlock: (block) => collecting.ringBlock(block),
      dated: (span) => input.out.dated?.(span),
    });
    this.#intake = new Intake({
      line,
      journal,
      judgement: this.#judgement,
      ring: (block) => collecting.ringBlock(block),
    });
    this.#start(input);
    this.#steps.observe();
  }

  accept(event: DriverEvent): void {
    const machine = this.#watched(event.machine);
    if (machine === undefined) return;
    this.#steps.observe();
    switch (event.kind) {
      case 'readings':
        this.#intake.readings(machine, this.#steps.knowsTime ? this.#line.stampedAnew(event) : event);
        if (machine.setup.web !== undefined) this.fabric.counted(machine.id);
        if (machine.state === 'RUN') this.needles.ran(machine.id);
        break;
      case 'gap':
        this.#intake.gap(machine, event);
        break;
      case 'trouble':
        machine.noteTrouble(event.reason);
        break;
      case 'discarded':
        this.#counts.discarded += event.count;
        break;
      case 'condition':
        machine.noteCondition(event);
        this.fabric.condition(machine.id, event.name, event.active);
        this.#judgement.rules(machine, this.#line.now());
        break;
      case 'link':
        break;
    }
    this.#journal.flush();
  }

  /** Counts what comes of a machine nobody watches. */
  #watched(id: string): Watched | undefined {
    const machine = this.#machines.get(id);
    if (machine === undefined) this.#counts.unknownMachine++;
    return machine;
  }

  tick(): void {
    this.#steps.observe();
    const now = this.#line.now();
    const lineMs = this.#line.atMonotonic(now.monotonicMs);
    for (const machine of this.#machines.values()) this.#judgement.tick(machine, now);
    this.#collecting.tick(now.monotonicMs, lineMs);
    this.#steps.flushUndated();
    this.#desk.tick(now);
    this.needles.tick();
    this.#journal.flush();
  }

  alertAction(occurrence: string, action: AlertAction): { outcome: ActionOutcome; durable: Promise<void> } {
    const outcome = this.#desk.act(occurrence, action, this.#line.now());
    this.#journal.flush();
    return { outcome, durable: this.#journal.durable() };
  }

  evidence(machine: string, atMs: number, data: EvidenceData): Promise<void> {
    this.#journal.instant(machine, atMs, evidenceEvent, data);
    this.#journal.flush();
    return this.#journal.durable();
  }

  setRules(rules: RuleSet): void {
    const now = this.#line.now();
    this.#rules.change(rules);
    for (const machine of this.#machines.values()) this.#rulesOf(machine, now);
    this.#journal.flush();
  }

  /** Which rules a machine has depends on its signals. */
  #rulesOf(machine: Watched, now: Instant): void {
    const { id } = machine.setup;
    for (const gone of machine.setRules(this.#rules.give(machine.setup))) {
      this.#desk.abandon(id, gone, now);
      this.#rules.forget(id, gone);
    }
  }

  addSignals(id: string, signals: Readonly<Record<string, SignalSpec>>): void {
    const machine = this.#machines.get(id);
    if (machine === undefined || !machine.grow(signals)) return;
    this.#rulesOf(machine, this.#line.now());
    this.#journal.record(machineDraft(machine.setup, Math.round(this.#clock.wallMs())));
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

  incident(occurrence: string): IncidentView | null {
    return this.#incidents.of(occurrence);
  }

  runbook(machine: string, rule: string): string | null {
    return this.#rules.runbook(machine, rule);
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
    return {
      ...this.#intake.counts,
      ...this.#counts,
      ringBlocks: this.#collecting.ringBlocks,
      ringPoints,
      records,
      lostRecords,
      segment,
      summarisedToMs,
      alerts: this.#desk.counts(),
      incidentsForgotten: this.#incidents.forgotten,
    };
  }

  stored(): Promise<void> {
    return this.#journal.settled();
  }

  async drain(): Promise<void> {
    this.#steps.observe();
    const now = this.#line.now();
    const lineMs = this.#line.atMonotonic(now.monotonicMs);
    this.#steps.flushUndated(Infinity);
    for (const machine of this.#machines.values()) {
      this.#judgement.lastResets(machine);
      this.#collecting.summaries(machine.rollup.seal(lineMs));
      this.#collecting.ringBlock(machine.ring.take());
    }
    this.fabric.flush();
    this.#journal.instant('gateway', Math.round(now.wallMs), 'agent_stopped', { boot: this.#boot });
    this.#journal.flush();
    await this.#journal.settled();
    this.#journal.flushLoss();
    await this.#journal.settled();
  }

  // ——— start ———

  #start({ machines, recovery }: PipelineInput): void {
    const { monotonicMs } = this.#line.now();
    const lineMs = this.#line.atMonotonic(monotonicMs);
    // On the clock of what was recovered: where it was stepped since, that is told next.
    const now: Instant = { wallMs: lineMs, monotonicMs };
    this.#journal.instant('gateway', lineMs, 'agent_started', {
      boot: this.#boot,
      previousBoot: recovery.previousBoot,
      version: this.#options.agentVersion,
      hostBoot: this.#options.hostBoot,
      hostOffsetMs: this.#options.hostOffsetMs,
    });
    for (const { machine, event, fromMs } of recovery.openSpans) {
      const data = { reason: 'agent-restarted' };
      this.#journal.event({ machine, atMs: Math.round(now.wallMs), event, phase: 'closed', fromMs, data });
    }
    const given = new Map(machines.map((setup) => [setup.id, this.#rules.give(setup)]));
    for (const { id, cylinder } of machines) if (cylinder !== undefined) this.#incidents.watch(id, cylinder);
    const told = [...recovery.justClosed, ...recovery.openOccurrences].sort((a, b) => a.raisedMs - b.raisedMs);
    for (const record of told) this.#incidents.recover(record);
    this.acts.recover(recovery.openActs);
    this.needles.recover(recovery.needleCases);
    const open = recoverAlerts(this.#desk, recovery, alertRules(machines, given), now);
    this.gateway.quarantined(recovery.quarantined, now);
    const key = { boot: this.#boot, segment: this.#line.segment };
    for (const setup of machines) {
      const machine = new Watched(
        setup,
        given.get(setup.id) ?? [],
        open.get(setup.id) ?? new Map(),
        lineMs,
        key,
        this.#options,
      );
      this.#machines.set(setup.id, machine);
      if (setup.web !== undefined) this.fabric.watch(setup.id, setup.web, recovery.lastRolls);
      this.#journal.record(machineDraft(setup, Math.round(now.wallMs)));
      const { ringBlockS } = this.#options;
      const { drafts, damagedBlocks } = recoverMinutes(machine, recovery, { nowMs: now.wallMs, ringBlockS });
      for (const draft of drafts) this.#journal.record(draft);
      this.#counts.damagedBlocks += damagedBlocks;
    }
    this.#journal.flush();
  }

  foldedMinutes(drafts: readonly SummaryDraft[]): Promise<void> {
    for (const draft of drafts) this.#journal.record(draft);
    this.#journal.flush();
    return this.#journal.durable();
  }

  foldMachines(): FoldMachine[] {
    return [...this.#machines.values()].map(({ setup, offlineAfterS }) => ({ setup, offlineAfterS }));
  }

  clockSteps(): number {
    return this.#line.segment;
  }

  knowsTime(): boolean {
    return this.#steps.knowsTime;
  }
}
