/** Names and addresses by which browsers reach the page, in one spelling. Pure. */
import { isIP } from 'node:net';

export interface HostName {
  readonly kind: 'dns' | 'ip';
  /** Lower case; an IPv6 address in its shortest form. */
  readonly text: string;
}

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A DNS name without wildcards, or an address of one computer; null for anything else. */
export function readName(text: string): HostName | null {
  const plain = text.toLowerCase();
  const version = isIP(plain);
  if (version === 4) return plain === '0.0.0.0' ? null : { kind: 'ip', text: plain };
  if (version === 6) {
    // An address with a zone (fe80::1%eth0) has a meaning on one computer alone.
    if (plain.includes('%')) return null;
    const short = shortV6(plain);
    return short === '::' ? null : { kind: 'ip', text: short };
  }
  const labels = plain.split('.');
  if (plain.length > 253 || !labels.every((part) => label.test(part))) return null;
  // The last part of a DNS name is never a number: 10.1.2 is a mistyped address.
  return /^\d+$/.test(labels.at(-1) ?? '') ? null : { kind: 'dns', text: plain };
}

/** The same names once each, in the order given, in one spelling; what is none is left out. */
export function uniqueNames(texts: readonly string[]): readonly HostName[] {
  const known = new Map<string, HostName>();
  for (const text of texts) {
    const name = readName(text);
    if (name !== null && !known.has(name.text)) known.set(name.text, name);
  }
  return [...known.values()];
}

/** How a name stands in a URL. */
export const inUrl = ({ text }: HostName) => (text.includes(':') ? `[${text}]` : text);

/** The bytes of an address, 4 or 16. */
export function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = shortV6(address).split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** As WHATWG writes it: hexadecimal groups alone, the longest run of zeros as `::`. */
const shortV6 = (address: string) => new URL(`http://[${address}]`).hostname.slice(1, -1);
