/** The folder `selvedge evaluate voiceprint` reads, `MACHINE/normal/` and `MACHINE/abnormal/`, and the sound in it. */
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { flacSamples } from '../../drivers/microphone/flac.ts';
import { decodeSoundFile } from '../../drivers/microphone/sound-file.ts';
import { DriverError } from '../../drivers/errors.ts';
import { ModelError } from '../../models/errors.ts';
import { isWav, readWav, soundLimits, type Sound } from '../../models/voiceprint/wav.ts';
import { AgentError } from '../errors.ts';

/** One recording of a machine. */
export interface Clip {
  /** From the folder of the machine on: `normal/0001.wav`. */
  readonly file: string;
  readonly path: string;
  readonly isNormal: boolean;
}

export interface MachineClips {
  readonly machine: string;
  readonly clips: readonly Clip[];
}

const endings: readonly string[] = ['.wav', '.flac'];

/** @throws AgentError `fileUnreadable`, `usage` where there is no machine */
export function machinesIn(dir: string): MachineClips[] {
  const machines = namesIn(dir)
    .filter((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.isDirectory() === true)
    .map((machine) => ({
      machine,
      clips: [...clipsIn(join(dir, machine), 'normal'), ...clipsIn(join(dir, machine), 'abnormal')],
    }))
    .filter(({ clips }) => clips.length > 0);
  if (machines.length === 0) {
    throw new AgentError('usage', `${dir} has no MACHINE/normal/ or MACHINE/abnormal/ with files of .wav or .flac`);
  }
  return machines;
}

function clipsIn(machine: string, kind: 'normal' | 'abnormal'): Clip[] {
  const folder = join(machine, kind);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return namesIn(folder)
    .filter((name) => endings.includes(extname(name).toLowerCase()))
    .map((name) => ({ file: `${kind}/${name}`, path: join(folder, name), isNormal: kind === 'normal' }));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .toSorted();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnreadable', `${folder}: ${why}`, { cause: error });
  }
}

/**
 * The first channel of a file. WAV is read here; what is none goes through ffmpeg, whatever its name ends in.
 * @throws ModelError `soundUnreadable`, `soundTooLong`; DriverError as `decodeSoundFile`
 */
export async function loadSound(path: string): Promise<Sound> {
  const bytes = await bytesOf(path);
  if (isWav(bytes)) return readWav(bytes, path);
  const sound = readWav(await decodeSoundFile(path), path);
  const said = flacSamples(bytes);
  if (said !== null && said !== sound.samples.length) {
    throw new DriverError('soundDamaged', `${path} has ${sound.samples.length} samples and says ${said}`);
  }
  return sound;
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const { size } = statSync(path);
    if (size > soundLimits.bytes) throw new ModelError('soundTooLong', `${path}: ${size} bytes`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DriverError('soundUnreadable', `${path}: ${why}`, { cause: error });
  }
}
