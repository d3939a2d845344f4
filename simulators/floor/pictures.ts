/**
 * Pictures of good cloth, as the cameras of a floor would take them while their machines knit: to teach an eye from without waiting for
 * them. The same cameras before the same tubes as those that run with this seed, earlier that day.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { createTubeEye, imageSize } from '../cloth/tube-camera.ts';
import { SimulatorError } from '../errors.ts';
import type { FloorCamera } from './cameras.ts';

/** So many of each camera … */
const pictures = 12;
/** … each of another part of the tube: so many revolutions apart, an odd share of one. */
const apartTurns = 3.37;
const apartS = 7.3;
/** Far from the numbers of the exposures of a run, so that no noise comes twice. */
const firstNumber = 1_000_000_000;

/**
 * Writes `<folder>/<machine>/nn.jpg`.
 * @returns how many
 * @throws SimulatorError SIM-101 where the folder is not empty or cannot be written
 */
export async function writePictures(cameras: readonly FloorCamera[], folder: string): Promise<number> {
  let written = 0;
  for (const { machine, scene, jpegQuality } of cameras) {
    const into = join(folder, machine);
    const eye = createTubeEye(scene);
    const { widthPx, heightPx } = imageSize(scene);
    const pixels = new Uint8Array(widthPx * heightPx);
    try {
      await mkdir(into, { recursive: true });
      if ((await readdir(into)).length > 0) throw new SimulatorError('fileUnwritable', `${into} is not empty`);
      for (let n = 0; n < pictures; n += 1) {
        const shot = { revolutions: n * apartTurns, timeS: n * apartS, number: firstNumber + n };
        eye.take({ ...shot, faults: [], trouble: null }, pixels);
        const jpeg = await sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 1 } })
          .toColourspace('b-w')
          .jpeg({ quality: jpegQuality })
          .toBuffer();
        await writeFile(join(into, `${String(n + 1).padStart(2, '0')}.jpg`), jpeg);
        written += 1;
      }
    } catch (error) {
      if (error instanceof SimulatorError) throw error;
      throw new SimulatorError('fileUnwritable', `${into}: ${String(error)}`, { cause: error });
    }
  }
  return written;
}
