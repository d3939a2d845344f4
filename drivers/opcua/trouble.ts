/** Why a server cannot be read, as one word group for gaps and links. Pure. */

/** An expected failure of a connection. It never leaves the driver: it becomes a gap, a link event and a retry. */
export class OpcuaTrouble extends Error {
  readonly reason: string;
  constructor(reason: string, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'OpcuaTrouble';
    this.reason = reason;
  }
}

/** Looked for in order; the library tells most failures in words only. Status names as OPC 10000-6, A.2. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'connection-refused'],
  [/EHOSTUNREACH|ENETUNREACH/, 'host-unreachable'],
  [/ENOTFOUND|EAI_AGAIN/, 'host-not-found'],
  [/BadCertificateUntrusted|BadSecurityChecksFailed|BadCertificate/, 'own-certificate-refused'],
  [/BadIdentityToken|BadUserAccessDenied|BadUserSignatureInvalid/, 'access-denied'],
  [/BadTooManySessions|BadTcpServerTooBusy|BadMaxConnectionsReached/, 'server-busy'],
  [/BadSession|BadSecureChannel/, 'session-lost'],
  [/BadTcpEndpointUrlInvalid/, 'endpoint-unknown'],
  [/ETIMEDOUT|[Tt]imeout|timed out|waiting for data on socket/, 'timeout'],
  [/ECONNRESET|EPIPE|closed|disconnect|aborted|Abandoned/i, 'connection-lost'],
];

export function reasonOfError(error: unknown): string {
  if (error instanceof OpcuaTrouble) return error.reason;
  const text = error instanceof Error ? error.message : String(error);
  return reasons.find(([pattern]) => pattern.test(text))?.[1] ?? 'connection-failed';
}
