/**
 * Writes a data set: strips in `good/`, `defect/` and `mask/`, and `truth.json`, which comes last, so that a folder with one is
 * whole. docs/SIMULATED-CLOTH.md has the format.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStripMaker } from '../cloth/strips.ts';
import { createStripMakerB } from '../cloth-b/strips.ts';
import { SimulatorError } from '../errors.ts';
import { classesOf, type DefectClass } from './fabric.ts';
import { generatorKey, greyPng } from './png.ts';
import type { StripsDataset } from './schema.ts';
import { stripSize, type Generator, type Strip } from './strip.ts';

export const generatorNames = ['a', 'b'] as const;
export type GeneratorName = (typeof generatorNames)[number];
const generators: Readonly<Record<GeneratorName, Generator>> = { a: createStripMaker, b: createStripMakerB };

export interface WriteOptions {
  readonly folder: string;
  readonly seed: number;
  readonly generator: GeneratorName;
  /** Told after every file that took long. */
  readonly onProgress: (done: number, of: number) => void;
  /** Aborted: nothing more is written, and there is no truth.json. */
  readonly signal: AbortSignal;
}

/** Runs a write; what fails is SIM-101. */
export function writing<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof SimulatorError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new SimulatorError('fileUnwritable', `cannot write ${file}: ${detail}`, { cause: error });
  }
}

/** Makes the folder of a data set. Throws SIM-101 when it cannot be made, or holds anything: two data sets in one would be neither. */
export function claimFolder(folder: string, inner: readonly string[]): void {
  writing(folder, () => {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) throw new SimulatorError('fileUnwritable', `${folder} is not empty`);
    for (const name of inner) mkdirSync(join(folder, name));
  });
}

interface StripTruth {
  readonly file: string;
  readonly mask: string | null;
  readonly fabric: string;
  readonly cloth: Strip['cloth'];
  readonly defects: Strip['defects'];
}

/** Writes all strips of a data set; resolves with how many there are. Rejects with SIM-101. */
export async function writeStrips(dataset: StripsDataset, options: WriteOptions): Promise<number> {
  const { folder, seed, generator, signal } = options;
  claimFolder(folder, ['good', 'defect', 'mask']);
  const texts = { Software: 'selvedge simulate', [generatorKey]: generator };
  const save = async (file: string, pixels: Uint8Array): Promise<void> => {
    const png = await greyPng(pixels, stripSize.widthPx, stripSize.heightPx, texts);
    writing(file, () => writeFileSync(join(folder, file), png));
  };
  const all = dataset.fabrics.reduce((sum, fabric) => sum + fabric.good + fabric.defect, 0);
  const strips: StripTruth[] = [];
  for (const fabric of dataset.fabrics) {
    const make = generators[generator](fabric, seed);
    const names: readonly string[] = fabric.classes ?? classesOf[fabric.cloth];
    for (let i = 0; i < fabric.good + fabric.defect; i += 1) {
      if (signal.aborted) return strips.length;
      // The schema has let only names of this cloth's classes through.
      const wanted = i < fabric.good ? null : (names[(i - fabric.good) % names.length] as DefectClass);
      const strip = make(i, wanted);
      const stem = `${String(i + 1).padStart(4, '0')}_${wanted?.replaceAll('_', '-') ?? '000'}_${fabric.id}`;
      const file = `${wanted === null ? 'good' : 'defect'}/${stem}.png`;
      const mask = strip.mask === null ? null : `mask/${stem}_mask.png`;
      await save(file, strip.pixels);
      if (strip.mask !== null && mask !== null) await save(mask, strip.mask);
      strips.push({ file, mask, fabric: fabric.id, cloth: strip.cloth, defects: strip.defects });
      options.onProgress(strips.length, all);
    }
  }
  const truth = { version: 1, simulated: true, generator, seed, fabrics: dataset.fabrics, strips };
  writing('truth.json', () => writeFileSync(join(folder, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`));
  return strips.length;
}
