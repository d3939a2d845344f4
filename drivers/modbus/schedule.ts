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
/** Most are asked once a second. */
const leastSamples = 64;
const windowMs = 60_000;

/** Lateness of the polls of the last minute. It has room for as many as there are in one, and no more: there is one for each poll. */
export class LatenessWindow {
  #atMs = new Float64Array(leastSamples);
  #lateMs = new Float32Array(leastSamples);
  /** Where the next one goes. */
  #next = 0;
  #kept = 0;

  record(nowMs: number, lateMs: number): void {
    const room = this.#atMs.length;
    if (this.#kept === room && room < maxSamples && nowMs - (this.#atMs[this.#next] ?? 0) <= windowMs) this.#grow();
    this.#atMs[this.#next] = nowMs;
    this.#lateMs[this.#next] = Math.max(0, lateMs);
    this.#next = (this.#next + 1) % this.#atMs.length;
    this.#kept = Math.min(this.#kept + 1, this.#atMs.length);
  }

  /** Twice the room, with the oldest first. */
  #grow(): void {
    const room = this.#atMs.length;
    const [atMs, lateMs] = [new Float64Array(2 * room), new Float32Array(2 * room)];
    for (let i = 0; i < room; i++) {
      const from = (this.#next + i) % room;
      atMs[i] = this.#atMs[from] ?? 0;
      lateMs[i] = this.#lateMs[from] ?? 0;
    }
    [this.#atMs, this.#lateMs, this.#next] = [atMs, lateMs, room];
  }

  /** Nearest-rank percentiles in ms; null when no poll was due within the last minute. */
  percentiles(nowMs: number): { readonly p50Ms: number; readonly p99Ms: number } | null {
    const recent = this.#lateMs.subarray(0, this.#kept).filter((_, i) => nowMs - (this.#atMs[i] ?? 0) <= windowMs);
    if (recent.length === 0) return null;
    recent.sort();
    const rank = (share: number): number => recent[Math.ceil(share * recent.length) - 1] ?? 0;
    return { p50Ms: rank(0.5), p99Ms: rank(0.99) };
  }
}
