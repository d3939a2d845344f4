/**
 * How many crops a machine may bring. A finding is told in any case; pictures of it are bounded, so that cloth that went bad altogether
 * fills neither the disk nor the uplink.
 *
 * Invariants (test/unit/senses/crop-budget.test.ts):
 *  B1  In any `windowMs` at most `most` crops of one machine are let through, whatever another machine does.
 *  B2  What was held back is counted.
 */
export const cropLimit = { most: 12, windowMs: 60_000 } as const;

export class CropBudget {
  readonly #limit: { readonly most: number; readonly windowMs: number };
  /** When crops were let through, oldest first; at most `most` a machine. */
  readonly #letMs = new Map<string, readonly number[]>();
  readonly #heldBack = new Map<string, number>();

  constructor(limit: { readonly most: number; readonly windowMs: number } = cropLimit) {
    this.#limit = limit;
  }

  /** @param nowMs of the monotonic clock */
  allows(machine: string, nowMs: number): boolean {
    const recent = (this.#letMs.get(machine) ?? []).filter((atMs) => nowMs - atMs < this.#limit.windowMs);
    const isAllowed = recent.length < this.#limit.most;
    if (!isAllowed) this.#heldBack.set(machine, this.heldBack(machine) + 1);
    this.#letMs.set(machine, isAllowed ? [...recent, nowMs] : recent);
    return isAllowed;
  }

  heldBack(machine: string): number {
    return this.#heldBack.get(machine) ?? 0;
  }
}
