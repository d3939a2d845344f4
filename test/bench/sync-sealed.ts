/** What the sealed data folder holds, read without the product. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const journalOf = (dataDir: string) => join(dataDir, 'journal.db');

export interface EvidenceFile {
  readonly sha256: string;
  readonly bytes: Buffer;
}

/** All of its evidence, by the hash that is its name. */
export function evidenceIn(dataDir: string): EvidenceFile[] {
  const folder = join(dataDir, 'evidence');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ sha256: basename(name), bytes: readFileSync(join(parentPath, name)) }));
}
