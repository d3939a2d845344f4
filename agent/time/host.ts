/**
 * What ties the clocks of two processes together: the start of the computer. Within one, its monotonic clock runs through, so a
 * process that knows the time can date what an earlier one stored without knowing it.
 */
import { readFileSync } from 'node:fs';

/** Linux makes it anew at every start of the computer (random(4)). */
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The running start of this computer; null where the system does not tell. */
export function hostBoot(): string | null {
  try {
    const id = readFileSync(bootIdFile, 'utf8').trim();
    return /^[0-9a-f-]{36}$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

/** Milliseconds on the computer's monotonic clock, the same for all its processes. */
export const hostMonotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
