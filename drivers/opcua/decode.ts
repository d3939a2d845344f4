/**
 * An OPC UA value to a believed one (OPC 10000-4, 7.11 DataValue; 10000-6, 5.1 built-in types). Pure; knows no library.
 *
 * Invariant: a Bad status, a missing value, an array, or a type that does not fit the signal gives a bad value, never a number.
 */
import { bad, decodeNumber, decodeText, type Decoded } from '../decoded.ts';
import type { SignalSpec } from '../profiles/schema.ts';

/** A data value as the driver hands it over: library types stay outside. */
export interface ServerValue {
  /** Symbol of the status code, such as `Good`, `BadNodeIdUnknown`. */
  readonly status: string;
  /** The scalar, null for none. LocalizedText is handed over as its text, 64-bit integers as bigint. */
  readonly value: ServerScalar | null;
  /** True for arrays, structures and types no signal can have. */
  readonly isOtherType: boolean;
  /** UTC ms with a fraction, null where the server gave none. */
  readonly sourceMs: number | null;
  readonly serverMs: number | null;
  /** The server's queue was full: samples before this one are gone (OPC 10000-4, 7.39.1, Overflow). */
  readonly hasOverflow: boolean;
}
export type ServerScalar = number | bigint | boolean | string;

export function decodeServerValue(spec: SignalSpec, received: ServerValue): Decoded {
  if (received.status.startsWith('Bad')) return bad(reasonOfStatus(received.status));
  if (received.isOtherType) return bad('unexpected-type');
  if (received.value === null) return bad('no-value');
  const decoded = decodeScalar(spec, received.value);
  if (decoded.quality === 'good' && received.status.startsWith('Uncertain')) {
    return { quality: 'uncertain', value: decoded.value, reason: reasonOfStatus(received.status) };
  }
  return decoded;
}

/** Both tell the same; of bad values the reason does not count. */
export function sameDecoded(a: Decoded, b: Decoded): boolean {
  if (a.quality === 'bad' || b.quality === 'bad') return a.quality === b.quality;
  return a.value === b.value;
}

/** The node is not there, as opposed to having no value now: worth resolving its path again. */
export function isUnknownNode(received: ServerValue): boolean {
  return received.status === 'BadNodeIdUnknown' || received.status === 'BadNodeIdInvalid';
}

function decodeScalar(spec: SignalSpec, value: ServerScalar): Decoded {
  switch (typeof value) {
    case 'string':
      return spec.kind === 'text' || spec.kind === 'code' ? decodeText(value) : bad('not-a-number');
    case 'boolean':
      return spec.kind === 'flag' ? { quality: 'good', value } : bad('unexpected-type');
    case 'bigint':
    case 'number':
      // Names of states are texts. The number of a state means something else in every server.
      return spec.kind === 'text' ? bad('unexpected-type') : decodeNumber(spec, Number(value));
    default:
      return bad('unexpected-type');
  }
}

/** `BadNodeIdUnknown` → `unknown-node`; the others by their words: `BadNoCommunication` → `bad-no-communication`. */
export function reasonOfStatus(status: string): string {
  if (status === 'BadNodeIdUnknown' || status === 'BadNodeIdInvalid') return 'unknown-node';
  return status
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}
