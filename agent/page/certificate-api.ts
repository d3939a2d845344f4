/** The operation by which a tablet fetches what it has to install, before it trusts the page. */
import type { Operation } from './operation.ts';

export const certificateOperations = {
  caCertificate: {
    method: 'GET',
    path: '/ca.crt',
    summary:
      "Certificate of the site's authority, DER: what `selvedge cert export` writes. 404: this gateway has none. Compare its fingerprint",
    access: 'public',
    touches: false,
    response: { media: 'application/x-x509-ca-cert' },
  },
} as const satisfies Record<string, Operation>;
