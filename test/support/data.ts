/** Real data that is not part of the repository: a folder named by SELVEDGE_DATA. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * A folder of it. Without the variable the test is skipped: the data has licences of its own and nobody has to have it. Where the variable is
 * set the data has to be there, so that no test is left out by a slip.
 */
export function requireData(t: TestContext, folder: string): string | null {
  const root = process.env['SELVEDGE_DATA'];
  if (root === undefined) {
    t.skip(`SELVEDGE_DATA is not set: no real ${folder}`);
    return null;
  }
  const path = join(root, folder);
  if (!existsSync(path)) throw new TypeError(`SELVEDGE_DATA is ${root}, and there is no ${folder} in it`);
  return path;
}
