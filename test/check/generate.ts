/**
 * The generated documents. `generate.ts` compares them with what the sources say now; `--write` brings them up to date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configDocuments } from './config-docs.ts';
import { contractDocuments } from './contract-docs.ts';
import { errorDocument } from './error-docs.ts';
import { repository } from './files.ts';
import { profileDocuments } from './profile-docs.ts';
import { scalingDocument } from './scaling-docs.ts';
import { storeDocument } from './store-docs.ts';
import { tortureDocument } from './torture-docs.ts';

export interface Generated {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every generated document as it should be. */
export function generatedDocuments(): readonly Generated[] {
  return [
    ...configDocuments(),
    ...profileDocuments(),
    errorDocument(),
    ...contractDocuments(),
    storeDocument(),
    scalingDocument(),
    tortureDocument(),
  ];
}

/** Documents that are missing or differ from what they should be. */
export function staleDocuments(): readonly Generated[] {
  return generatedDocuments().filter(({ path, text }) => {
    const full = join(repository, path);
    return !existsSync(full) || readFileSync(full, 'utf8') !== text;
  });
}

if (import.meta.main) {
  const stale = staleDocuments();
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
