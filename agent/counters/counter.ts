/**
 * Counters of machines wrap, are reset by a controller's restart and are misread now and then. This is the one place that
 * turns their values into an increase. Pure.
 *
 * Invariants (test/unit/counters/):
 *  K1  The sum of the deltas equals the true increase as long as no step carries an uncertainty.
 *  K2  The true increase lies in [Σ delta − Σ uncertainty, Σ delta + Σ uncertainty], always.
 *  K3  A fall is a wrap only if the unwrapped step is ≤ 1.2 × what `maxRatePerS` allows in the time; else a reset.
 *  K4  One misread value (a glitch up or down that no counter could make) changes no total.
 *
 * The value alone cannot show a reset after which the counter has already passed its old value; it takes another counter of
 * the machine that fell, or the machine's own word (`resets`), so the bounds hold for steps in which every reset shows somewhere.
 */

/** How much faster than the profile says a machine may be before its counter is not believed. */
const rateMargin = 1.2;
/** Where a source reports changes only, how old a value may be when it is stamped. */
const defaultLatchMs = 1000;

export interface CounterSpec {
  /** The value after the highest one, in the unit of the signal. */
  readonly wrapsAt: number;
  /** The most the counter can grow in a second, in its unit. */
  readonly maxRatePerS: number;
  /** One count in the unit of the signal: a true increase of less can show as this much. */
  readonly resolution: number;
  /** Poll interval: the value may have been latched that much before it was read. Null: unknown. */
  readonly intervalMs: number | null;
}

export interface CounterPoint {
  /** Milliseconds on a clock that does not jump between the points compared. */
  readonly tMs: number;
  readonly value: number;
}

/** Where counting goes on from. */
export interface CounterBase extends CounterPoint {
  /** A value no counter could have reached; believed only when the next reading goes on from it. */
  readonly suspect: CounterPoint | null;
}

/** A span (after, until] in which the machine's counters were reset, as another counter of it, or the machine itself, has shown. */
export interface ResetSpan {
  readonly afterMs: number;
  readonly untilMs: number;
}

export interface CounterStep {
  readonly kind: 'rise' | 'wrap' | 'reset' | 'uncertain' | 'implausible';
  readonly from: CounterPoint;
  readonly to: CounterPoint;
  readonly delta: number;
  readonly uncertainty: number;
}

/** The most the counter can have grown between two readings, with what polling and whole counts add. */
export function plausibleGrowth(spec: CounterSpec, elapsedMs: number): number {
  const latchedMs = spec.intervalMs ?? defaultLatchMs;
  return (rateMargin * spec.maxRatePerS * (elapsedMs + latchedMs)) / 1000 + spec.resolution;
}

/**
 * The increase between two readings, or null when no counter could do that.
 * `knownReset` says that the machine was reset in between, whatever this counter shows.
 */
export function judgeStep(
  spec: CounterSpec,
  from: CounterPoint,
  to: CounterPoint,
  knownReset: boolean,
): CounterStep | null {
  const elapsedMs = to.tMs - from.tMs;
  const most = plausibleGrowth(spec, elapsedMs);
  const growth = to.value - from.value;
  const step = (kind: CounterStep['kind'], delta: number, uncertainty: number): CounterStep => ({
    kind,
    from,
    to,
    delta,
    uncertainty,
  });
  // What was counted between the last reading and the reset is lost: at most what the rate allows, less what came after it, and
  // the count that was nearly whole at the last reading.
  const lost = (rateMargin * spec.maxRatePerS * elapsedMs) / 1000 + spec.resolution - to.value;
  const reset = (kept: number) => step('reset', to.value, Math.max(kept, lost, 0));
  // Some controllers keep some counters: one that did not fall may have been reset, or have counted on from where it stood.
  if (knownReset && to.value <= most) return reset(growth >= 0 ? from.value : 0);
  const unwrapped = growth < 0 ? growth + spec.wrapsAt : growth;
  if (unwrapped <= most) {
    // After half a wrap period the value alone no longer tells how often it wrapped.
    if (elapsedMs > (spec.wrapsAt / spec.maxRatePerS) * 500) {
      const least = Math.min(unwrapped, to.value);
      return step('uncertain', unwrapped, Math.max(most - unwrapped, unwrapped - least));
    }
    return step(growth < 0 ? 'wrap' : 'rise', unwrapped, 0);
  }
  if (growth < 0 && to.value <= most) return reset(0);
  return null;
}

/** Takes one more reading. `step` is null for the first one, for one that is not newer, and while a value is only suspected. */
export function advanceCounter(
  spec: CounterSpec,
  base: CounterBase | null,
  point: CounterPoint,
  resets: readonly ResetSpan[],
): { base: CounterBase; step: CounterStep | null } {
  if (base === null) return { base: { ...point, suspect: null }, step: null };
  if (point.tMs <= (base.suspect?.tMs ?? base.tMs)) return { base, step: null };
  const step = judgeStep(spec, base, point, spansReset(resets, base.tMs, point.tMs));
  if (step !== null) return { base: { ...point, suspect: null }, step };
  if (base.suspect !== null) {
    const onward = judgeStep(spec, base.suspect, point, false);
    if (onward !== null && onward.kind !== 'reset') {
      // Two readings agree: the counter was set to another value. Of the jump itself only the bounds are known.
      const jump = plausibleGrowth(spec, base.suspect.tMs - base.tMs);
      return {
        base: { ...point, suspect: null },
        step: {
          kind: 'implausible',
          from: base,
          to: point,
          delta: onward.delta,
          uncertainty: onward.uncertainty + jump,
        },
      };
    }
  }
  return { base: { tMs: base.tMs, value: base.value, suspect: point }, step: null };
}

function spansReset(resets: readonly ResetSpan[], fromMs: number, toMs: number): boolean {
  for (const span of resets) if (fromMs < span.untilMs && span.untilMs <= toMs) return true;
  return false;
}

/** Adds what one counter has shown: evidence of the same reset narrows its span, other evidence is another reset. */
export function addReset(resets: readonly ResetSpan[], seen: ResetSpan): ResetSpan[] {
  let merged = seen;
  const others: ResetSpan[] = [];
  for (const span of resets) {
    const afterMs = Math.max(span.afterMs, merged.afterMs);
    const untilMs = Math.min(span.untilMs, merged.untilMs);
    if (afterMs < untilMs) merged = { afterMs, untilMs };
    else others.push(span);
  }
  return [...others, merged].sort((a, b) => a.untilMs - b.untilMs);
}

/**
 * Where counting goes on from in a new process. Across starts of the computer only the wall clock tells how long it has been
 * (within one the store has put `before` on the clock of this process). Where it says "in the future", nobody knows: the base is put so far back that the step to the first reading carries bounds.
 */
export function baseFromBefore(before: CounterPoint, spec: CounterSpec, startMs: number): CounterBase {
  const { value } = before;
  if (before.tMs < startMs) return { tMs: before.tMs, value, suspect: null };
  return { tMs: Math.floor(startMs - (spec.wrapsAt / spec.maxRatePerS) * 500) - 1, value, suspect: null };
}
