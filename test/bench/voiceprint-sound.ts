/** What the ear of the bench hears and was taught: a simulated lockstitch machine that runs, among others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepPrint } from '../../agent/senses/ear/prints.ts';
import { featuresOf, hopsAPiece } from '../../agent/senses/ear/listening.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { openSession } from '../../models/runtime.ts';
import { writeStats } from '../../models/stats-file.ts';
import { blank, enrol, feedsOf } from '../../models/voiceprint/ear.ts';
import { bands, hopSamples } from '../../models/voiceprint/front-end.ts';
import { piecesASample, pooled } from '../../models/voiceprint/pool.ts';
import { statsOf } from '../../models/voiceprint/print-file.ts';
import { record } from '../../simulators/sound/clip.ts';
import { createHall } from '../../simulators/sound/hall.ts';
import { createSewingSound } from '../../simulators/sound/machine.ts';
import { repository } from '../check/files.ts';

const rateHz = 48_000;
export const speed = 4_000;
const heardS = 30;
const samplesTaught = 30;
/** As many pieces as the ear puts into one run. */
const together = 32;
const pieceSamples = hopsAPiece * hopSamples;

const folder = join(repository, 'models/packages/machine-voiceprint');
const machine = createSewingSound(3);
const hall = createHall(4, rateHz, { neighbours: 'sewing', machines: 3, voices: 2, bangsPerMinute: 4 });

const heard = (seed: number, durationS: number): Float32Array =>
  record(machine, {
    seed,
    segments: [{ kind: 'run', durationS, speed }],
    load: 0.5,
    temperatureC: 25,
    faults: [],
    among: { hall, snrDb: 6 },
  }).samples;

/** Half a minute of it, s16le. */
export function writeSound(path: string): void {
  const samples = heard(1, heardS);
  const bytes = Buffer.alloc(2 * samples.length);
  for (const [i, value] of samples.entries()) {
    bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))), 2 * i);
  }
  writeFileSync(path, bytes);
}

function piecesOf(samples: Float32Array) {
  const count = Math.floor(samples.length / pieceSamples);
  return Array.from({ length: count }, (_, at) => ({
    fromMs: at,
    toMs: at,
    rateHz,
    samples: samples.subarray(at * pieceSamples, (at + 1) * pieceSamples),
  }));
}

/** Enrols the same machine under every name, as an hour ago. */
export async function teachAll(dataDir: string, names: readonly string[], microphone: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { version: string };
  const model = `machine-voiceprint@${version}`;
  const session = await openSession(readFileSync(join(folder, 'model.onnx')));
  try {
    const features = await featuresOf(
      piecesOf(heard(2, samplesTaught * piecesASample * (pieceSamples / rateHz))),
      session,
    );
    const clips = Array.from({ length: samplesTaught }, (_, at) => ({
      windows: [pooled(features.slice(at * piecesASample, (at + 1) * piecesASample).flatMap((one) => one ?? []))],
      bands,
    }));
    const print = enrol(clips);
    const { threshold, spread } = print;
    const stats = writeStats(statsOf(print, model));
    const key = gatewayKeys(dataDir).privateKey;
    for (const name of names) {
      const speeds = [{ speed, samples: samplesTaught, threshold, spread, stats, faults: null }];
      const levels = { lowDb: -20, highDb: -50 };
      keepPrint(dataDir, { machine: name, taughtMs: 1, model, microphone, rateHz, levels, speeds }, key);
    }
  } finally {
    await session.close();
  }
}

/** Milliseconds of the bare graph a second of sound, pieces put together as the ear does. */
export async function bareMsPerS(microphones: number): Promise<number> {
  const session = await openSession(readFileSync(join(folder, 'model.onnx')));
  try {
    const pieces = piecesOf(heard(1, Math.ceil((together * pieceSamples) / rateHz)));
    const pcm = new Float32Array(together * pieceSamples);
    for (const [at, { samples }] of pieces.slice(0, together).entries()) pcm.set(samples, at * pieceSamples);
    const feeds = feedsOf({ count: together, samples: pieceSamples, pcm }, blank);
    await session.run(feeds, ['features']);
    const runs = Math.ceil((20 * microphones) / together);
    const beganMs = performance.now();
    for (let run = 0; run < runs; run += 1) await session.run(feeds, ['features']);
    return (performance.now() - beganMs) / ((runs * together * pieceSamples) / rateHz);
  } finally {
    await session.close();
  }
}
