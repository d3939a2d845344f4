/** Where the databases of a data folder are. */
import { join } from 'node:path';

export const journalFile = (dataDir: string) => join(dataDir, 'journal.db');
export const ringFile = (dataDir: string) => join(dataDir, 'ring.db');
export const lockFile = (dataDir: string) => join(dataDir, 'lock.db');
/** Room kept for alerts on a full disk. */
export const reserveFile = (dataDir: string) => join(dataDir, 'reserve.bin');
/** Pictures and windows that records name by their hash. */
export const evidenceFolder = (dataDir: string) => join(dataDir, 'evidence');

/** Two letters of the name are a folder: no folder grows long. */
export function placeOf(dataDir: string, sha256: string): { readonly folder: string; readonly path: string } {
  const folder = join(evidenceFolder(dataDir), sha256.slice(0, 2));
  return { folder, path: join(folder, sha256) };
}
