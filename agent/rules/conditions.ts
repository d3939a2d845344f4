/**
 * Does a condition hold? Three answers: it holds, it is clear, or it cannot be judged. What is unknown raises nothing and
 * clears nothing, so a gap or a bad reading makes no alert but `offline`. Pure but for the memory handed in.
 */
import type { Value } from '../../drivers/contract.ts';
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { Evidence } from '../alerts/occurrence.ts';
import { isReported, matchesCause } from './load.ts';
import type { Condition } from './schema.ts';

/** An instant on both clocks: durations are taken from the monotonic one, what people read from the other. */
export interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** What conditions may look at: the present of one machine. */
export interface Facts {
  readonly now: Instant;
  readonly state: MachineState;
  /** The value as it is known; null when it is not (no reading yet, a bad one, an open gap). */
  value(signal: string): Value | null;
  /** When the value last changed, and whether a change was ever seen since it became known. */
  changed(signal: string): { readonly at: Instant; readonly seen: boolean } | null;
  /** Canonical causes in force; null when the machine cannot be interpreted. */
  readonly causes: readonly ActiveCause[] | null;
  /** What the machine or its connection reports as holding, by name; null while the machine is not read. */
  readonly conditions: readonly ActiveCause[] | null;
  /** The open gap; null when the machine is read; undefined before it is known. */
  readonly gap: { readonly since: Instant; readonly reason: string } | null | undefined;
  /** Monotonic times of the implausible counter steps lately seen, oldest first, by signal. */
  readonly implausible: readonly { readonly signal: string; readonly monotonicMs: number }[];
}

export interface ActiveCause {
  readonly cause: string;
  readonly signal: string | null;
  readonly code: string | null;
  readonly text: string | null;
}

export type Judgement =
  | { readonly truth: 'unknown' }
  | { readonly truth: 'clear' }
  | {
      readonly truth: 'holds';
      /** Since when, where that is earlier than now. */
      readonly since: Instant;
      readonly signal: string | null;
      readonly cause: string | null;
      readonly text: string | null;
      readonly evidence: Evidence;
    };

/** What a condition remembers from one judgement to the next. */
export interface ConditionMemory {
  held: boolean;
  /** For `rate`: values over the last `overS`, oldest first. */
  readonly samples: { monotonicMs: number; value: number }[];
}
export const newMemory = (): ConditionMemory => ({ held: false, samples: [] });

const unknown: Judgement = { truth: 'unknown' };
const clear: Judgement = { truth: 'clear' };
/** Bound of the samples of one rate condition; over it the window is thinned. */
const maxRateSamples = 256;

export function judge(condition: Condition, memory: ConditionMemory, facts: Facts): Judgement {
  const judgement = judgeNow(condition, memory, facts);
  if (judgement.truth !== 'unknown') memory.held = judgement.truth === 'holds';
  return judgement;
}

function judgeNow(condition: Condition, memory: ConditionMemory, facts: Facts): Judgement {
  if ('inStates' in condition && condition.inStates !== undefined && !condition.inStates.includes(facts.state)) {
    return unknown;
  }
  switch (condition.kind) {
    case 'above':
    case 'below': {
      const value = facts.value(condition.signal);
      if (typeof value !== 'number') return unknown;
      const excess = condition.kind === 'above' ? value - condition.limit : condition.limit - value;
      if (!(memory.held ? excess > -condition.deadband : excess > 0)) return clear;
      return holds(facts.now, condition.signal, { value, limit: condition.limit });
    }
    case 'rate': {
      const value = facts.value(condition.signal);
      if (typeof value !== 'number') {
        memory.samples.length = 0;
        return unknown;
      }
      const from = remember(memory, facts.now.monotonicMs, value, condition.overS * 1000);
      if (from === null) return unknown;
      const perS = ((value - from.value) * 1000) / (facts.now.monotonicMs - from.monotonicMs);
      if (Math.abs(perS) <= condition.perS) return clear;
      return holds(facts.now, condition.signal, { value, perS, limit: condition.perS });
    }
    case 'stuck': {
      const value = facts.value(condition.signal);
      const changed = facts.changed(condition.signal);
      if (value === null || changed === null) return unknown;
      if (facts.now.monotonicMs - changed.at.monotonicMs >= condition.forS * 1000) {
        return holds(changed.at, condition.signal, { value, forS: condition.forS });
      }
      return changed.seen ? clear : unknown;
    }
    case 'code': {
      for (const active of [...(facts.conditions ?? []), ...(facts.causes ?? [])]) {
        if (!condition.causes.some((pattern) => matchesCause(pattern, active.cause))) continue;
        const evidence = active.code === null ? {} : { code: active.code };
        return { ...holds(facts.now, active.signal, evidence), cause: active.cause, text: active.text };
      }
      // A rule about conditions alone needs no interpretation of values, and any other one does.
      const source = condition.causes.every(isReported) ? facts.conditions : facts.causes;
      return source === null ? unknown : clear;
    }
    case 'offline': {
      if (facts.gap === undefined) return unknown;
      if (facts.gap === null) return clear;
      const { since, reason } = facts.gap;
      if (facts.now.monotonicMs - since.monotonicMs < condition.afterS * 1000) return unknown;
      const evidence = { afterS: condition.afterS, reason };
      return { ...holds(since, null, evidence), text: reason.replaceAll('-', ' ') };
    }
    case 'counter': {
      // Counted by signal: a controller that restarts with the counters of an hour ago makes one step in each of them.
      const oldest = facts.now.monotonicMs - condition.withinS * 1000;
      const steps = new Map<string, number>();
      for (const { signal, monotonicMs } of facts.implausible) {
        if (monotonicMs < oldest || (condition.signal ?? signal) !== signal) continue;
        const count = (steps.get(signal) ?? 0) + 1;
        steps.set(signal, count);
        if (count >= condition.steps) return holds(facts.now, signal, { steps: count });
      }
      return clear;
    }
  }
}

function holds(since: Instant, signal: string | null, evidence: Evidence) {
  return { truth: 'holds', since, signal, cause: null, text: null, evidence } as const;
}

/** Adds a sample; the one from which the change is measured, or null while the window is not full. */
function remember(memory: ConditionMemory, monotonicMs: number, value: number, overMs: number) {
  const { samples } = memory;
  const last = samples.at(-1);
  if (last === undefined || monotonicMs - last.monotonicMs >= overMs / maxRateSamples)
    samples.push({ monotonicMs, value });
  // The newest sample that is at least the window old is where the change is measured from.
  while (samples.length > 1 && monotonicMs - (samples[1]?.monotonicMs ?? monotonicMs) >= overMs) samples.shift();
  const [first] = samples;
  return first !== undefined && monotonicMs - first.monotonicMs >= overMs ? first : null;
}
