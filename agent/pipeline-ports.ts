/** What goes into the pipeline and what comes out of it; `pipeline.ts` is the way between. */
import type { EventRecord, EvidenceData } from '../cloud-bridge/contract.ts';
import type { DriverEvent } from '../drivers/contract.ts';
import type { SignalSpec } from '../drivers/profiles/schema.ts';
import type { FaultName } from '../models/voiceprint/fault-classes.ts';
import type { ActPort } from './alert-acts.ts';
import type { ActionOutcome, AlertAction, AlertCounts } from './alerts/desk.ts';
import type { FoldMachine } from './dating/fold.ts';
import type { IncidentView } from './incidents/book.ts';
import type { AlertView, MachineView } from './live.ts';
import type { MachineLabel, MachineSetup } from './machine.ts';
import type { NeedleCaseDesk } from './needle-cases/desk.ts';
import type { ActsHead } from './store/page-acts-event.ts';
import type { SeenFabric } from './rolls/desk.ts';
import type { SummaryDraft } from './rollup/rollup.ts';
import type { Instant } from './rules/conditions.ts';
import type { RuleSet } from './rules/load.ts';
import type { FabricFinding } from './findings.ts';
import type { GapNote } from './store/gaps.ts';
import type { JournalEntry, Recovery, RingBlock } from './store/store.ts';

export interface PipelineClock {
  /** UTC milliseconds. */
  wallMs(): number;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
}

export interface PipelineOut {
  /** Resolves when the records are durable. What is not awaited here and fails is counted in `counts().lostRecords`. */
  journal(entries: readonly JournalEntry[], urgent: boolean): Promise<void>;
  ring(block: RingBlock): void;
  /** The time has become known: what this boot stored is to be dated. Called when all of it was handed to `journal` and `ring`. */
  dated?(span: DatedSpan): void;
}

/** The span of this boot in which the time was not known. */
export interface DatedSpan {
  /** What is to be added to its times, ms. */
  readonly shiftMs: number;
  /** Its end, UTC ms on the dated clock. */
  readonly untilMs: number;
}

/** What was dated afterwards. */
export interface DatedBoot {
  readonly boot: string;
  /** Null: nobody can know; its times stay as they are. */
  readonly shiftMs: number | null;
  /** Minute summaries folded from its readings. */
  readonly summaries: number;
}

export interface PipelineOptions {
  /** Seconds of readings in one ring block. */
  readonly ringBlockS: number;
  /** How often the running minute is summarised; 60: only when it is over. */
  readonly openMinuteEveryS: number;
  readonly sealAfterS: number;
  /** Time after its end for which late readings still change a minute. */
  readonly lateS: number;
  readonly agentVersion: string;
  /** UTC ms before which no clock that shows the time can be. */
  readonly builtMs: number;
  /** This start of the computer; null where it does not tell. */
  readonly hostBoot: string | null;
  /** Wall time less the computer's monotonic time at the start, ms. */
  readonly hostOffsetMs: number;
}
export const defaultPipelineOptions: PipelineOptions = {
  ringBlockS: 5,
  openMinuteEveryS: 60,
  sealAfterS: 5,
  lateS: 120,
  agentVersion: '0.0.0',
  builtMs: 0,
  hostBoot: null,
  hostOffsetMs: 0,
};

export interface PipelineInput {
  readonly machines: readonly MachineSetup[];
  readonly rules: RuleSet;
  readonly clock: PipelineClock;
  readonly recovery: Recovery;
  /** What both clocks showed when `recovery` was made, whose times are on that clock; absent: now. A step since then is one like any other. */
  readonly startedAt?: Instant;
  readonly out: PipelineOut;
  readonly options?: Partial<PipelineOptions>;
}

export interface PipelineCounts {
  readonly readings: number;
  readonly bad: number;
  /** Readings with a source time that could not be used; they are booked at their receipt. */
  readonly sourceTimeUnusable: number;
  /** Readings that came after their minute was closed for good; they are in the ring alone. */
  readonly tooLate: number;
  readonly unknownSignal: number;
  readonly unknownMachine: number;
  readonly discarded: number;
  readonly ringPoints: number;
  readonly ringBlocks: number;
  /** Blocks of the ring that could not be read at the start. */
  readonly damagedBlocks: number;
  readonly records: number;
  readonly lostRecords: number;
  readonly segment: number;
  /** Everything before this is in summaries that were handed to the outbox, UTC ms; 0 before the first. */
  readonly summarisedToMs: number;
  readonly alerts: AlertCounts;
  /** What was forgotten of incidents, for want of room. */
  readonly incidentsForgotten: number;
}

/** `toMs` is null while it lasts. */
export interface UplinkOutage {
  readonly phase: 'opened' | 'closed';
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly reason: string;
}

/** A version of a model whose process crashed again and again while it was on trial. */
export interface ModelTakenBack {
  /** Both `id@version`. */
  readonly model: string;
  readonly inUse: string;
  readonly crashes: number;
  /** How its process ended last. */
  readonly how: string;
}

/** A cloth that a person taught the eye of a machine. */
export interface ClothTaught {
  readonly fabric: string;
  readonly version: number;
  /** Pictures it was learned from. */
  readonly images: number;
  /** Name of the person. */
  readonly by: string;
}

/** What the eye tells of cloth. */
export interface FabricPort {
  /**
   * Takes what the eye found. `occurrence` is the alert it belongs to, null when there is none (it ended, or nobody watches that machine);
   * `durable` resolves when its records are stored.
   */
  told(finding: FabricFinding): { readonly occurrence: string | null; readonly durable: Promise<void> };
  /** The eye of this machine was started anew and remembers nothing. */
  anew(machine: string): void;
  /** The eye has looked at this machine long enough since the start to have told every line that is there. */
  looked(machine: string): void;
  /** What the eye looked at since it last said so. */
  seen(seen: SeenFabric): void;
  /**
   * A roll begins, by a person's word; without an id it goes by its number. `roll` is null where no eye looks at that machine; `durable`
   * resolves when it is stored.
   */
  rollBegin(
    machine: string,
    id: string | null,
  ): { readonly roll: { readonly number: number; readonly id: string } | null; readonly durable: Promise<void> };
  /** Keeps who taught what, as an event of the machine. Resolves when it is stored. */
  clothTaught(machine: string, taught: ClothTaught): Promise<void>;
}

/** A machine that does not sound like itself, as the ear tells it. */
export interface OddSound {
  readonly machine: string;
  /** By which it was heard: samples by their levels, or rounds of both branches; each has scores and thresholds of its own. */
  readonly path: 'levels' | 'rounds';
  /** UTC ms of the first odd sound. */
  readonly sinceMs: number;
  /** Median of the samples so far, a logarithm, or of the rounds so far; what was taught ends at the threshold. */
  readonly score: number;
  readonly threshold: number;
  /** Of normal scores. */
  readonly spread: number;
  /** Version of what was taught. */
  readonly print: number | null;
  /** What staff said moved the threshold by, in spreads, and by which labels; null: by none. */
  readonly moved: number;
  readonly movedBy: string | null;
  /** Stitches or revolutions a minute. */
  readonly speed: number;
  /** What stands out most. */
  readonly ranges: readonly {
    readonly what: 'level' | 'change';
    readonly fromHz: number;
    readonly toHz: number;
    readonly db: number;
  }[];
  /** Which faults it may be, the likeliest first: hypotheses, that began nothing and end nothing. */
  readonly suspected: readonly { readonly fault: FaultName; readonly probability: number }[];
  /** Where in a turn of the shaft it is louder than taught, from its mark on, ± k; null: no pulse tells it, or no angle stands out. */
  readonly angle: { readonly degrees: number; readonly k: number } | null;
  /** Which needle it may be, the likeliest first, each ± k; null where none is suspected or stands out. */
  readonly needles: { readonly needles: readonly number[]; readonly k: number } | null;
  /** SHA-256 of the picture of its last minute, kept as evidence; null where there is none. */
  readonly spectrogram: string | null;
  /** Where in it which frequency lies, as `senses/ear/picture-axis.ts` writes it; null where there is no picture. */
  readonly spectrogramAxis: string | null;
  /** `id@version`. */
  readonly model: string;
  readonly isSimulated: boolean;
}

/** What the ear tells of machines. */
export interface SoundPort {
  /**
   * Takes that a machine sounds odd. `occurrence` is the alert it belongs to, null where nobody watches that machine; `durable` resolves when
   * its records are stored.
   */
  began(sound: OddSound): { readonly occurrence: string | null; readonly durable: Promise<void> };
  /** It sounds like itself again. */
  ended(machine: string, atMs: number): void;
  /** The ear was started anew and remembers nothing: what lasted is cut off. */
  anew(machine: string, atMs: number): void;
  /** The ear has listened long enough since its start to have told what is there. */
  calm(machine: string, atMs: number): void;
  /** Keeps that a machine was enrolled, as an event of it. Resolves when it is stored. */
  taught(machine: string, data: EventRecord['data']): Promise<void>;
  /** Keeps what was said of an alert, or that it was taken back, as an event of the machine. Resolves when it is stored. */
  labelled(machine: string, data: EventRecord['data']): Promise<void>;
}

/** What people do with the cases of needles that broke. */
export type NeedleCasePort = Pick<
  NeedleCaseDesk,
  'open' | 'addFragment' | 'tickFragment' | 'withdrawFragment' | 'say' | 'close' | 'view' | 'views'
>;

/** What the gateway says of itself. */
export interface GatewayPort {
  /** A model on trial was taken back: an event and an alert of the gateway. */
  modelTakenBack(taken: ModelTakenBack): void;
  /** Notes that the uplink was lost or is back. */
  uplinkOutage(outage: UplinkOutage): void;
  /** Keeps what was asked from afar, and what became of it, as an event of the gateway. */
  remote(event: string, data: EventRecord['data']): void;
  /** How the store stands, to be told every few seconds: while it is full there is an alert. */
  storeFull(isFull: boolean): void;
  /** Tells what the store removed or folded for its age or for want of room. Resolves when that is durable. */
  dataEvicted(notes: readonly GapNote[]): Promise<void>;
  /** Keeps which line of what was done on the page is the newest. Resolves when that is durable, and rejects when it is not. */
  pageActs(head: ActsHead): Promise<void>;
  /** Tells that the span of a boot has been dated, or never can be. */
  bootDated(dated: DatedBoot): void;
}

export interface Pipeline {
  readonly fabric: FabricPort;
  readonly sound: SoundPort;
  readonly needles: NeedleCasePort;
  readonly gateway: GatewayPort;
  readonly acts: ActPort;
  accept(event: DriverEvent): void;
  /** To be called every 200 ms. */
  tick(): void;
  /** A person's deed. `durable` resolves when its record is stored. */
  alertAction(occurrence: string, action: AlertAction): { outcome: ActionOutcome; durable: Promise<void> };
  /** Notes a file that was kept and shows why; resolves when that is durable, and rejects when it is not. */
  evidence(machine: string, atMs: number, data: EvidenceData): Promise<void>;
  /** Other rules from now on. An alert whose rule is gone is closed; one whose rule changed is judged by the new one. */
  setRules(rules: RuleSet): void;
  /** Other names, lines and stations from now on; machines that are not watched are passed over. */
  setLabels(labels: readonly MachineLabel[]): void;
  /** What a machine says of itself; the bridge is told when it is new. */
  setIdentification(machine: string, identification: Readonly<Record<string, string>>): void;
  /** Signals that were found at a machine; to be told before the first reading of them. */
  addSignals(machine: string, signals: Readonly<Record<string, SignalSpec>>): void;
  machinesView(): MachineView[];
  alertsView(): AlertView[];
  /** The incident of an alert, open or closed; null where it has none, or it was over long ago. */
  incident(occurrence: string): IncidentView | null;
  /** What staff are told to do about an alert of this rule; null where it says nothing or is no longer configured. */
  runbook(machine: string, rule: string): string | null;
  counts(): PipelineCounts;
  /** Minutes of a span without the time, folded since; they leave as records of this boot. Resolves when they are durable. */
  foldedMinutes(drafts: readonly SummaryDraft[]): Promise<void>;
  /** How the machines are folded: as they are watched. */
  foldMachines(): FoldMachine[];
  /** Steps of the wall clock since the start. */
  clockSteps(): number;
  /** False until the wall clock has shown a time that can be true. */
  knowsTime(): boolean;
  /** Resolves when everything made so far is durable or counted as lost. */
  stored(): Promise<void>;
  /** At the stop: seals the open minutes and empties the ring's blocks. Resolves when everything is stored or lost (counted). */
  drain(): Promise<void>;
}
