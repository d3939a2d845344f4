/**
 * The other end: what every sense's process does first. It lives as long as its channel; nothing it does may keep it longer, so that no
 * camera is held and no ffmpeg runs on when the agent is gone. A model that hangs keeps the thread that would hear of it: another one
 * looks after that (`orphan-watch.ts`).
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ZodType } from 'zod';

/** After the channel has closed the work has so long to end by itself. */
const endWithinMs = 700;

/** Exit codes by which a process says that its end was not the model's. */
export const senseExits = {
  /** Its first message was no settings. */
  settings: 2,
  /** What it needs besides the model cannot be used: what was taught, the camera's address. */
  notTheModel: 3,
} as const;

export interface SenseWork {
  /** Resolves with everything closed. */
  stop(): Promise<void>;
}

/**
 * Runs the work of a sense in this process: its settings come as the first message, and it ends when the channel closes. A message that is
 * no settings ends the process with `senseExits.settings`.
 *
 * @param begin starts the work; `say` sends a message to whoever started this process
 */
export function runSense<S>(
  settings: ZodType<S>,
  begin: (settings: S, say: (message: object) => void) => SenseWork,
): void {
  let work: SenseWork | null = null;
  const say = (message: object) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const watch = new Worker(new URL('orphan-watch.ts', import.meta.url), { workerData: process.ppid });
  watch.unref();
  // The work may hang from its first moment on: nothing begins before the watch looks.
  const watched = once(watch, 'message');
  let ended = false;
  process.once('message', (message: unknown) => {
    void watched.then(() => {
      if (ended) return;
      const read = settings.safeParse(message);
      if (read.success) {
        work = begin(read.data, say);
        return;
      }
      process.exitCode = senseExits.settings;
      process.disconnect();
    });
  });
  const end = () => {
    ended = true;
    setTimeout(() => process.exit(), endWithinMs).unref();
    void Promise.resolve(work?.stop()).then(() => process.exit());
  };
  // Whoever started this process may be gone before it could listen.
  if (process.connected) process.once('disconnect', end);
  else end();
}
