/** Values of set-points as people read and type them. Pure. */
import type { SetPointValue, SetPointView } from './client.ts';
import type { Language } from './speech.ts';
import { unitSign } from './words.ts';

export function valueWord(value: SetPointValue | null, unit: string, language: Language): string {
  const { say, plain } = language;
  if (value === null) return say('set-points.unknown');
  if (typeof value === 'boolean') return say(value ? 'set-points.on' : 'set-points.off');
  const sign = unitSign(unit, language);
  return sign === '' ? plain(value) : `${plain(value)} ${sign}`;
}

/** What was typed, with a comma or a dot and in any digits the page shows; null: not a value yet. */
export function valueOf(text: string, point: Pick<SetPointView, 'kind'>): SetPointValue | null {
  if (point.kind === 'switch') return text === 'on' ? true : text === 'off' ? false : null;
  const latin = text.replaceAll(/[০-৯]/g, (digit) => String(digit.charCodeAt(0) - 0x09e6));
  const number = Number(latin.replace(',', '.'));
  return text.trim() === '' || !Number.isFinite(number) ? null : number;
}
