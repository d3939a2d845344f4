/**
 * The set of record numbers stored of one boot, as closed ranges.
 *
 * Invariants:
 *  L1  Ranges are sorted, never empty, and neither overlap nor touch.
 *  L2  After `addNumbers` the set is the union; `fresh` are exactly the numbers that were not in it, each once.
 */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The closed ranges of some numbers. */
export function rangesOf(numbers: readonly number[]): [number, number][] {
  return addNumbers([], numbers).ranges.map(({ from, to }) => [from, to]);
}

/** Adds `numbers` (any order, repeats allowed) to `ranges` (as L1). */
export function addNumbers(
  ranges: readonly Range[],
  numbers: readonly number[],
): { readonly ranges: Range[]; readonly fresh: ReadonlySet<number> } {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const fresh = new Set<number>();
  let at = 0;
  for (const n of sorted) {
    while (at < ranges.length && (ranges[at]?.to ?? n) < n) at += 1;
    const range = ranges[at];
    if (range === undefined || n < range.from) fresh.add(n);
  }
  const all = [...ranges, ...[...fresh].map((n) => ({ from: n, to: n }))].sort((a, b) => a.from - b.from);
  const merged: Range[] = [];
  for (const range of all) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to + 1) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    } else {
      merged.push(range);
    }
  }
  return { ranges: merged, fresh };
}
