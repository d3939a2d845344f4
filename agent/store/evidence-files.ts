/**
 * Evidence on the disk: files named by their SHA-256 below the data folder.
 *
 * Invariants (test/unit/store/evidence-files.test.ts):
 *  E1  A file has its name only when all its bytes are on the disk under it.
 *  E2  What is read hashes to its name, or is null: a damaged picture is never shown or sent as a good one.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { maxEvidenceBytes, sha256Hex } from '../../cloud-bridge/contract.ts';
import { makeFolder } from '../folder.ts';
import { StoreError } from './errors.ts';
import { placeOf } from './files.ts';

const isName = (sha256: string) => /^[0-9a-f]{64}$/.test(sha256);

/**
 * Keeps `bytes` and gives their SHA-256; durable when resolved.
 * @throws StoreError `recordInvalid` of nothing or of more than 4 MiB; what the system says of a disk that cannot take it.
 */
export async function keepFile(dataDir: string, bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0 || bytes.length > maxEvidenceBytes) {
    throw new StoreError('recordInvalid', `a piece of evidence of ${bytes.length} bytes`);
  }
  const sha256 = sha256Hex(bytes);
  const { folder, path } = placeOf(dataDir, sha256);
  if ((await readKept(dataDir, sha256)) !== null) return sha256;
  makeFolder(folder);
  const working = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    const file = await open(working, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(working, path);
  } catch (error) {
    await rm(working, { force: true });
    throw error;
  }
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return sha256;
}

/** The bytes of a file, or null when it is not there or not what its name says. */
export async function readKept(dataDir: string, sha256: string): Promise<Buffer | null> {
  if (!isName(sha256)) return null;
  try {
    const bytes = await readFile(placeOf(dataDir, sha256).path);
    return sha256Hex(bytes) === sha256 ? bytes : null;
  } catch {
    return null;
  }
}
