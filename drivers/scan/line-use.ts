/**
 * Whether a process of this computer is connected to a serial device server: such a connection is a serial line, and most device
 * servers mix what two clients send.
 *
 * Linux lists the connections of this network namespace in `/proc/net/tcp` and `tcp6`, of all users: local address, remote
 * address, state (01 established), in hexadecimal; an address in groups of four bytes in the byte order of the processor
 * (proc_pid_net(5)), which is little-endian on every platform Node 24 is built for but s390x and AIX.
 *
 * Invariant: nothing is opened or changed; where the lists cannot be read, nobody is seen.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * True when somebody here has an open connection to one of `addresses` (numeric, IPv4 or IPv6) at `port`.
 * @param netDir another folder in tests
 */
export function isConnected(addresses: readonly string[], port: number, netDir = '/proc/net'): boolean {
  const wanted = new Set(addresses.flatMap(hexOf));
  const remotePort = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].some((file) =>
    linesOf(join(netDir, file)).some((line) => {
      const [, , remote = '', state] = line.trim().split(/\s+/);
      const [address = '', at] = remote.split(':');
      return state === '01' && at === remotePort && wanted.has(address.toUpperCase());
    }),
  );
}

/** As the lists write it; an IPv4 address also as an IPv6 socket does, ::ffff:192.0.2.1. */
function hexOf(address: string): string[] {
  if (address.includes(':')) {
    const bytes = bytesOfV6(address);
    return bytes === null ? [] : [hexWords(bytes)];
  }
  const bytes = address.split('.').map(Number);
  return [hexWords(bytes), hexWords([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes])];
}

/** Groups of four bytes, each reversed. */
function hexWords(bytes: readonly number[]): string {
  return bytes
    .map((_, at) => bytes[(at & ~3) + 3 - (at & 3)] ?? 0)
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    .join('');
}

function bytesOfV6(address: string): number[] | null {
  // URL writes every spelling in one way: lower case, :: for the longest row of zeros, no dotted part.
  const text = URL.canParse(`http://[${address}]/`) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : null;
  if (text === null) return null;
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(1);
  } catch {
    return [];
  }
}
