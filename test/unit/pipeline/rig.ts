/** A pipeline with hand-moved clocks and a list instead of a store. */
import type {
  AlertRecord,
  EventRecord,
  StateSummaryRecord,
  SummaryRecord,
  WireRecord,
} from '../../../cloud-bridge/contract.ts';
import { wireRecord } from '../../../cloud-bridge/contract.ts';
import type { Reading, Value } from '../../../drivers/contract.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import type { FabricFinding } from '../../../agent/findings.ts';
import type { MachineSetup } from '../../../agent/machine.ts';
import { createPipeline } from '../../../agent/pipeline.ts';
import type { DatedSpan, OddSound, Pipeline, PipelineOptions } from '../../../agent/pipeline-ports.ts';
import { loadRuleSet, shippedRules, type RuleSet } from '../../../agent/rules/load.ts';
import type { RuleOverrides } from '../../../agent/rules/schema.ts';
import type { JournalEntry, Recovery, RingBlock } from '../../../agent/store/store.ts';

const shipped = shippedRules();
export const reference = loadProfile('sewing-modbus-ref', []);

export const boot = '00000000000000aa';
export const emptyRecovery: Recovery = {
  boot,
  previousBoot: null,
  openOccurrences: [],
  justClosed: [],
  openActs: [],
  openSpans: [],
  lastCounters: [],
  clockShifts: [],
  lastSteps: [],
  lastRolls: [],
  needleCases: [],
  pageActs: null,
  ringTail: [],
  openSummaries: [],
  openStateSummaries: [],
  undated: [],
  quarantined: [],
};

export function setupOf(id: string, profile: Profile, more: Partial<MachineSetup> = {}): MachineSetup {
  return {
    id,
    name: id,
    kind: profile.kind,
    line: null,
    station: null,
    profile,
    firmware: null,
    protocol: profile.protocol,
    ...more,
  };
}

export interface RigOptions {
  readonly machines?: readonly MachineSetup[];
  readonly overrides?: RuleOverrides;
  readonly rules?: RuleSet;
  readonly options?: Partial<PipelineOptions>;
  readonly recovery?: Partial<Recovery>;
  readonly startMs?: number;
  /** How far the wall clock was stepped since the recovery was made; the start was two seconds before. */
  readonly steppedSinceMs?: number;
  readonly journal?: (entries: readonly JournalEntry[]) => Promise<void>;
}

/** 2026-01-05T08:00:00Z, a full minute. */
export const eight = Date.UTC(2026, 0, 5, 8);

export class Rig {
  wallMs: number;
  monotonicMs = 5_000;
  /** How much the monotonic clock moves at each look, as it does where work takes time. */
  lookMs = 0;
  readonly records: WireRecord[] = [];
  readonly urgent: boolean[] = [];
  readonly blocks: RingBlock[] = [];
  readonly dated: DatedSpan[] = [];
  readonly pipeline: Pipeline;

  constructor(options: RigOptions = {}) {
    this.wallMs = options.startMs ?? eight;
    const machines = options.machines ?? [setupOf('ls-1', reference)];
    this.pipeline = createPipeline({
      machines,
      rules: options.rules ?? loadRuleSet(options.overrides ?? {}, {}, shipped),
      clock: { wallMs: () => this.wallMs, monotonicMs: () => (this.monotonicMs += this.lookMs) },
      recovery: { ...emptyRecovery, ...options.recovery },
      ...(options.steppedSinceMs === undefined
        ? {}
        : { startedAt: { wallMs: this.wallMs - 2_000 - options.steppedSinceMs, monotonicMs: 3_000 } }),
      options: options.options ?? {},
      out: {
        journal: (entries, urgent) => {
          // What leaves must be what the contract says, to the field.
          for (const { record } of entries) this.records.push(wireRecord.parse(record));
          this.urgent.push(urgent);
          return options.journal?.(entries) ?? Promise.resolve();
        },
        ring: (block) => this.blocks.push(block),
        dated: (span) => this.dated.push(span),
      },
    });
  }

  /** Moves both clocks on, with a tick each 200 ms. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 200) {
      this.move(Math.min(200, left));
      this.pipeline.tick();
    }
  }
  move(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  reading(machine: string, signal: string, value: Value | null, atMs = this.wallMs): Reading {
    const base = { machine, signal, sourceTimeMs: atMs, receivedTimeMs: this.wallMs, monotonicMs: this.monotonicMs };
    return value === null ? { ...base, quality: 'bad', value, reason: 'timeout' } : { ...base, quality: 'good', value };
  }
  read(machine: string, values: Record<string, Value | null>): void {
    const readings = Object.entries(values).map(([signal, value]) => this.reading(machine, signal, value));
    this.pipeline.accept({ kind: 'readings', machine, readings });
  }
  gap(machine: string, phase: 'opened' | 'closed', fromMs: number, reason = 'timeout'): void {
    this.pipeline.accept({
      kind: 'gap',
      machine,
      phase,
      fromMs,
      toMs: phase === 'closed' ? this.wallMs : null,
      reason,
    });
  }

  alerts(): AlertRecord[] {
    return this.records.filter((r) => r.kind === 'alert');
  }
  events(event: string): EventRecord[] {
    return this.records.filter((r) => r.kind === 'event').filter((r) => r.event === event);
  }
  summaries(signal: string): SummaryRecord[] {
    return this.records.filter((r) => r.kind === 'summary').filter((r) => r.signal === signal);
  }
  stateSummaries(): StateSummaryRecord[] {
    return this.records.filter((r) => r.kind === 'state-summary');
  }
}

/** What a standing, healthy machine of the reference map shows. */
export const standing: Record<string, Value> = {
  'status.ready': true,
  'status.running': false,
  'status.presserup': true,
  'status.needleup': true,
  'status.trimming': false,
  'error.code': 0,
  'spindle.speed': 0,
  'stitch.total': 5000,
  'trim.count': 40,
  'piece.count': 12,
  'energy.total': 900,
  'needle.stitches': 5000,
  'motor.temp': 30,
};

/** What the ear tells of a machine it knows nothing more of. */
export const oddSound = (more: Partial<OddSound> = {}): OddSound => ({
  machine: 'ls-1',
  path: 'levels',
  sinceMs: eight,
  score: 6.21,
  threshold: 5.5,
  spread: 0.25,
  print: 2,
  moved: 0,
  movedBy: null,
  speed: 26,
  ranges: [],
  suspected: [],
  angle: null,
  needles: null,
  spectrogram: null,
  spectrogramAxis: null,
  model: 'machine-voiceprint@1.0.0',
  isSimulated: true,
  ...more,
});

/** A needle line as the eye tells it, two revolutions after it began. */
export const needleLine = (more: Partial<FabricFinding> = {}): FabricFinding => ({
  machine: 'ck-1',
  id: 1,
  phase: 'found',
  class: 'needle_line',
  shape: 'vertical',
  cause: 'needle_or_sinker',
  score: 4.2,
  threshold: 1,
  needle: 1207,
  k: 2,
  needleUnknown: null,
  rollFromMm: 5200,
  rollToMm: 5300,
  alongErrorMm: 2.31,
  acrossFromMm: 30.2,
  acrossToMm: 31.4,
  revolutions: 2,
  firstMs: eight + 100,
  lastMs: eight + 3_500,
  fabric: 'single-jersey',
  model: 'fabric-anomaly@1.0.0',
  isSimulated: true,
  crop: null,
  heatMap: null,
  heatPeak: null,
  mergedInto: null,
  ...more,
});
