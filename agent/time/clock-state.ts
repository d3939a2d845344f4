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

export interface ClockStatePorts {
  /** Wall-clock steps of more than 2 s since the start of this process. */
  readonly steps: () => number;
  /** True, false, or null where the system does not tell. */
  readonly systemSynced: () => Promise<boolean | null>;
}

export interface ClockState {
  start(): void;
  stop(): void;
  /** `stepped` since it jumped under this process; `unsynced` also where nobody knows. */
  state(): BatchBody['clock'];
}

export function createClockState(ports: ClockStatePorts): ClockState {
  let synced = false;
  let timer: NodeJS.Timeout | null = null;
  const ask = () => {
    void ports.systemSynced().then((answer) => {
      synced = answer === true;
    });
  };
  return {
    start() {
      ask();
      timer ??= setInterval(ask, askEveryMs);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    state: () => (ports.steps() > 0 ? 'stepped' : synced ? 'synced' : 'unsynced'),
  };
}

/** Asks systemd, whatever time service it knows (timesyncd, chrony, ntpd). Never rejects. */
export function systemClockSynced(): Promise<boolean | null> {
  if (existsSync(timesyncdFile)) return Promise.resolve(true);
  return new Promise((resolve) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: answerWithinMs },
      (error, out) => {
        resolve(error === null ? out.trim() === 'yes' : null);
      },
    );
  });
}
