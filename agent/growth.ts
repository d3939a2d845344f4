/** How fast the store grows, from its size now and then; and where the day of the site begins. Pure. */
import { siteZone } from './time/zone.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Sizes come in steps of pages and files: over less than this they tell nothing of a day. */
const leastMs = 600_000;
/** One an hour of a day, and one more. */
const maxSizes = 26;

export class StoreGrowth {
  /** Oldest first. */
  #sizes: { readonly atMs: number; readonly bytes: number }[] = [];
  #newest: { readonly atMs: number; readonly bytes: number } | null = null;

  /** @param atMs monotonic */
  put(atMs: number, bytes: number): void {
    this.#newest = { atMs, bytes };
    if (atMs - (this.#sizes.at(-1)?.atMs ?? -Infinity) >= hourMs) this.#sizes.push(this.#newest);
    while (this.#sizes.length > maxSizes || (this.#sizes[1]?.atMs ?? Infinity) <= atMs - dayMs) this.#sizes.shift();
  }

  /** Bytes a day over the last day, less what went for its age; null: too short a time is known. */
  bytesADay(): number | null {
    const [first] = this.#sizes;
    const last = this.#newest;
    if (first === undefined || last === null || last.atMs - first.atMs < leastMs) return null;
    return ((last.bytes - first.bytes) * dayMs) / (last.atMs - first.atMs);
  }
}

/** UTC ms at which the day of the site began that `atMs` lies in. */
export function dayFrom(atMs: number, timeZone: string): number {
  const zone = siteZone(timeZone);
  return zone.toUtcMs(zone.toLocal(atMs).date, 0);
}
