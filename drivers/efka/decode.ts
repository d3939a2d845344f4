/**
 * What an EFKA drive says in the text of an answer, to believed values. Pure.
 *
 * A text is `PP=value`: the two hex digits of the parameter, and its value as hex digits (`61=8CA`, manual p. 21 and 24), with or
 * without the `$` that the manual writes before them, or in decimal where the profile says so.
 *
 * Invariants:
 *  - A text that does not begin with the asked parameter is no answer to it.
 *  - A value that is not wholly of the form the profile names is bad, never a part of it.
 */
import { bad, decodeNumber, decodeText, good, type Decoded } from '../decoded.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import type { EfkaSource } from '../profiles/serial.ts';

/** One signal out of a parameter; several may share one. */
export interface DriveSignal {
  readonly signal: string;
  readonly pollClass: string;
  readonly parameter: string;
  readonly decode: (value: string) => Decoded;
}

/** The signals of a profile of protocol efka, in its order. */
export function driveSignals(profile: Profile): DriveSignal[] {
  return Object.entries(profile.signals).flatMap(([signal, spec]) =>
    'parameter' in spec.from
      ? [{ signal, pollClass: spec.poll, parameter: spec.from.parameter, decode: decoderOf(spec, spec.from) }]
      : [],
  );
}

/** The value of an answer to `parameter`; null where the text is an answer to something else. */
export function valueOf(text: string, parameter: string): string | null {
  return text.startsWith(`${parameter}=`) ? text.slice(parameter.length + 1) : null;
}

/** A number as drives write it; null where it is none. At most 32 bits in hex, ten digits in decimal. */
export function numberOf(value: string, encoding: 'hex' | 'decimal'): number | null {
  if (encoding === 'decimal') return /^-?\d{1,10}$/.test(value) ? Number(value) : null;
  return /^\$?[0-9A-Fa-f]{1,8}$/.test(value) ? Number.parseInt(value.replace('$', ''), 16) : null;
}

function decoderOf(spec: SignalSpec, from: EfkaSource): (value: string) => Decoded {
  const { encoding, bit, bits } = from;
  return (value) => {
    if (encoding === 'text') return decodeText(value);
    const number = numberOf(value, encoding);
    if (number === null) return bad('not-a-number');
    if (bit !== undefined) return good(Math.floor(number / 2 ** bit) % 2 === 1);
    if (bits === undefined) return decodeNumber(spec, number);
    return decodeNumber(spec, Math.floor(number / 2 ** bits[0]) % 2 ** (bits[1] - bits[0] + 1));
  };
}

/** Errors of the "B18" link (efka.net, "Communication errors"), as the reason of a bad value. */
const errorNames: readonly (readonly [code: number, name: string])[] = [
  [0x01, 'parameter-unknown'],
  [0x02, 'value-below-minimum'],
  [0x03, 'value-above-maximum'],
  [0x04, 'programming-active'],
  [0x05, 'sewing'],
  [0x06, 'unknown-command'],
  [0x07, 'data-missing'],
  [0x08, 'unknown-header'],
  [0x09, 'test-not-enabled'],
  [0x0a, 'unknown-test-command'],
  [0x0b, 'reading-not-allowed'],
  [0x0c, 'setting-not-allowed'],
  [0x0d, 'wrong-code'],
  [0x0e, 'equals-sign-missing'],
  [0x0f, 'semicolon-missing'],
  [0x10, 'program-not-there'],
  [0x11, 'seam-not-there'],
  [0x12, 'program-number-missing'],
  [0x13, 'seam-number-missing'],
  [0x14, 'no-fp-control'],
  [0x15, 'access-denied'],
  [0x16, 'description-missing'],
  [0x17, 'parameter-not-in-teach-in-list'],
  [0x18, 'not-enough-space'],
  [0x19, 'teach-in-data-not-there'],
  [0x1a, 'too-many-parameters'],
  [0x1b, 'drive-busy'],
  [0x1c, 'unknown-element'],
];
const nameOfError = new Map(errorNames);

/** `efka-parameter-unknown`; a code that no table lists stays visible as `efka-error-7f`. */
export function reasonOfError(code: number): string {
  return `efka-${nameOfError.get(code) ?? `error-${code.toString(16).padStart(2, '0')}`}`;
}
