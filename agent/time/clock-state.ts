/**
 * How far the gateway's wall clock can be trusted, for every batch. Whether a time service keeps it, only the system knows;
 * that it jumped, we see ourselves.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { BatchBody } from '../../cloud-bridge/contract.ts';

/** systemd-timesyncd makes it with the first time it takes from a server, and it goes with the boot of the machine. */
const timesyncdFile = '/run/systemd/timesync/synchronized';
const askEveryMs = 300_000;
const answerWithinMs = 2_000;
/** So long after a step the system's word is taken again. */
const settledAfterMs = 600_000;

export interface ClockStatePorts {
  /** Wall-clock steps of more than 2 s since the start of this process. */
  readonly steps: () => number;
  /** True, false, or null where the system does not tell. */
  readonly systemSynced: () => Promise<boolean | null>;
  /** Whether the clock shows a time that can be true, and whether the monotonic clock stands in for it. */
  readonly clock: { monotonicMs(): number; readonly isDated: boolean; readonly holdsOver: boolean };
}

export interface ClockState {
  start(): void;
  stop(): void;
  /**
   * `unsynced`: before the build date, or nobody vouches for it. `stepped`: it jumped under this process, and since then no time
   * service has vouched for it for ten minutes; also while the monotonic clock stands in. `synced`: a time service keeps it.
   */
  state(): BatchBody['clock'];
}

export function createClockState({ steps, systemSynced, clock }: ClockStatePorts): ClockState {
  let synced = false;
  let timer: NodeJS.Timeout | null = null;
  let seen = 0;
  let steppedMs = -Infinity;
  /** Steps up to here are forgiven. */
  let forgiven = 0;
  const ask = () => {
    void systemSynced().then((answer) => {
      synced = answer === true;
      if (synced && clock.monotonicMs() - steppedMs >= settledAfterMs) forgiven = seen;
    });
  };
  const look = () => {
    if (steps() === seen) return;
    seen = steps();
    steppedMs = clock.monotonicMs();
    // What was known of the clock before it jumped is no longer true of it.
    if (timer !== null) ask();
  };
  return {
    start() {
      look();
      ask();
      timer ??= setInterval(ask, askEveryMs);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    state() {
      look();
      if (!clock.isDated) return 'unsynced';
      if (seen > forgiven || clock.holdsOver) return 'stepped';
      return synced ? 'synced' : 'unsynced';
    },
  };
}

/**
 * Asks systemd, whatever time service it knows (timesyncd, chrony, ntpd: it reads the kernel's flag, adjtimex(2)); without systemd
 * chrony itself. Never rejects.
 */
export async function systemClockSynced(): Promise<boolean | null> {
  if (existsSync(timesyncdFile)) return true;
  const systemd = await answerOf('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (systemd !== null) return systemd.trim() === 'yes';
  const chrony = await answerOf('chronyc', ['-n', 'tracking']);
  return chrony === null ? null : /^Leap status\s*: (?!Not synchronised)/m.test(chrony);
}

function answerOf(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: answerWithinMs }, (error, out) => resolve(error === null ? out : null));
  });
}
