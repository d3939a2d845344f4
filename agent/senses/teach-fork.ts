/** `startTeaching` from a thread of its own, which is there as long as its process. */
import { Worker } from 'node:worker_threads';
import type { TeachChild, TeachEnd, TeachStart } from './teach-child.ts';

export type ToTeachThread = Pick<TeachStart, 'command' | 'withinMs'>;
export type FromTeachThread =
  | { readonly kind: 'picture'; readonly picture: number; readonly of: number }
  | { readonly kind: 'ended'; readonly end: TeachEnd };

export function startTeachingInThread({ command, withinMs, onPicture }: TeachStart): TeachChild {
  const settings: ToTeachThread = { command, withinMs };
  const worker = new Worker(new URL('teach-thread.ts', import.meta.url), { workerData: settings });
  const { promise: ended, resolve } = Promise.withResolvers<TeachEnd>();
  let last: TeachEnd = { report: null, how: 'its thread ended', endedFor: null, complaint: '' };
  worker.on('message', (told: FromTeachThread) => {
    if (told.kind === 'picture') {
      onPicture(told.picture, told.of);
      return;
    }
    last = told.end;
    void worker.terminate();
  });
  // Its process then writes to nobody, and ends.
  worker.on('error', (error) => {
    last = { ...last, how: error.message };
  });
  worker.once('exit', () => resolve(last));
  return { ended, end: (why) => worker.postMessage(why, []) };
}
