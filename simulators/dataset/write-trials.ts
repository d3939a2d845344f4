/**
 * Writes needle-line trials: a JPEG with all frames of a trial below each other, a JSON file with what the gateway got beside them,
 * and `truth.json` last. docs/SIMULATED-CLOTH.md has the format.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { trialPositions, type Trial, type TrialTruth } from '../cloth/trial.ts';
import { createTrialMaker, type TrialDrawer } from '../cloth/trials.ts';
import { createTubeEye } from '../cloth/tube-camera.ts';
import { createTubeEyeB } from '../cloth-b/tube.ts';
import type { TrialsDataset } from './schema.ts';
import { claimFolder, writing, type GeneratorName, type WriteOptions } from './write.ts';

const drawers: Readonly<Record<GeneratorName, TrialDrawer>> = {
  a: { generator: 'a', createEye: createTubeEye },
  b: { generator: 'b', createEye: createTubeEyeB },
};

/** Writes all trials and rolls of a data set; resolves with how many there are. Rejects with SIM-101. */
export async function writeTrials(dataset: TrialsDataset, options: WriteOptions): Promise<number> {
  const { folder, seed, generator, signal } = options;
  const { each, clean, roll } = dataset;
  claimFolder(folder, ['teach', ...(roll === undefined ? [] : ['roll']), ...trialPositions]);
  const make = createTrialMaker(dataset, seed, drawers[generator]);
  const truths: TrialTruth[] = [];
  await save(make.trial('telemetry', 0, false), folder, 'teach', dataset.jpegQuality);
  const all = trialPositions.length * (each + clean);
  const write = async (trial: Trial, inner: string): Promise<void> => {
    await save(trial, folder, inner, dataset.jpegQuality);
    truths.push(trial.truth);
    options.onProgress(truths.length, Math.max(all, truths.length));
  };
  for (const position of trialPositions) {
    for (let number = 1; number <= each + clean; number += 1) {
      if (signal.aborted) return truths.length;
      await write(make.trial(position, number, number <= each), position);
    }
    if (roll === undefined) continue;
    for (const part of make.roll(position, roll.metres, roll.holes)) {
      if (signal.aborted) return truths.length;
      await write(part, 'roll');
    }
  }
  const truth = { version: 1, simulated: true, generator, seed, plan: dataset, trials: truths };
  writing('truth.json', () => writeFileSync(join(folder, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`));
  return truths.length;
}

async function save(trial: Trial, folder: string, inner: string, quality: number): Promise<void> {
  const { input } = trial;
  const { widthPx, heightPx } = input.camera;
  const size = widthPx * heightPx;
  const pixels = new Uint8Array(size * input.frames.length);
  for (let frame = 0; frame < input.frames.length; frame += 1)
    trial.draw(frame, pixels.subarray(frame * size, (frame + 1) * size));
  const raw = { width: widthPx, height: heightPx * input.frames.length, channels: 1 } as const;
  const jpeg = await sharp(pixels, { raw, limitInputPixels: false }).toColourspace('b-w').jpeg({ quality }).toBuffer();
  const file = join(inner, input.id);
  writing(file, () => {
    writeFileSync(join(folder, `${file}.jpg`), jpeg);
    writeFileSync(join(folder, `${file}.json`), `${JSON.stringify({ version: 1, ...input })}\n`);
  });
}
