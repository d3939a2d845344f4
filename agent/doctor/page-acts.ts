/** Whether the record of what was done on the page is whole, and ends where the journal knows that it ended. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentErrors } from '../errors.ts';
import { actsFile, oldActsFile } from '../page/acts.ts';
import { readActs, type ReadActs } from '../page/acts-chain.ts';
import { journalFile } from '../store/files.ts';
import { lastPageActs, type ActsHead } from '../store/page-acts-event.ts';
import { bad, good, type Check } from './report.ts';

/** Beside a running agent the files may change hands between two reads: that is over at the next look. */
const looks = 2;

/** Nothing where nobody has done anything on the page. Changes nothing. @param sqliteLoads false: only the lines themselves are looked at */
export async function examineActs(dataDir: string, sqliteLoads: boolean): Promise<readonly Check[]> {
  const file = join(dataDir, actsFile);
  // First the anchor, then the lines: those may be ahead of it, and never behind.
  const look = async (): Promise<ReadActs> => {
    const anchor = sqliteLoads ? await anchorOf(dataDir) : null;
    return readActs([await textOf(oldActsFile(file)), await textOf(file)], anchor);
  };
  let read = await look();
  for (let i = 1; i < looks && !read.isWhole; i++) read = await look();
  return judgeActs(read);
}

export function judgeActs({ files, isWhole, cut }: Pick<ReadActs, 'files' | 'isWhole' | 'cut'>): readonly Check[] {
  const lines = files.reduce((sum, entries) => sum + entries.length, 0);
  const id = 'page-acts';
  const { cure } = agentErrors.pageActsChanged;
  if (cut > 0)
    return [bad(id, `${cut} lines of what was done on the page are missing at the end of ${actsFile}`, cure)];
  if (!isWhole) return [bad(id, 'lines of what was done on the page were changed or are missing', cure)];
  return lines === 0 ? [] : [good(id, `the record of what was done on the page is whole: ${lines} lines`)];
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

/** null: none is known, or the journal cannot be read, which is told elsewhere. */
async function anchorOf(dataDir: string): Promise<ActsHead | null> {
  const path = journalFile(dataDir);
  if (!existsSync(path)) return null;
  try {
    const { default: BetterSqlite } = await import('better-sqlite3');
    const db = new BetterSqlite(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
    try {
      return lastPageActs(db);
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}
