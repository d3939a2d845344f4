/**
 * One line of separated fields to decoded signals, by the profile. Pure.
 *
 * Invariants:
 *  - A line with another number of fields than the profile names gives no value at all: a field lost in the middle would
 *    move every later value to a wrong signal.
 *  - A field that is no plain decimal number gives a bad value, never a number (`0x1F`, `1e`, `1,5`, `NaN`, empty).
 */
import { bad, decodeNumber, decodeText, good, type Decoded } from '../decoded.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';

export type DecodedLine =
  | { readonly kind: 'values'; readonly values: readonly { readonly signal: string; readonly decoded: Decoded }[] }
  | { readonly kind: 'discarded'; readonly reason: 'garbage' | 'bad-length' };

interface Column {
  readonly signal: string;
  readonly spec: SignalSpec;
  readonly field: number;
}

export interface LineDecoder {
  readonly signals: readonly string[];
  decode(line: string): DecodedLine;
}

/** A plain decimal number as sensor boards print it. Hex, digit groups, words and blanks inside are not numbers. */
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const printable = /^[\t\u0020-\u007e]*$/;

export function isPrintable(text: string): boolean {
  return printable.test(text);
}

/** The decoder of a `line` profile whose lines are fields. Signals that are no field of the line are not its business. */
export function lineDecoder(profile: Profile, line: NonNullable<Profile['line']>): LineDecoder {
  const columns: Column[] = [];
  for (const [signal, spec] of Object.entries(profile.signals)) {
    if ('field' in spec.from) columns.push({ signal, spec, field: spec.from.field });
  }
  return {
    signals: columns.map((column) => column.signal),
    decode(text) {
      if (!isPrintable(text)) return { kind: 'discarded', reason: 'garbage' };
      const fields = text.split(line.delimiter);
      if (fields.length !== line.fields) return { kind: 'discarded', reason: 'bad-length' };
      return {
        kind: 'values',
        values: columns.map(({ signal, spec, field }) => ({ signal, decoded: decodeField(spec, fields[field]) })),
      };
    },
  };
}

/** One value as text. Undefined: it is not there. */
export function decodeField(spec: SignalSpec, field: string | undefined): Decoded {
  if (field === undefined) return bad('missing-field');
  const text = field.trim();
  if (spec.kind === 'text') return decodeText(text);
  if (spec.kind === 'flag' && (text === 'true' || text === 'false')) return good(text === 'true');
  if (!decimal.test(text)) return spec.kind === 'code' && text !== '' ? decodeText(text) : bad('not-a-number');
  return decodeNumber(spec, Number(text));
}
