/** A folder for certificates that ends with the test, and what is usually made in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { uniqueNames } from '../../../agent/certificates/names.ts';
import type { CertificateSubject } from '../../../agent/certificates/update.ts';

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-certificates-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

export const subjectIn = (dataDir: string, ...names: readonly string[]): CertificateSubject => ({
  dataDir,
  gateway: 'gw-1',
  names: uniqueNames(names.length === 0 ? ['gw.local', '127.0.0.1'] : names),
});
