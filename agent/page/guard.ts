/**
 * Which requests may reach a handler at all, as pure functions.
 *
 *  G1  A name in Host that is not ours is refused, on loopback too: that is what DNS rebinding needs (an attacker's name
 *      that resolves to this computer).
 *  G2  A request that another site made (Origin, Sec-Fetch-Site) is refused for every route but the plain files.
 */
import { isIPv4, isIPv6 } from 'node:net';

export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** The host of a Host header without its port, lower case, IPv6 without brackets; null when it is no host. */
export function hostName(header: string | undefined): string | null {
  if (header === undefined || header.length > 262) return null;
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? null : name.toLowerCase();
}

/**
 * `localAddress` is the address the connection came in on. An address literal must be that very address (an attacker's
 * name cannot be one); names must be listed. The port is not compared: a tunnel may change it.
 */
export function hostAllowed(header: string | undefined, localAddress: string, names: readonly string[]): boolean {
  const name = hostName(header);
  if (name === null) return false;
  if (isIPv4(name) || isIPv6(name)) {
    const local = localAddress.startsWith('::ffff:') ? localAddress.slice(7) : localAddress;
    // An address of the configuration may be that of a computer which forwards.
    return name === local || (isLoopback(name) && isLoopback(local)) || names.includes(name);
  }
  if (name === 'localhost') return isLoopback(localAddress);
  return names.some((known) => known.toLowerCase() === name);
}

/** True when the request says that another origin made it. A client that is no browser says nothing, and has no cookie. */
export function isCrossSite(
  headers: {
    readonly origin?: string | undefined;
    readonly fetchSite?: string | undefined;
    readonly host?: string | undefined;
  },
  scheme: 'http' | 'https',
): boolean {
  const { origin, fetchSite, host } = headers;
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') return true;
  return origin !== undefined && origin !== `${scheme}://${host ?? ''}`;
}

/** The value of one cookie, or null. */
export function cookieValue(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

/** Names carry the port: cookies are shared by all ports of a host, and two agents may run on one computer. */
export function cookieName(port: number, secure: boolean): string {
  return `${secure ? '__Host-' : ''}selvedge-${port}`;
}
export function sessionCookie(name: string, token: string, secure: boolean): string {
  return `${name}=${token}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
export function endedCookie(name: string, secure: boolean): string {
  return `${name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${secure ? '; Secure' : ''}`;
}

/** Which shared tablet this is. It outlives every session: browsers keep a cookie for 400 days at most. */
export function tabletCookieName(port: number, secure: boolean): string {
  return `${secure ? '__Host-' : ''}selvedge-tablet-${port}`;
}
export function tabletCookie(name: string, token: string, secure: boolean): string {
  return `${name}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${400 * 86_400}${secure ? '; Secure' : ''}`;
}

/** No script, style or connection but our own files; nobody may frame the page. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

export function securityHeaders(secure: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=()',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
