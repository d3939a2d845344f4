/**
 * Which speed a sound's lines say, among those near what was polled: a score for each speed in each stretch, and the likeliest way of the speed
 * through all stretches (Viterbi). Pure.
 *
 * Invariant (test/unit/models/voiceprint-turning.test.ts): with it a shaft is followed, see T1 of `turning.ts`.
 */

/** The speeds that are looked at. */
export interface Search {
  /** To either side of the polled speed; shares of it. */
  readonly most: number;
  readonly step: number;
  /** Standard deviations, shares: of the offset from the poll, and from stretch to stretch. */
  readonly offset: number;
  readonly sway: number;
}

/** One line counts for so much at most: another machine's hum is one line, a shaft has many. */
const mostOut = 4;

/** Adds for every speed how much its orders stand out of what is beside them. */
export function addScores(
  scores: Float64Array,
  powers: Float64Array,
  polledHz: number,
  binHz: number,
  orders: readonly number[],
  { most, step }: Search,
): void {
  for (const order of orders) {
    const middle = (order * polledHz) / binHz;
    // As far as half an order to either side, and at least as far as is searched.
    const reach = Math.ceil(Math.max((0.5 * polledHz) / binHz, most * middle)) + 2;
    if (middle + reach + 2 >= powers.length) return;
    let beside = 1e-30;
    const first = Math.max(1, Math.floor(middle - reach));
    const last = Math.floor(middle + reach);
    for (let k = first; k <= last; k += 1) beside += powers[k] as number;
    beside /= last - first + 1;
    for (let state = 0; state < scores.length; state += 1) {
      const at = middle * (1 - most + state * step);
      const k = Math.floor(at);
      const here = (powers[k] as number) + ((powers[k + 1] as number) - (powers[k] as number)) * (at - k);
      scores[state] = (scores[state] as number) + Math.min(mostOut, here / beside) / 2;
    }
  }
}

/** The way through all stretches with the highest sum of scores less what its jumps cost; between two steps where its top lies. */
export function likeliest(scores: readonly Float64Array[], { step, sway }: Search): number[] {
  const states = scores[0]?.length ?? 0;
  const furthest = Math.ceil((4 * sway) / step);
  const cost = Array.from({ length: furthest + 1 }, (_, jump) => ((jump * step) / sway) ** 2 / 2);
  let best = scores[0] ?? new Float64Array(0);
  const from: Int16Array[] = [];
  for (const here of scores.slice(1)) {
    const next = new Float64Array(states);
    const came = new Int16Array(states);
    for (let state = 0; state < states; state += 1) {
      let top = Number.NEGATIVE_INFINITY;
      for (let before = Math.max(0, state - furthest); before <= Math.min(states - 1, state + furthest); before += 1) {
        const value = (best[before] as number) - (cost[Math.abs(state - before)] as number);
        if (value <= top) continue;
        top = value;
        came[state] = before;
      }
      next[state] = top + (here[state] as number);
    }
    best = next;
    from.push(came);
  }
  let state = best.indexOf(best.reduce((top, value) => Math.max(top, value), Number.NEGATIVE_INFINITY));
  const path = [state];
  for (const came of from.toReversed()) {
    state = came[state] ?? state;
    path.push(state);
  }
  return path.reverse().map((at, i) => at + topBeside(scores[i] ?? best, at));
}

/** Where between its neighbours a parabola has its top, in [-0.5, 0.5]. */
function topBeside(values: Float64Array, at: number): number {
  const [before, here, after] = [values[at - 1], values[at], values[at + 1]];
  if (before === undefined || here === undefined || after === undefined) return 0;
  const bend = before - 2 * here + after;
  return bend >= 0 ? 0 : Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / bend));
}

export function confidenceOf(scores: readonly Float64Array[], path: readonly number[]): number {
  let found = 0;
  let all = 0;
  for (const [i, one] of scores.entries()) {
    const sorted = one.toSorted();
    const middle = sorted[sorted.length >> 1] ?? 0;
    found += (one[Math.round(path[i] ?? 0)] ?? 0) - middle;
    all += (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
  }
  return all <= 0 ? 0 : Math.max(0, Math.min(1, found / all));
}
