/** `bridge audit`: what was tried at the bridge that may not be, and who was let in or shut out. */
import { auditLines } from '../audit.ts';
import { dataDir, writeFileAtomic } from '../files.ts';
import { signingKey } from '../keys.ts';

export async function audit(root: string, json: string | null): Promise<number> {
  const dir = dataDir(root);
  signingKey(dir);
  const lines = auditLines(dir);
  if (json !== null) writeFileAtomic(json, `[${lines.join(',\n')}]\n`, 0o600);
  else for (const line of lines) process.stdout.write(`${line}\n`);
  return 0;
}
