/**
 * How punctual polls were, seen from the device: when each read came against an even grid. Pure.
 *
 * The grid's phase is where most reads came, less what they scatter to the early side; a poll that comes before the next one is
 * due belongs to its own point of the grid, however late.
 */

/**
 * Reads this much before the crowd still belong to it, in ms. Beside other work the crowd itself comes up to 4 ms after the grid; taken
 * too small, reads just before the crowd's 3 ms counted for the point before theirs, and their own as missed.
 */
const earlyMs = 6;

/** The phase of the grid, in 0 … intervalMs. */
export function phaseOf(atMs: readonly number[], intervalMs: number): number {
  const crowd = new Uint32Array(Math.ceil(intervalMs));
  for (const at of atMs) crowd[Math.floor(at % intervalMs)] = (crowd[Math.floor(at % intervalMs)] ?? 0) + 1;
  const mode = crowd.indexOf(Math.max(...crowd));
  let earliest = 1;
  for (const at of atMs) {
    const offset = circular((at % intervalMs) - mode, intervalMs);
    if (offset >= -earlyMs && offset < earliest) earliest = offset;
  }
  return (mode + earliest + intervalMs) % intervalMs;
}

/** -intervalMs/2 … intervalMs/2. */
function circular(offset: number, intervalMs: number): number {
  return ((((offset + intervalMs / 2) % intervalMs) + intervalMs) % intervalMs) - intervalMs / 2;
}

export interface Punctuality {
  /** Points of the grid within the window. */
  readonly due: number;
  /** Those at which a counted read came. */
  readonly done: number;
  readonly latenessMs: readonly number[];
}

/** @param counts whether the read with this index is whole and right */
export function punctuality(
  atMs: readonly number[],
  intervalMs: number,
  window: { readonly fromMs: number; readonly toMs: number },
  counts: (read: number) => boolean,
): Punctuality {
  const phase = phaseOf(
    atMs.filter((at) => at >= window.fromMs && at < window.toMs),
    intervalMs,
  );
  const first = Math.ceil((window.fromMs - phase) / intervalMs);
  const end = Math.ceil((window.toMs - phase) / intervalMs);
  const done = new Set<number>();
  const latenessMs: number[] = [];
  for (const [read, at] of atMs.entries()) {
    const point = Math.floor((at - phase) / intervalMs);
    if (point < first || point >= end) continue;
    if (counts(read)) done.add(point);
    latenessMs.push(at - phase - point * intervalMs);
  }
  return { due: Math.max(0, end - first), done: done.size, latenessMs };
}
