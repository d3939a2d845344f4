/**
 * The generated documents. `generate.ts` compares them with what the sources say now; `--write` brings them up to date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configDocuments } from './config-docs.ts';
import { errorDocument } from './error-docs.ts';
import { repository } from './files.ts';
import { profileDocuments } from './profile-docs.ts';

export interface Generated {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every generated document as it should be. */
export async function generatedDocuments(): Promise<readonly Generated[]> {
  return [...configDocuments(), ...profileDocuments(), errorDocument(), ...(await contractDocuments())];
}

/** Those of the wire contract, where their generator is there. */
async function contractDocuments(): Promise<readonly Generated[]> {
  const file = join(import.meta.dirname, 'contract-docs.ts');
  if (!existsSync(file)) return [];
  const made = (await import(pathToFileURL(file).href)) as { contractDocuments: () => readonly Generated[] };
  return made.contractDocuments();
}

/** Documents that are missing or differ from what they should be. */
export async function staleDocuments(): Promise<readonly Generated[]> {
  return (await generatedDocuments()).filter(({ path, text }) => {
    const full = join(repository, path);
    return !existsSync(full) || readFileSync(full, 'utf8') !== text;
  });
}

if (import.meta.main) {
  const stale = await staleDocuments();
  const write = process.argv.includes('--write');
  for (const { path, text } of stale) {
    if (write) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    }
    process.stdout.write(`${path}: ${write ? 'written' : 'not current; run: npm run generate'}\n`);
  }
  process.exitCode = stale.length > 0 && !write ? 1 : 0;
}
