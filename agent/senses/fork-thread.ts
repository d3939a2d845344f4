/** The thread of `fork.ts`: starts processes, and passes on what goes between them and the first thread. */
import { parentPort } from 'node:worker_threads';
import { forkHere, type FromForkThread, type SenseChild, type ToForkThread } from './fork.ts';

const children = new Map<number, SenseChild>();
const tell = (told: FromForkThread) => parentPort?.postMessage(told, []);

parentPort?.on('message', (told: ToForkThread) => {
  const { child } = told;
  if (told.kind === 'start') {
    const { niceness, settings } = told;
    const events = {
      message: (message: unknown) => tell({ kind: 'message', child, message }),
      ended: (how: string) => {
        children.delete(child);
        tell({ kind: 'ended', child, how });
      },
    };
    children.set(child, forkHere({ script: new URL(told.script), niceness, settings }, events));
    return;
  }
  const known = children.get(child);
  if (told.kind === 'send') known?.send(told.message);
  else if (told.kind === 'disconnect') known?.disconnect();
  else known?.kill();
});
