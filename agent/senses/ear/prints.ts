/**
 * What was taught of a machine's sound: `voiceprints/<machine>/<version>/` in the data folder, a `speed-N.bin` for each speed (what the
 * model is given), a `faults-N.bin` where the branch that suspects faults learned something, too, and `print.json` (what they are, signed with the gateway's key). After maintenance a machine sounds otherwise: the versions
 * before stay, to be compared with.
 *
 * Invariants (test/unit/senses/prints.test.ts), besides those of `kept.ts`:
 *  Y1  Enrolling again makes the next version, and the newest of the model in use is used.
 *  Y2  What is not signed by this gateway, or is not what was signed, is refused: the description by the agent, its files by whoever reads them.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../../models/errors.ts';
import { mostStatsBytes } from '../../../models/stats-file.ts';
import { keepVersion, readBounded, readSigned, versionsIn } from '../kept.ts';
import { levelsSchema, sha256Schema, type SpeedFile } from './settings.ts';

const mostDescriptionBytes = 32 * 1024;
const finite = z.number().refine(Number.isFinite);

const descriptionSchema = z.strictObject({
  v: z.literal(1),
  machine: z.string().min(1).max(40),
  version: z.int().min(1),
  /** UTC ms. */
  taughtMs: z.int(),
  /** `id@version`. */
  model: z.string().min(1).max(120),
  microphone: z.string().max(2_000),
  rateHz: z.number().positive(),
  /** What the microphone heard of the machine running well, dB below and above 4 kHz: by it a muffled one is known. */
  levels: levelsSchema,
  speeds: z
    .array(
      z.strictObject({
        speed: z.number().positive(),
        samples: z.int().min(1),
        threshold: finite,
        spread: finite,
        /** Of its file. */
        sha256: sha256Schema,
        /** Of what was learned of faults; absent: nothing was. */
        faults: sha256Schema.optional(),
      }),
    )
    .min(1)
    .max(24),
});
export type PrintDescription = z.infer<typeof descriptionSchema>;

/** Where it is: the files have not been looked at. */
export interface Print {
  readonly description: PrintDescription;
  /** For each speed. */
  readonly prints: readonly SpeedFile[];
  /** The same of faults; fewer where nothing was learned of them. */
  readonly faults: readonly SpeedFile[];
}

type TaughtSpeed = Omit<PrintDescription['speeds'][number], 'sha256' | 'faults'> & {
  readonly stats: Uint8Array;
  readonly faults: Uint8Array | null;
};
export type TaughtPrint = Omit<PrintDescription, 'v' | 'version' | 'speeds'> & {
  readonly speeds: readonly TaughtSpeed[];
};

const folderOf = (dataDir: string, machine: string) => join(dataDir, 'voiceprints', machine);
const fileOf = (at: number) => `speed-${at + 1}.bin`;
const faultsFileOf = (at: number) => `faults-${at + 1}.bin`;
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Keeps it as the next version, durably; older ones than the newest five go. */
export function keepPrint(dataDir: string, { speeds, ...about }: TaughtPrint, key: KeyObject): PrintDescription {
  const described = speeds.map(({ stats, faults, ...speed }) => ({
    ...speed,
    sha256: sha256Of(stats),
    ...(faults === null ? {} : { faults: sha256Of(faults) }),
  }));
  const describe = (version: number) => descriptionSchema.parse({ v: 1, ...about, version, speeds: described });
  const files = Object.fromEntries(
    speeds.flatMap(({ stats, faults }, at) => [
      [fileOf(at), Buffer.from(stats)],
      ...(faults === null ? [] : [[faultsFileOf(at), Buffer.from(faults)]]),
    ]),
  );
  const version = keepVersion(dataDir, folderOf(dataDir, about.machine), (next) => ({
    name: 'print',
    value: describe(next),
    key,
    files,
  }));
  return describe(version);
}

/** Versions that are there, the newest first. */
export function printVersions(dataDir: string, machine: string): readonly number[] {
  return versionsIn(folderOf(dataDir, machine));
}

/**
 * What a version is, without what the model is given: cheap.
 * @throws ModelError `statsInvalid`
 */
export function describePrint(dataDir: string, machine: string, key: KeyObject, version: number): PrintDescription {
  const folder = join(folderOf(dataDir, machine), String(version));
  const read = descriptionSchema.safeParse(readSigned(folder, 'print', [key], mostDescriptionBytes));
  const isIt = read.success && read.data.machine === machine && read.data.version === version;
  if (!isIt) throw new ModelError('statsInvalid', `${folder} is not what was taught`);
  return read.data;
}

/**
 * The newest version that was taught with this model: to another one it means nothing. Cheap, as `describePrint` is.
 * @param model `id@version`
 * @throws ModelError `statsInvalid` where there is none, or one is not what this gateway signed
 */
export function printFor(dataDir: string, machine: string, key: KeyObject, model: string): Print {
  for (const version of printVersions(dataDir, machine)) {
    const description = describePrint(dataDir, machine, key, version);
    if (description.model === model) return { description, ...filesOf(dataDir, description) };
  }
  throw new ModelError('statsInvalid', `${machine} was not taught with ${model}`);
}

function filesOf(dataDir: string, { machine, version, speeds }: PrintDescription): Omit<Print, 'description'> {
  const folder = join(folderOf(dataDir, machine), String(version));
  return {
    prints: speeds.map(({ speed, sha256 }, at) => ({ speed, file: join(folder, fileOf(at)), sha256 })),
    faults: speeds.flatMap(({ speed, faults: sha256 }, at) =>
      sha256 === undefined ? [] : [{ speed, file: join(folder, faultsFileOf(at)), sha256 }],
    ),
  };
}

/**
 * What lies there, as `readStats` takes it.
 * @throws ModelError `statsInvalid` where it is not what was signed, or cannot be read
 */
export function readTaught({ file, sha256 }: SpeedFile): Buffer {
  const bytes = readBounded(file, mostStatsBytes);
  if (sha256Of(bytes) !== sha256) throw new ModelError('statsInvalid', `${file} is not what was taught`);
  return bytes;
}
