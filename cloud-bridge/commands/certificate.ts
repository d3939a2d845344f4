/** `bridge certificate`: a certificate of the bridge's authority for another broker. */
import { Authority } from '../authority.ts';
import { writeRevocationList } from '../enrolment/desk.ts';
import { dataDir, writeFileAtomic } from '../files.ts';
import { signingKey } from '../keys.ts';

const lifeMs = 730 * 86_400_000;

export async function certificate(
  root: string,
  options: { readonly hosts: readonly string[]; readonly cert: string; readonly key: string },
): Promise<number> {
  const dir = dataDir(root);
  signingKey(dir);
  const nowMs = Date.now();
  const authority = await Authority.open(dir, nowMs);
  const made = await authority.server(options.hosts, nowMs, lifeMs);
  writeFileAtomic(options.key, made.key, 0o600);
  writeFileAtomic(options.cert, made.cert, 0o644);
  await writeRevocationList(dir, authority, nowMs);
  process.stdout.write(
    `${options.cert} and ${options.key} are good for two years. Clients: ${dir.authorityCertificate}; revoked: ${dir.revocationList}\n`,
  );
  return 0;
}
