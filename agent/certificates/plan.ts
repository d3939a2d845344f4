/**
 * What has to be made or renewed, and whether what is there may be served. Pure: certificates in, verdicts out.
 *
 * Invariants (test/unit/certificates/plan.test.ts):
 *  C1  What was made as planned needs nothing more at that moment: planning again plans nothing.
 *  C2  A certificate that may be served is valid now and for every name of the page.
 *  C3  An authority that is there and good is kept: nobody has to install another one.
 */
import type { HostName } from './names.ts';
import { permits, type Scope } from './scope.ts';

export const dayMs = 86_400_000;
/** Browsers take no certificate of a server that is valid for more than 398 days. */
export const serverLifeMs = 397 * dayMs;
export const authorityLifeMs = 3652 * dayMs;
export const renewBeforeMs = 30 * dayMs;
/** A certificate is valid from this long before it was made: the clocks of tablets differ. */
export const earlierMs = 3_600_000;
/** A renewal that gains less than this is none. */
const leastGainMs = dayMs;

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
export interface AuthorityFacts extends Validity {
  readonly scope: Scope;
}
export interface ServerFacts extends Validity {
  /** In the one spelling of `names.ts`. */
  readonly names: readonly string[];
  /** Signed by the authority that is there. */
  readonly ofAuthority: boolean;
}
/** `damaged`: a file is there and cannot be used. */
export interface Held {
  readonly authority: AuthorityFacts | 'missing' | 'damaged';
  readonly server: ServerFacts | 'missing' | 'damaged';
}

export type AuthorityWhy = 'missing' | 'damaged' | 'ended' | 'not-yet' | 'names';
export type ServerUnfit = 'missing' | 'damaged' | 'expired' | 'not-yet' | 'names';
export type ServerWhy = ServerUnfit | 'ends-soon' | 'authority';
/** Why one has to be made; null: what is there is kept. */
export interface Plan {
  readonly authority: AuthorityWhy | null;
  readonly server: ServerWhy | null;
}

export function planCertificates({ authority, server }: Held, names: readonly HostName[], nowMs: number): Plan {
  const why = authorityWhy(authority, names, nowMs);
  if (why !== null || typeof authority === 'string') return { authority: why, server: 'authority' };
  return { authority: null, server: serverWhy(authority, server, names, nowMs) };
}

function authorityWhy(authority: Held['authority'], names: readonly HostName[], nowMs: number): AuthorityWhy | null {
  if (typeof authority === 'string') return authority;
  if (nowMs >= authority.notAfterMs) return 'ended';
  if (nowMs < authority.notBeforeMs) return 'not-yet';
  return names.every((name) => permits(authority.scope, name)) ? null : 'names';
}

function serverWhy(
  authority: AuthorityFacts,
  server: Held['server'],
  names: readonly HostName[],
  nowMs: number,
): ServerWhy | null {
  const unfit = whyUnfit(server, names, nowMs);
  if (unfit !== null || typeof server === 'string') return unfit;
  if (!server.ofAuthority) return 'authority';
  // A name that was taken away is no longer vouched for.
  if (new Set(server.names).size !== names.length) return 'names';
  const gainMs = serverEndMs(authority, nowMs) - server.notAfterMs;
  return server.notAfterMs - nowMs < renewBeforeMs && gainMs >= leastGainMs ? 'ends-soon' : null;
}

/** Why the certificate may not be served; null when it may. `nowMs` null: the time is not known, so only the names are looked at. */
export function whyUnfit(server: Held['server'], names: readonly HostName[], nowMs: number | null): ServerUnfit | null {
  if (typeof server === 'string') return server;
  if (!names.every(({ text }) => server.names.includes(text))) return 'names';
  if (nowMs === null) return null;
  if (nowMs >= server.notAfterMs) return 'expired';
  return nowMs < server.notBeforeMs ? 'not-yet' : null;
}

/** Until when a certificate that is made now is valid: never longer than its authority. */
export function serverEndMs(authority: Validity, nowMs: number): number {
  return Math.min(nowMs + serverLifeMs, authority.notAfterMs);
}
