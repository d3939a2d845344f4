/** Digits that are typed with the keyboard of a language and are numbers all the same. */

const decimalDigit = /\p{Nd}/u;

/** Every decimal digit of any script as 0–9; all else stays. */
export const asciiDigits = (text: string): string => text.replaceAll(/\p{Nd}/gu, (digit) => String(valueOf(digit)));

/** Unicode keeps the digits of a script together in order, zero first, and nothing but whole tens beside one another (4.6 of its standard). */
function valueOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (decimalDigit.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return (code - zero) % 10;
}
