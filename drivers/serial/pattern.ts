/**
 * One line to decoded signals by a regular expression with named groups. Pure.
 *
 * Invariants:
 *  - The whole line matches or gives no value at all: what stands before or behind a match would be noise that is overlooked.
 *  - A group that took no part in the match is bad (`missing-field`); what it holds is judged as any field is (`line.ts`).
 */
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { decodeField, isPrintable, type LineDecoder } from './line.ts';

/** The decoder of a profile with `line.pattern`, which the check of the profile has found to be a regular expression. */
export function patternDecoder(profile: Profile, pattern: string): LineDecoder {
  const whole = new RegExp(`^(?:${pattern})$`, 'u');
  const columns: { readonly signal: string; readonly spec: SignalSpec; readonly group: string }[] = [];
  for (const [signal, spec] of Object.entries(profile.signals)) {
    if ('group' in spec.from) columns.push({ signal, spec, group: spec.from.group });
  }
  return {
    signals: columns.map(({ signal }) => signal),
    decode(text) {
      if (!isPrintable(text)) return { kind: 'discarded', reason: 'garbage' };
      const groups = whole.exec(text)?.groups;
      if (groups === undefined) return { kind: 'discarded', reason: 'garbage' };
      return {
        kind: 'values',
        values: columns.map(({ signal, spec, group }) => ({ signal, decoded: decodeField(spec, groups[group]) })),
      };
    },
  };
}
