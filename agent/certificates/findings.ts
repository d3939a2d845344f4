/** What a person should know of the certificates of the page before browsers tell them. Pure. */
import { agentErrors } from '../errors.ts';
import type { HostName } from './names.ts';
import { dayMs, planCertificates, renewBeforeMs, whyUnfit, type Held, type ServerUnfit } from './plan.ts';

export interface Finding {
  readonly what: string;
  readonly cure: string;
}

export interface Looked {
  readonly held: Held;
  /** `page.names`. */
  readonly names: readonly HostName[];
  readonly nowMs: number;
  /** Addresses of this computer, in the one spelling of `names.ts`; null: not asked for. */
  readonly addresses: readonly string[] | null;
}

/** An authority takes a visit to every tablet: so long before its end it is told. */
const authorityWarnMs = 90 * dayMs;

const unfitText = {
  missing: 'there is no certificate',
  damaged: 'the file of the certificate cannot be read, or is damaged',
  expired: 'the certificate has expired',
  'not-yet': 'the certificate is not valid yet by the clock of this computer',
  names: 'the certificate is not for every name in page.names',
} as const satisfies Record<ServerUnfit, string>;

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** Everything that is wrong or soon will be; empty when all is well. */
export function certificateFindings({ held, names, nowMs, addresses }: Looked): readonly Finding[] {
  const { authority, server } = held;
  const findings: Finding[] = [];
  const unfit = whyUnfit(server, names, nowMs);
  if (unfit !== null) {
    const { cure } = agentErrors[unfit === 'missing' ? 'pageCertificateMissing' : 'pageCertificateUnfit'];
    findings.push({ what: unfitText[unfit], cure });
  } else if (typeof server !== 'string' && server.notAfterMs - nowMs < renewBeforeMs) {
    const what = `the certificate ends on ${day(server.notAfterMs)}`;
    findings.push({ what, cure: 'A running agent renews it; `selvedge cert renew --config FILE` does so at once.' });
  }
  const plan = planCertificates(held, names, nowMs);
  const { cure } = agentErrors.pageAuthorityUnfit;
  if (plan.authority !== null && unfit !== 'missing') {
    findings.push({ what: `the authority can sign no more for page.names (${plan.authority})`, cure });
  } else if (typeof authority !== 'string' && authority.notAfterMs - nowMs < authorityWarnMs) {
    findings.push({ what: `the authority ends on ${day(authority.notAfterMs)}`, cure });
  }
  for (const { kind, text } of names) {
    if (kind !== 'ip' || addresses === null || addresses.includes(text)) continue;
    findings.push({
      what: `page.names has ${text}, which is no address of this computer`,
      cure: 'Give this computer that address for good (a reservation at the DHCP server), or correct page.names and run `selvedge cert renew --config FILE`.',
    });
  }
  return findings;
}
