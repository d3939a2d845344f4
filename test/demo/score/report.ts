/**
 * What the demo's judge works with and what it writes. The judge imports nothing of the agent or the simulators: it reads
 * the scenario, the truth log and the databases as any auditor could.
 */

export interface Expectation {
  readonly as: 'alert' | 'event';
  readonly type: string;
  readonly withinS: number;
  readonly clearsWithinS: number | null;
}

export interface TruthLine {
  readonly t: number;
  readonly machine: string;
  readonly kind: 'state' | 'fault' | 'clear' | 'counter' | 'gauge' | 'status' | 'piece' | 'defect';
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** A row of the scenario's fault list. */
export interface PlannedFault {
  readonly id: string;
  readonly machine: string;
  readonly fault: string;
  readonly expect: Expectation;
}

/** One occurrence or event span as a database tells it. */
export interface Observation {
  readonly as: 'alert' | 'event';
  readonly machine: string;
  readonly type: string;
  readonly onsetMs: number;
  readonly detectedMs: number;
  readonly clearedMs: number | null;
}

export interface StoredPoint {
  readonly tMs: number;
  readonly value: number | string | boolean | null;
  readonly good: boolean;
}

export interface CounterAtBridge {
  readonly machine: string;
  readonly signal: string;
  readonly delta: number;
  readonly uncertainty: number;
  readonly resets: number;
}

export interface RunFacts {
  readonly seed: number;
  readonly startedMs: number;
  /** When the machines stood still. */
  readonly haltedMs: number;
  readonly healthy: boolean;
  readonly without: readonly string[];
  readonly eventLoopP99Ms: number;
  readonly eventLoopIdleP99Ms: number;
  readonly rssMB: number;
  /** Records the agent itself counted as lost before they reached its journal. */
  readonly lostRecords: number;
  readonly machines: readonly { id: string; kind: string; protocol: string; profile: string }[];
}

export interface FaultRow extends PlannedFault {
  readonly injectedAt: number | null;
  readonly detectedAt: number | null;
  readonly delayMs: number | null;
  readonly clearedAt: number | null;
}

export interface ConservedRow {
  readonly machine: string;
  readonly signal: string;
  readonly truth: number;
  readonly atBridge: number;
  readonly uncertainty: number;
  readonly reset: boolean;
}

export interface ValueRow {
  readonly machine: string;
  readonly signal: string;
  readonly checked: number;
  readonly wrong: number;
  /** The first reading that was never true, to start looking from. */
  readonly example: string | null;
}

export interface SyncRow {
  readonly sealed: number;
  readonly acked: number;
  readonly redelivered: number;
  readonly atBridge: number;
  readonly lost: number;
  readonly duplicated: number;
}

export interface MachineRow {
  readonly id: string;
  readonly kind: string;
  readonly protocol: string;
  readonly readings: number;
  readonly gaps: readonly { from: number; to: number | null; reason: string }[];
  readonly states: Record<string, number>;
}

/** An alert of the eye as the bridge has it. */
export interface FabricAlert {
  readonly machine: string;
  readonly type: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** A worn needle the eye told of. Metres of the roll. */
export interface EyeRow {
  readonly id: string;
  readonly machine: string;
  readonly needle: number | null;
  readonly k: number | null;
  readonly trueNeedle: number;
  readonly metre: number | null;
  readonly trueM: number;
  readonly cropBytes: number | null;
}

/** An alert of the ear as the bridge has it. */
export interface SoundAlert extends FabricAlert {
  /** Hash of its picture; null: it has none. */
  readonly picture: string | null;
}

/** A fault the ear told of. */
export interface EarRow {
  readonly id: string;
  readonly machine: string;
  /** The likeliest fault, and its probability; null: none is suspected. */
  readonly suspected: string | null;
  readonly probability: number | null;
  /** Of the shaft, degrees from its mark on. */
  readonly degrees: number | null;
  readonly k: number | null;
  readonly trueFault: string;
  /** Code of domain knowledge: F2 is a bent needle. */
  readonly code: string;
  readonly trueDegrees: number;
  readonly pictureBytes: number | null;
}

export interface Report {
  readonly ok: boolean;
  readonly durationS: number;
  readonly seed: number;
  readonly machines: readonly MachineRow[];
  readonly faults: readonly FaultRow[];
  readonly falseAlerts: number;
  readonly conserved: readonly ConservedRow[];
  readonly sync: SyncRow;
  readonly eventLoopP99Ms: number;
  readonly eventLoopIdleP99Ms: number;
  readonly rssMB: number;
  /** Every stored reading but those of counters held against what the machine showed at that time. */
  readonly values: readonly ValueRow[];
  readonly eye: readonly EyeRow[];
  readonly ear: readonly EarRow[];
  /** In words, each thing that makes `ok` false. */
  readonly problems: readonly string[];
}
