import { readFileSync } from 'node:fs';

/** Whether a process runs. One that has ended and waits for somebody to ask after it does not: who is to ask is not always there. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
