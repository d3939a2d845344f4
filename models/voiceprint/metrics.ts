/**
 * How well scores tell odd clips from normal ones where false alarms are few. Pure.
 *
 * Invariants (test/unit/models/voiceprint-metrics.test.ts): the partial area is what integrating the ROC curve by its definition gives;
 * standardised, guessing has 0.5 and certainty 1; with the bound at 1 it is the whole area.
 */

/**
 * Area under the ROC curve left of `mostFalse`, ties as straight lines, standardised after McClish: ½ (1 + (A − A₀) / (A₁ − A₀)) with A₀
 * that of guessing and A₁ that of certainty.
 * @returns NaN where either side is empty
 */
export function partialAuroc(faults: readonly number[], good: readonly number[], mostFalse = 0.1): number {
  if (faults.length === 0 || good.length === 0) return Number.NaN;
  const all = [
    ...faults.map((score) => ({ score, isFault: true })),
    ...good.map((score) => ({ score, isFault: false })),
  ].toSorted((a, b) => b.score - a.score);
  let area = 0;
  let found = 0;
  let wrong = 0;
  for (let at = 0; at < all.length && wrong < mostFalse;) {
    const [fromX, fromY] = [wrong, found];
    const score = all[at]?.score;
    let [counted, miscounted] = [0, 0];
    for (; at < all.length && all[at]?.score === score; at += 1) {
      if (all[at]?.isFault === true) counted += 1;
      else miscounted += 1;
    }
    found += counted / faults.length;
    wrong += miscounted / good.length;
    if (miscounted === 0) continue;
    const toX = Math.min(wrong, mostFalse);
    const toY = fromY + ((found - fromY) * (toX - fromX)) / (wrong - fromX);
    area += ((toX - fromX) * (fromY + toY)) / 2;
  }
  const guessing = mostFalse ** 2 / 2;
  return (1 + (area - guessing) / (mostFalse - guessing)) / 2;
}
