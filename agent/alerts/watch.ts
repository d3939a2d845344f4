/**
 * One rule on one machine: any of its conditions, on- and off-delay, chattering. Elapsed time is monotonic. The delays need
 * unbroken truth: an unknown in between starts them anew.
 */
import {
  judge,
  newMemory,
  type ConditionMemory,
  type Facts,
  type Instant,
  type Judgement,
} from '../rules/conditions.ts';
import type { Rule } from '../rules/schema.ts';
import type { Activation } from './occurrence.ts';

export type WatchOutput =
  | { readonly kind: 'activate'; readonly activation: Activation; readonly chattering: boolean }
  | { readonly kind: 'clear'; readonly clearedMs: number }
  /** The condition of an unverified occurrence was judged for the first time and is as it was. */
  | { readonly kind: 'confirm' };

/** Of an occurrence that was open at the start: did its condition hold at the end of the process before? */
export type RecoveredCondition = 'held' | 'was-over';

type Holding = Extract<Judgement, { truth: 'holds' }>;

export class RuleWatch {
  readonly rule: Rule;
  readonly #conditions: readonly { readonly memory: ConditionMemory; readonly condition: Rule['when'][number] }[];
  #active: boolean;
  #confirmed: boolean;
  /** Since when the opposite of `#active` has been true without a break, and what was judged then. */
  #turning: { readonly at: Instant; readonly first: Judgement } | null = null;
  /** Monotonic times of the last activations, for chattering. */
  readonly #activations: number[] = [];
  #chattering = false;
  #lastHeldMs = 0;

  /**
   * @param open how an occurrence from before the start stood, its condition not yet judged since; null where none is open
   */
  constructor(rule: Rule, open: RecoveredCondition | null = null) {
    const active = open === 'held';
    this.rule = rule;
    this.#conditions = rule.when.map((condition) => ({ condition, memory: newMemory() }));
    this.#active = active;
    this.#confirmed = open === null;
    // A threshold that was passed before the start keeps its deadband.
    if (active) for (const { memory } of this.#conditions) memory.held = true;
  }

  get active(): boolean {
    return this.#active;
  }
  get chattering(): boolean {
    return this.#chattering;
  }

  /** The wall clock was stepped: what has begun and is not told yet is told on the clock of then. */
  shift(shiftMs: number): void {
    if (this.#turning === null) return;
    const { at, first } = this.#turning;
    const moved = (instant: Instant): Instant => ({ ...instant, wallMs: instant.wallMs + shiftMs });
    this.#turning = {
      at: moved(at),
      first: first.truth === 'holds' ? { ...first, since: moved(first.since) } : first,
    };
  }

  /** `clockMs`: UTC ms by our own clock, for `raisedMs`. */
  judge(facts: Facts, clockMs: number): WatchOutput | null {
    const judgement = this.#anyOf(facts);
    const { now } = facts;
    if (judgement.truth === 'holds') this.#lastHeldMs = now.monotonicMs;
    if (judgement.truth === 'unknown') {
      this.#turning = null;
      return null;
    }
    if ((judgement.truth === 'holds') === this.#active) {
      this.#turning = null;
      if (this.#confirmed) return null;
      this.#confirmed = true;
      return { kind: 'confirm' };
    }
    this.#turning ??= { at: now, first: judgement };
    const { at, first } = this.#turning;
    const elapsedMs = now.monotonicMs - at.monotonicMs;
    return judgement.truth === 'holds'
      ? this.#activate(judgement, first, elapsedMs, now, clockMs)
      : this.#clear(at, elapsedMs, now);
  }

  #activate(
    judgement: Holding,
    first: Judgement,
    elapsedMs: number,
    now: Instant,
    clockMs: number,
  ): WatchOutput | null {
    if (elapsedMs < this.rule.onDelayS * 1000) return null;
    this.#turning = null;
    this.#active = true;
    this.#confirmed = true;
    this.#noteActivation(now.monotonicMs);
    const onset = first.truth === 'holds' ? first.since : judgement.since;
    return {
      kind: 'activate',
      chattering: this.#chattering,
      activation: {
        onsetMs: Math.round(onset.wallMs),
        raisedMs: Math.round(clockMs),
        signal: judgement.signal,
        cause: judgement.cause,
        text: alertText(this.rule.text, judgement.text),
        evidence: this.#chattering ? { ...judgement.evidence, chattering: true } : judgement.evidence,
      },
    };
  }

  #clear(at: Instant, elapsedMs: number, now: Instant): WatchOutput | null {
    if (elapsedMs < this.rule.offDelayS * 1000) return null;
    // A chattering alert is kept until it has been quiet for its whole window, instead of coming and going.
    if (this.#chattering && now.monotonicMs - this.#lastHeldMs < this.rule.chatter.withinS * 1000) return null;
    this.#turning = null;
    this.#active = false;
    this.#confirmed = true;
    this.#chattering = false;
    return { kind: 'clear', clearedMs: Math.round(at.wallMs) };
  }

  #noteActivation(monotonicMs: number): void {
    const { activations, withinS } = this.rule.chatter;
    this.#activations.push(monotonicMs);
    if (this.#activations.length > activations) this.#activations.shift();
    const [first] = this.#activations;
    this.#chattering =
      this.#activations.length === activations && first !== undefined && monotonicMs - first <= withinS * 1000;
  }

  #anyOf(facts: Facts): Judgement {
    let result: Judgement = { truth: 'clear' };
    let holding: Holding | null = null;
    // Every condition is judged each time, so that each keeps its own memory whatever the others say.
    for (const { condition, memory } of this.#conditions) {
      const judgement = judge(condition, memory, facts);
      if (judgement.truth === 'holds') holding ??= judgement;
      else if (judgement.truth === 'unknown') result = judgement;
    }
    return holding ?? result;
  }
}

/** The rule's words, with the maker's behind them where they say anything else. */
function alertText(rule: string, maker: string | null): string {
  return maker === null || maker.toLowerCase() === rule.toLowerCase() ? rule : `${rule} (${maker})`;
}
