/** `bridge revoke`: shuts a gateway out, also of a running bridge. */
import { Audit } from '../audit.ts';
import { Authority } from '../authority.ts';
import { revoke as revokeGateway } from '../enrolment/desk.ts';
import { dataDir } from '../files.ts';
import { signingKey } from '../keys.ts';

export async function revoke(root: string, gateway: string): Promise<number> {
  const dir = dataDir(root);
  signingKey(dir);
  const nowMs = Date.now();
  await revokeGateway(dir, await Authority.open(dir, nowMs), gateway, nowMs);
  const audit = new Audit(dir, () => nowMs);
  audit.note({ event: 'revoked', who: 'command line', did: 'revoke', on: gateway, why: null, from: null });
  audit.flush();
  process.stdout.write(
    `Gateway ${gateway} is shut out. What it sent stays; what it holds it keeps. A broker other than the embedded one needs the new ${dir.revocationList}.\n`,
  );
  return 0;
}
