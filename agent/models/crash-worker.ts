/** The thread of `crash-notes.ts`: one note, and its slot as the answer. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { modelId } from '../../models/package/manifest.ts';
import { isVersion } from '../../models/package/version.ts';
import { crashed, maxCrashes } from './slots.ts';
import { changeSlot } from './state-file.ts';

/** Nobody waits for it but the note after it. */
const lockWaitMs = 5_000;

const schema = z.strictObject({
  dataDir: z.string().min(1),
  id: modelId,
  version: z.string().refine(isVersion),
  crashes: z.int().min(1),
});

const { dataDir, id, version, crashes } = schema.parse(workerData);
const slot = changeSlot(dataDir, id, lockWaitMs, (before) => {
  let after = before;
  // Of another version than the one on trial it changes nothing, so more than `maxCrashes` never matter.
  for (let n = 0; n < Math.min(crashes, maxCrashes); n += 1) after = crashed(after, version);
  return after;
});
parentPort?.postMessage(slot, []);
