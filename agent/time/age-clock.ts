/**
 * By which time stored rows are old. A wall clock that jumped ahead by mistake would make everything old at once, so after a start
 * and after every step nothing is judged by its age until the clock has been steady for a while. What has a bound in bytes keeps it
 * meanwhile.
 */
import type { BatchBody } from '../../cloud-bridge/contract.ts';

/** How long the clock must have been steady: where a time service vouches for it, and where nobody does. */
const vouchedMs = 600_000;
const unvouchedMs = 3_600_000;

export interface AgeClockPorts {
  readonly clock: { wallMs(): number; monotonicMs(): number; readonly isDated: boolean; readonly holdsOver: boolean };
  /** Wall-clock steps since the start of this process. */
  readonly steps: () => number;
  readonly state: () => BatchBody['clock'];
}

/** Gives UTC ms to judge ages by; null: not now. To be asked at least every few minutes. */
export function createAgeClock({ clock, steps, state }: AgeClockPorts): () => number | null {
  let seen = steps();
  let steadySinceMs = clock.monotonicMs();
  return () => {
    const monotonicMs = clock.monotonicMs();
    const now = steps();
    if (now !== seen || !clock.isDated || clock.holdsOver) {
      seen = now;
      steadySinceMs = monotonicMs;
      return null;
    }
    const neededMs = state() === 'synced' ? vouchedMs : unvouchedMs;
    return monotonicMs - steadySinceMs >= neededMs ? clock.wallMs() : null;
  };
}
