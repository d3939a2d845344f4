/**
 * What was taught or calibrated on this gateway, in versions: `<folder>/<version>/` in the data folder, its main file signed with the
 * gateway's key.
 *
 * Invariants (test/unit/senses/styles.test.ts, test/unit/senses/calibrations.test.ts):
 *  V1  A version is there whole or not at all: it is written beside, flushed and renamed.
 *  V2  A version never changes; the next one has a higher number, and the newest `kept` stay.
 *  V3  What is not signed by a key that is given, byte by byte, is not read.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ModelError } from '../../models/errors.ts';
import { flushFolder } from '../backup/disk.ts';
import { makeFolder } from '../folder.ts';

const kept = 5;
const mostSignatureBytes = 1_024;

/** Versions that are there, the newest first. */
export function versionsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^[1-9][0-9]{0,8}$/.test(name))
      .map(Number)
      .toSorted((a, b) => b - a);
  } catch {
    return [];
  }
}

export interface Signed {
  /** Such as `style`: `style.json` holds the text, `style.sig` its signature. */
  readonly name: string;
  readonly value: unknown;
  readonly key: KeyObject;
  /** Beside it; their hashes belong into the value. */
  readonly files?: Readonly<Record<string, Buffer>>;
}

/**
 * Keeps the next version, durably; older ones than the newest five go.
 * @param folder below `dataDir`
 * @param make what is kept as this version
 */
export function keepVersion(dataDir: string, folder: string, make: (version: number) => Signed): number {
  makeFolder(folder);
  const known = versionsIn(folder);
  const version = (known[0] ?? 0) + 1;
  const fresh = join(folder, `${version}.new`);
  rmSync(fresh, { recursive: true, force: true });
  writeSigned(fresh, make(version));
  renameSync(fresh, join(folder, String(version)));
  for (let up = folder; up.length >= dataDir.length; up = dirname(up)) flushFolder(up);
  for (const old of known.slice(kept - 1)) rmSync(join(folder, String(old)), { recursive: true, force: true });
  return version;
}

/** Writes it into a folder that it makes. Throws what the system says. */
export function writeSigned(folder: string, { name, value, key, files = {} }: Signed): void {
  const text = Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8');
  makeFolder(folder);
  for (const [file, bytes] of Object.entries(files)) writeDurably(join(folder, file), bytes);
  writeDurably(join(folder, `${name}.json`), text);
  writeDurably(join(folder, `${name}.sig`), Buffer.from(`${sign(null, text, key).toString('base64')}\n`));
  flushFolder(folder);
}

/**
 * The value whose text one of the keys has signed, for a schema to check; null where it is no JSON.
 * @throws ModelError `statsInvalid` where it cannot be read or nobody of these has signed it
 */
export function readSigned(folder: string, name: string, keys: readonly KeyObject[], mostBytes: number): unknown {
  const text = readBounded(join(folder, `${name}.json`), mostBytes);
  const signature = Buffer.from(
    readBounded(join(folder, `${name}.sig`), mostSignatureBytes).toString('utf8'),
    'base64',
  );
  if (!keys.some((key) => verify(null, text, key, signature))) {
    throw new ModelError(
      'statsInvalid',
      `${folder} is not signed by ${keys.length > 1 ? 'a known key' : 'this gateway'}`,
    );
  }
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

/** @throws ModelError `statsInvalid` */
export function readBounded(path: string, mostBytes: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new ModelError('statsInvalid', `${path} has ${size} bytes`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelError('statsInvalid', `${path}: ${why}`, { cause: error });
  }
}

function writeDurably(path: string, bytes: Buffer): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
