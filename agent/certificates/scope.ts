/**
 * What the site's authority may sign at all: private networks, names that exist in no public DNS, and the names of the page. A tablet
 * that trusts the authority therefore trusts it for nothing on the internet, whoever may come by its key.
 *
 * As the name constraints of RFC 5280, 4.2.1.10, in DER: few enough bytes to write and read here.
 */
import { addressBytes, type HostName } from './names.ts';

export interface Scope {
  /** Each stands for itself and for what is below it. */
  readonly dns: readonly string[];
  /** Address and mask in one, 8 or 32 bytes. */
  readonly networks: readonly Uint8Array[];
}

export const nameConstraintsOid = '2.5.29.30';

const privateDns = ['local', 'internal', 'lan', 'home.arpa', 'localhost'];
const privateNetworks: readonly (readonly [address: string, bits: number])[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
];

/** The scope of an authority for these names. */
export function scopeFor(names: readonly HostName[]): Scope {
  const base: Scope = { dns: privateDns, networks: privateNetworks.map(([address, bits]) => network(address, bits)) };
  const more = names.filter((name) => !permits(base, name));
  return {
    dns: [...base.dns, ...more.filter(({ kind }) => kind === 'dns').map(({ text }) => text)],
    networks: [
      ...base.networks,
      ...more.filter(({ kind }) => kind === 'ip').map(({ text }) => network(text, addressBytes(text).length * 8)),
    ],
  };
}

export function permits({ dns, networks }: Scope, { kind, text }: HostName): boolean {
  if (kind === 'dns') return dns.some((base) => text === base || text.endsWith(`.${base}`));
  const bytes = addressBytes(text);
  return networks.some(
    (one) =>
      one.length === 2 * bytes.length &&
      bytes.every((byte, i) => (byte & (one[bytes.length + i] ?? 0)) === (one[i] ?? 0)),
  );
}

function network(address: string, bits: number): Uint8Array {
  const bytes = addressBytes(address);
  const mask = bytes.map((_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  return Uint8Array.from([...bytes, ...mask]);
}

const sequence = 0x30;
const permittedSubtrees = 0xa0;
const dnsName = 0x82;
const ipAddress = 0x87;
const octetString = 0x04;
/** The object id of the extension, and that it is critical. */
const criticalConstraints = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e, 0x01, 0x01, 0xff]);

/** The value of the extension. */
export function scopeDer({ dns, networks }: Scope): Uint8Array {
  const bases = [
    ...dns.map((name) => tlv(dnsName, Buffer.from(name, 'ascii'))),
    ...networks.map((bytes) => tlv(ipAddress, bytes)),
  ];
  return tlv(sequence, tlv(permittedSubtrees, Buffer.concat(bases.map((base) => tlv(sequence, base)))));
}

/** Of a certificate (DER) whose scope `scopeDer` wrote; null for one without. Node shows no name constraints. */
export function scopeOf(certificate: Uint8Array): Scope | null {
  const at = Buffer.from(certificate).indexOf(criticalConstraints);
  const extension = at < 0 ? null : readTlv(certificate, at + criticalConstraints.length);
  return extension?.tag === octetString ? readScope(extension.value) : null;
}

/** Of the value of an extension; null where it is none of `scopeDer`. */
export function readScope(der: Uint8Array): Scope | null {
  const all = readTlv(der, 0);
  const permitted = all?.tag === sequence ? readTlv(all.value, 0) : null;
  if (permitted?.tag !== permittedSubtrees) return null;
  const bases = readTlvs(permitted.value).map(({ value }) => readTlv(value, 0));
  const of = (tag: number) => bases.flatMap((base) => (base?.tag === tag ? [base.value] : []));
  return { dns: of(dnsName).map((bytes) => Buffer.from(bytes).toString('ascii')), networks: of(ipAddress) };
}

function tlv(tag: number, value: Uint8Array): Uint8Array {
  const { length } = value;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...head, ...value]);
}

interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly endAt: number;
}

/** null where the bytes end too early. */
function readTlv(bytes: Uint8Array, at: number): Tlv | null {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return null;
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 2) return null;
  const start = at + 2 + more;
  const length = more === 0 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  const endAt = start + length;
  return endAt > bytes.length ? null : { tag, value: bytes.subarray(start, endAt), endAt };
}

function readTlvs(bytes: Uint8Array): readonly Tlv[] {
  const found: Tlv[] = [];
  for (let next = readTlv(bytes, 0); next !== null; next = readTlv(bytes, next.endAt)) found.push(next);
  return found;
}
