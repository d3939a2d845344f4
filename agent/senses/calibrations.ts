/**
 * The needle zero of a machine's camera, as staff found it: `calibrations/<machine>/<version>/` in the data folder, `calibration.json` signed
 * with the gateway's key.
 *
 * Invariants (test/unit/senses/calibrations.test.ts), besides those of `kept.ts`:
 *  C1  A calibration counts for the setting it was made in, and for no other: with another camera, scale, encoder or picture no zero is known.
 *  C2  What the configuration says counts, and then no calibration.
 */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../models/errors.ts';
import type { EyeConfig } from '../config/config.ts';
import { keepVersion, readSigned, versionsIn } from './kept.ts';

const mostBytes = 16 * 1024;
const sign = z.union([z.literal(1), z.literal(-1)]);

/** What a zero hangs on. */
const settingSchema = z.strictObject({
  position: z.enum(['index', 'encoder']),
  camera: z.string(),
  needles: z.int(),
  firstNeedle: z.union([z.literal(0), z.literal(1)]),
  circumferenceMm: z.number(),
  mmPerPx: z.number(),
  countsPerRevolution: z.int().nullable(),
  ringRowsPx: z.int().nullable(),
  rising: z.boolean(),
  /** Of the pictures. */
  widthPx: z.int(),
});
export type CameraSetting = z.infer<typeof settingSchema>;

const calibrationSchema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('camera'),
  machine: z.string().min(1).max(40),
  version: z.int().min(1),
  /** UTC ms. */
  calibratedMs: z.int(),
  /** User of the computer. */
  by: z.string().max(80),
  /** The needle that was seen. */
  needle: z.int().min(0),
  zeroNeedle: z.number(),
  /** ± bound, needles. */
  zeroError: z.number().min(0),
  /** 1: needles of rising number pass the camera as the machine turns. */
  direction: sign,
  /** 1: needle numbers rise to the right of the picture. */
  columns: sign,
  /** Whether two needles have shown which way numbers rise; false: to the right is assumed. */
  isNumberingKnown: z.boolean(),
  revolutions: z.int().min(1),
  setting: settingSchema,
});
export type Calibration = z.infer<typeof calibrationSchema>;

const folderOf = (dataDir: string, machine: string) => join(dataDir, 'calibrations', machine);

export function settingOf(eye: EyeConfig, widthPx: number): CameraSetting | null {
  const { position, camera, needles, firstNeedle, circumferenceMm, mmPerPx, rising } = eye;
  if (position === 'telemetry') return null;
  return {
    position,
    camera,
    needles,
    firstNeedle,
    circumferenceMm,
    mmPerPx,
    countsPerRevolution: position === 'encoder' ? eye.countsPerRevolution : null,
    ringRowsPx: position === 'index' ? eye.ringRowsPx : null,
    rising,
    widthPx,
  };
}

/** Keeps it as the next version. */
export function keepCalibration(
  dataDir: string,
  found: Omit<Calibration, 'v' | 'kind' | 'version'>,
  key: KeyObject,
): Calibration {
  const whole = (version: number) => calibrationSchema.parse({ v: 1, kind: 'camera', ...found, version });
  const version = keepVersion(dataDir, folderOf(dataDir, found.machine), (next) => ({
    name: 'calibration',
    value: whole(next),
    key,
  }));
  return whole(version);
}

/**
 * The newest; null where the machine was never calibrated.
 * @throws ModelError `statsInvalid` where it is not what this gateway signed
 */
export function readCalibration(dataDir: string, machine: string, publicKey: KeyObject): Calibration | null {
  const folder = folderOf(dataDir, machine);
  const [version] = versionsIn(folder);
  if (version === undefined) return null;
  const at = join(folder, String(version));
  const read = calibrationSchema.safeParse(readSigned(at, 'calibration', [publicKey], mostBytes));
  if (!read.success || read.data.machine !== machine || read.data.version !== version) {
    throw new ModelError('statsInvalid', `${at} is no calibration of ${machine}`);
  }
  return read.data;
}

export function newestCalibration(dataDir: string, machine: string): number | null {
  return versionsIn(folderOf(dataDir, machine))[0] ?? null;
}

export interface NeedleZero {
  readonly zeroNeedle: number | null;
  readonly zeroError: number;
  readonly direction: 1 | -1;
  readonly columns: 1 | -1;
}

/** A whole number in the configuration is half a needle off at most. */
const configuredError = 0.5;

/**
 * The zero the eye goes by: that of the configuration, else the newest calibration where it was made in this setting, else none.
 * @throws ModelError `statsInvalid` where there is a calibration and it does not count
 */
export function needleZeroOf(
  dataDir: string,
  machine: string,
  eye: EyeConfig,
  widthPx: number,
  publicKey: KeyObject,
): NeedleZero {
  const said = { direction: eye.rising ? 1 : -1, columns: 1 } as const;
  if (eye.needleZero !== null) return { zeroNeedle: eye.needleZero, zeroError: configuredError, ...said };
  const found = eye.position === 'telemetry' ? null : readCalibration(dataDir, machine, publicKey);
  if (found === null) return { zeroNeedle: null, zeroError: configuredError, ...said };
  const other = differing(found.setting, settingOf(eye, widthPx));
  if (other !== null) {
    throw new ModelError('statsInvalid', `${machine} was calibrated with another ${other}: calibrate it anew`);
  }
  const { zeroNeedle, zeroError, direction, columns } = found;
  return { zeroNeedle, zeroError, direction, columns };
}

/** The first thing that is another one; null where none is. */
export function differing(made: CameraSetting, now: CameraSetting | null): string | null {
  if (now === null) return 'position';
  return Object.entries(made).find(([name, value]) => now[name as keyof CameraSetting] !== value)?.[0] ?? null;
}
