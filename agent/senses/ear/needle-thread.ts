/** The thread of `needle-search.ts`: one search, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { seeded } from '../../../models/statistics/split.ts';
import { clickEnvelope } from '../../../models/voiceprint/click-envelope.ts';
import { needlesOf } from '../../../models/voiceprint/needle-comb.ts';
import type { NeedleTask } from './needle-search.ts';

const { samples, rateHz, pulses, cylinder } = workerData as NeedleTask;
const { frames, frameSamples } = clickEnvelope(samples, rateHz);
// The same sound has the same answer.
const found = needlesOf(
  frames,
  pulses.map((at) => at / frameSamples),
  cylinder,
  seeded(1),
);
parentPort?.postMessage(found === null ? null : { needles: found.needles, k: found.k }, []);
