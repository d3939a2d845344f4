/**
 * Which machine speaks. A machine says its number first and once, with nothing behind it: `12` may be machine 12, or machine 1
 * and the beginning of `21`. Pure.
 *
 * Invariants (test/unit/drivers/knit-floor-number.test.ts):
 *  - A number that is not configured is never taken for another.
 *  - Before the line has paused, a machine is named only when no other number at all can be meant.
 *  - After a pause, two possible numbers are told apart only when one came as a whole and alone; else nobody is named.
 */

export type Speaker =
  /** `used`: bytes of the number and of the separator behind it; what follows are messages. */
  | { readonly kind: 'machine'; readonly number: number; readonly used: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous' };

export interface Heard {
  readonly text: string;
  /** It came in one piece. */
  readonly isWhole: boolean;
  /** Nothing has come after it for some time. */
  readonly hasPaused: boolean;
}

/** More than this is no number; with the messages behind it, it would have been understood. */
const maxHeard = 64;
/** The highest number a configuration can give (`unit`). A stranger has one as well, and must not pass for a shorter one. */
const highest = 255;
const anyNumber = Array.from({ length: highest + 1 }, (_, number) => String(number));

export function speaker({ text, isWhole, hasPaused }: Heard, configured: readonly number[]): Speaker {
  const known = (digits: string, used = digits.length): Speaker => {
    const number = Number(digits);
    return configured.includes(number) ? { kind: 'machine', number, used } : { kind: 'unknown' };
  };
  const separated = /^(\d{1,5})[\r\n ]+/.exec(text);
  if (separated?.[1] !== undefined) return known(separated[1], separated[0].length);
  const possible = anyNumber.filter(
    (digits) => digits.startsWith(text) || (text.startsWith(digits) && fits(text.slice(digits.length)) !== 'never'),
  );
  const begun = possible.filter((digits) => text.startsWith(digits));
  if (possible.length === 0) return { kind: 'unknown' };
  if (possible.length === 1 && begun[0] !== undefined) return known(begun[0]);
  if (!hasPaused) return text.length > maxHeard ? { kind: 'ambiguous' } : { kind: 'wait' };
  const whole = begun.filter((digits) => fits(text.slice(digits.length)) === 'whole');
  if (whole.length === 1 && whole[0] !== undefined) return known(whole[0]);
  return isWhole && whole.includes(text) ? known(text) : { kind: 'ambiguous' };
}

const wholes = /^(?:[1-4][01]|7\d{4}|[89]|[\r\n ])*/;
const beginning = /^(?:[1-4]|7\d{0,3})?$/;

/** Whether the text can be messages: `whole` ones, the last one `begun`, or `never`. */
function fits(text: string): 'whole' | 'begun' | 'never' {
  const rest = text.slice(wholes.exec(text)?.[0].length ?? 0);
  if (rest === '') return 'whole';
  return beginning.test(rest) ? 'begun' : 'never';
}
