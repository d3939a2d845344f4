/** Making and renewing what the plan asks for, on disk: the authority first, so that whatever is left to do can be done again. */
import { AgentError } from '../errors.ts';
import { certificateFiles, readKept, writePair } from './files.ts';
import { makeAuthority, makeServer } from './make.ts';
import type { HostName } from './names.ts';
import { planCertificates, type AuthorityWhy, type Plan, type ServerWhy } from './plan.ts';

export interface CertificateSubject {
  readonly dataDir: string;
  /** Id of the gateway. */
  readonly gateway: string;
  /** At least one. */
  readonly names: readonly HostName[];
}

const authorityText = {
  missing: 'there is no authority',
  damaged: 'the file of the authority cannot be read, or is damaged',
  ended: 'the authority is over',
  'not-yet': 'the authority is not valid yet by the clock of this computer',
  names: 'the authority may not sign all names in page.names',
} as const satisfies Record<AuthorityWhy, string>;

/**
 * Makes what is missing or no longer good, and gives the plan that was followed. An authority that is there is replaced only when it is
 * over, or when `newAuthority` says so.
 * @throws AgentError `pageAuthorityUnfit`, `fileUnwritable`
 */
export async function initCertificates(
  subject: CertificateSubject,
  nowMs: number,
  newAuthority: boolean,
): Promise<Plan> {
  const { dataDir, gateway, names } = subject;
  const { authority } = planCertificates(readKept(dataDir), names, nowMs);
  const makesOne = newAuthority || authority === 'missing' || authority === 'ended';
  if (makesOne) writePair(certificateFiles(dataDir).authority, await makeAuthority(gateway, names, nowMs));
  const server = await renewServer(subject, nowMs);
  return { authority: makesOne ? (authority ?? 'missing') : null, server };
}

/**
 * Renews the certificate when it is due; the authority stays. Gives the reason, or null when nothing was to be done.
 * @throws AgentError `pageAuthorityUnfit`, `fileUnwritable`
 */
export async function renewServer({ dataDir, names }: CertificateSubject, nowMs: number): Promise<ServerWhy | null> {
  const { authority, ...rest } = readKept(dataDir);
  const plan = planCertificates({ authority, ...rest }, names, nowMs);
  if (plan.authority !== null || typeof authority === 'string') {
    throw new AgentError('pageAuthorityUnfit', authorityText[plan.authority ?? 'missing']);
  }
  if (plan.server !== null) {
    writePair(certificateFiles(dataDir).server, await makeServer(authority, names, nowMs));
  }
  return plan.server;
}
