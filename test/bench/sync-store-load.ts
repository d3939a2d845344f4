/** What store-cost measures on, the same for both sides: 1,000 readings/s of 40 machines for three minutes, after a minute of warming up. */
import { usage } from './resources.ts';

export const load = { machines: 40, intervalMs: 1_000, tickMs: 200 } as const;
export const warmS = 60;
export const forS = 180;
/** A minute; what is due in it is due at second 0. */
export const fromMs = Date.UTC(2026, 0, 5, 8);

export interface StoreUse {
  readonly readings: number;
  readonly cpuS: number;
  readonly diskBytes: number;
}

/** Of this process with its threads, from now until the returned function is called. */
export function measureUse(databases: readonly string[]): (readings: number) => StoreUse {
  const cpu = process.cpuUsage();
  const { diskBytes } = usage(process.pid, databases);
  return (readings) => {
    const { user, system } = process.cpuUsage(cpu);
    return {
      readings,
      cpuS: (user + system) / 1e6,
      diskBytes: usage(process.pid, databases).diskBytes - diskBytes,
    };
  };
}
