/**
 * A thread beside the work of a sense: when whoever started this process is gone, and the process is still there a little later, it is
 * killed. The first thread hears of it by its channel, but not while it is in a model that hangs.
 */
import { parentPort, workerData } from 'node:worker_threads';

const lookEveryMs = 100;
/** The work may end by itself in this time; with the look before it, within the 2 s that are promised. */
const patienceMs = 900;

let alone: number | null = null;
setInterval(() => {
  // The system gives an orphan another parent.
  if (process.ppid === workerData) return;
  alone ??= performance.now();
  if (performance.now() - alone >= patienceMs) process.kill(process.pid, 'SIGKILL');
}, lookEveryMs);
parentPort?.postMessage('watching', []);
