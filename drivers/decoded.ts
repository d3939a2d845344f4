/**
 * From a raw number to a believed value, by the signal's entry in the profile. Pure.
 *
 * Invariant: what is returned as good is finite, inside the profile's range, and for a counter inside 0 … wrapsAt; anything
 * else is bad with a reason and carries no number (D2). Beyond 2^53 neighbouring integers share one number of this language, so
 * that a counter's step would be wrong without a word: what is above is bad (`not-exact`), never rounded.
 */
import type { Value } from './contract.ts';
import type { SignalSpec } from './profiles/schema.ts';

export type Decoded =
  | { readonly quality: 'good'; readonly value: Value }
  | { readonly quality: 'uncertain'; readonly value: Value; readonly reason: string }
  | { readonly quality: 'bad'; readonly reason: string };

export function good(value: Value): Decoded {
  return { quality: 'good', value };
}

export function bad(reason: string): Decoded {
  return { quality: 'bad', reason };
}

/** Longest text a machine may hand over, in characters; more is noise or an attack, and it would sit in every store. */
export const maxTextLength = 256;

/**
 * @param raw the number as the machine sent it, before scale and offset
 * @returns good, or bad with `not-a-number` (a code that means "no value", or not finite), `not-exact` (beyond ±(2^53 − 1)) or
 *   `out-of-range`
 */
export function decodeNumber(spec: SignalSpec, raw: number): Decoded {
  if (!Number.isFinite(raw) || spec.notANumber.includes(raw)) return bad('not-a-number');
  if (spec.kind === 'flag') return raw === 0 ? good(false) : raw === 1 ? good(true) : bad('out-of-range');
  const value = scaled(raw, spec.scale, spec.offset);
  if (!Number.isFinite(value)) return bad('not-a-number');
  if (spec.range !== undefined && (value < spec.range[0] || value > spec.range[1])) return bad('out-of-range');
  if (spec.kind === 'counter' && (value < 0 || value >= spec.wrapsAt)) return bad('out-of-range');
  if (Math.abs(raw) > Number.MAX_SAFE_INTEGER) return bad('not-exact');
  if (spec.kind === 'counter' && value > Number.MAX_SAFE_INTEGER) return bad('not-exact');
  if (spec.kind === 'code' && spec.words !== undefined) return good(spec.words[value] ?? String(value));
  return good(value);
}

/** Control characters, and the replacement character of a failed decoding. */
const unprintable = /[\p{Cc}\ufffd]/u;

/** @returns good with the trimmed text, or bad with `garbage` (control characters) or `text-too-long` */
export function decodeText(raw: string): Decoded {
  const text = raw.trim();
  if (text.length > maxTextLength) return bad('text-too-long');
  if (unprintable.test(text)) return bad('garbage');
  return good(text);
}

/** raw × scale + offset without binary dust: dividing by 10 gives 21.7 where multiplying 217 by 0.1 gives 21.700000000000003. */
function scaled(raw: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return raw;
  const inverse = Math.round(1 / scale);
  const isInverse = Math.abs(scale) < 1 && 1 / inverse === scale;
  if (isInverse && offset === 0) return raw / inverse;
  const product = isInverse ? raw / inverse : raw * scale;
  const sum = product + offset;
  // Fifteen digits are what a double holds of any decimal number; dust begins at the sixteenth. It is as large as that of the
  // larger operand, so a sum that cancels (39.1 − 40) is cut at the operand's last decimal, not at its own.
  const decimals = 14 - Math.floor(Math.log10(Math.max(Math.abs(product), Math.abs(offset))));
  return Number(decimals >= 0 && decimals <= 100 ? sum.toFixed(decimals) : sum.toPrecision(15));
}
