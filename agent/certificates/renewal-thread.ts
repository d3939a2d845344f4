/** The thread of `renewal.ts`: one renewal, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { AgentError } from '../errors.ts';
import type { RenewalTask, RenewalTold } from './renewal.ts';
import { renewServer } from './update.ts';

const { subject, nowMs } = workerData as RenewalTask;
const tell = (told: RenewalTold) => parentPort?.postMessage(told, []);
try {
  tell({ why: await renewServer(subject, nowMs) });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  // The code is put in front again by the error that is made of it.
  if (error instanceof AgentError) tell({ code: error.entry.code, detail: message.replace(/^[A-Z]{3}-\d+ /, '') });
  else tell({ code: null, detail: message });
}
