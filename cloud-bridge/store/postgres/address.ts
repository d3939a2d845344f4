/**
 * Where PostgreSQL is, from `--store postgres://user@host:port/database`. Invariants (test/unit/bridge/postgres-address.test.ts):
 *  D1  No password is taken from a URL: every user of the computer sees the command line.
 *  D2  Off this computer the connection is TLS with a certificate that is checked, unless clear text was accepted by name.
 *  D3  The text for logs names neither user nor password.
 */
import { isLoopback } from '../../broker/access.ts';
import { BridgeError } from '../../errors.ts';

export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Undefined: from the environment, PGPASSWORD or PGPASSFILE, as PostgreSQL's own programs do. */
  readonly password: string | undefined;
  readonly tls: { readonly ca: string | null } | null;
  /** For logs. */
  readonly text: string;
}

export interface AddressOptions {
  readonly url: string;
  readonly password: string | null;
  readonly ca: string | null;
  readonly acceptPlaintext: boolean;
}

/** Throws BRG-101 for a URL that cannot be used. */
export function postgresAddress({ url: given, password, ca, acceptPlaintext }: AddressOptions): PostgresAddress {
  const url = URL.canParse(given) ? new URL(given) : null;
  const database = url === null ? '' : decoded(url.pathname.slice(1));
  const user = url === null ? '' : decoded(url.username);
  if (
    url === null ||
    !['postgres:', 'postgresql:'].includes(url.protocol) ||
    [url.hostname, user, database].includes('')
  ) {
    throw new BridgeError('usage', '--store must be postgres://user@host:port/database');
  }
  if (url.password !== '') {
    throw new BridgeError('usage', 'a password in --store can be seen by every user; use --store-password-file');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new BridgeError('usage', '--store takes no parameters after the database; see --store-ca for TLS');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const near = isLoopback(host);
  const tls = ca !== null || (!near && !acceptPlaintext) ? { ca } : null;
  const port = url.port === '' ? 5432 : Number(url.port);
  const text = `${url.protocol}//${url.hostname}:${port}/${database}`;
  return { host, port, user, database, password: password ?? undefined, tls, text };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
