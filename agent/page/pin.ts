/**
 * PINs for shared tablets: short, because a person in gloves types them; so few tries, only on enrolled tablets, never for an admin.
 */
export const leastDigits = 6;
export const mostDigits = 12;
/** After so many wrong tries in a row a PIN is locked until its owner signs in by password. */
export const mostWrongPins = 5;

const mostPeriod = 3;

/** Why `pin` is not good enough, in words for the person; null when it is. */
export function pinFault(pin: string): string | null {
  if (!/^[0-9]*$/.test(pin) || pin.length < leastDigits || pin.length > mostDigits) {
    return `The PIN needs ${leastDigits} to ${mostDigits} digits.`;
  }
  return isTrivial(pin) ? 'That PIN is guessed first: no runs such as 123456, no repeats such as 121212.' : null;
}

/** Fewer than three digits in all, a run up or down, or a short pattern again and again. */
function isTrivial(pin: string): boolean {
  if (new Set(pin).size < 3) return true;
  const digits = Array.from(pin, Number);
  for (const step of [1, 9]) {
    if (digits.every((digit, i) => i === 0 || digit === ((digits[i - 1] ?? 0) + step) % 10)) return true;
  }
  for (let period = 2; period <= mostPeriod; period += 1) {
    if (digits.every((digit, i) => i < period || digit === digits[i - period])) return true;
  }
  return false;
}
