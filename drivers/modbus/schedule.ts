/** When polls are due, and how late they were. Pure, on the monotonic clock. */

/**
 * The first point of the grid `dueMs + k · intervalMs` after now. What a stall has missed is not made up for: a machine that
 * was slow for a minute must not be asked a minute's polls at once.
 */
export function nextDueMs(dueMs: number, intervalMs: number, nowMs: number): number {
  const periods = Math.max(1, Math.floor((nowMs - dueMs) / intervalMs) + 1);
  return dueMs + periods * intervalMs;
}

/** More polls than a minute of the fastest class (20 ms) are not kept; the oldest go first. */
const maxSamples = 4096;
const windowMs = 60_000;

/** Lateness of the polls of the last minute. */
export class LatenessWindow {
  readonly #atMs = new Float64Array(maxSamples);
  readonly #lateMs = new Float64Array(maxSamples);
  #count = 0;

  record(nowMs: number, lateMs: number): void {
    this.#atMs[this.#count % maxSamples] = nowMs;
    this.#lateMs[this.#count % maxSamples] = Math.max(0, lateMs);
    this.#count += 1;
  }

  /** Nearest-rank percentiles in ms; null when no poll was due within the last minute. */
  percentiles(nowMs: number): { readonly p50Ms: number; readonly p99Ms: number } | null {
    const kept = Math.min(this.#count, maxSamples);
    const recent = this.#lateMs.subarray(0, kept).filter((_, i) => nowMs - (this.#atMs[i] ?? 0) <= windowMs);
    if (recent.length === 0) return null;
    recent.sort();
    const rank = (share: number): number => recent[Math.ceil(share * recent.length) - 1] ?? 0;
    return { p50Ms: rank(0.5), p99Ms: rank(0.99) };
  }
}
