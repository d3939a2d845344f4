/**
 * The languages of the page. A text is asked for by its key and comes from the catalogue of the language that is chosen on this
 * device; English is in the page itself, another language is fetched when it is chosen. Numbers follow the language too.
 * Nothing here knows of a browser or a view: what makes words is tested without them.
 */
import { en } from './languages/en/index.ts';
import type { Translation } from './languages/translation.ts';

export type Key = keyof typeof en;
/** What stands for each `{name}` of a text. */
export type Values = Readonly<Record<string, string | number>>;
type Catalogue = Translation<typeof en>;

/** Code of the language → its own name, its locale, and where its texts come from. */
export const languages = {
  en: { name: 'English', locale: 'en-GB', load: async (): Promise<Catalogue> => en },
  zh: { name: '简体中文', locale: 'zh-CN', load: async () => (await import('./languages/zh/index.ts')).zh },
  vi: { name: 'Tiếng Việt', locale: 'vi-VN', load: async () => (await import('./languages/vi/index.ts')).vi },
  bn: { name: 'বাংলা', locale: 'bn-BD', load: async () => (await import('./languages/bn/index.ts')).bn },
} as const satisfies Record<string, { name: string; locale: string; load: () => Promise<Catalogue> }>;
export type LanguageCode = keyof typeof languages;

/** What the parts of the page speak with. */
export interface Language {
  readonly code: LanguageCode;
  readonly locale: string;
  /** The text of a key, with its `{name}`s filled in; numbers are written as the language writes them. */
  readonly say: (key: Key, values?: Values) => string;
  /** The text of a name that comes from a machine or the gateway, `area.name` in the catalogue; null where it has none. */
  readonly named: (area: string, name: string) => string | null;
  /** A number with at most so many decimals. */
  readonly number: (value: number, mostDecimals?: number) => string;
  /** A number with just so many decimals. */
  readonly fixed: (value: number, decimals: number) => string;
  /** A number that names a thing or is typed again by a person (a needle, a version, a set-point): no thousands apart. */
  readonly plain: (value: number) => string;
}

export function languageOf(code: LanguageCode, catalogue: Catalogue): Language {
  const { locale } = languages[code];
  // Making a format costs a hundred times what using it does, and there are but a few.
  const made = new Map<string, Intl.NumberFormat>();
  const format = (value: number, options: Intl.NumberFormatOptions): string => {
    const name = `${options.minimumFractionDigits ?? 0} ${options.maximumFractionDigits ?? ''} ${options.useGrouping ?? ''}`;
    const known = made.get(name) ?? new Intl.NumberFormat(locale, options);
    made.set(name, known);
    const text = known.format(value);
    // In English a comma is read as a decimal sign by most who mend machines: a narrow space cannot be.
    return code === 'en' ? text.replaceAll(',', '\u202f') : text;
  };
  const number = (value: number, mostDecimals = 2): string => format(value, { maximumFractionDigits: mostDecimals });
  const fixed = (value: number, decimals: number): string =>
    format(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const plain = (value: number): string => format(value, { maximumFractionDigits: 6, useGrouping: false });
  const filled = (text: string, values: Values): string =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) return whole;
      return typeof value === 'number' ? number(value) : value;
    });
  return {
    code,
    locale,
    number,
    fixed,
    plain,
    say: (key, values = {}) => filled(catalogue[key], values),
    // Own entries only: a vendor's word may be "constructor".
    named: (area, name) => {
      const key = `${area}.${name}`;
      return Object.hasOwn(catalogue, key) ? catalogue[key as Key] : null;
    },
  };
}

export const english = languageOf('en', en);

/** The language a person chose on this device, or the first of those the browser asks for that the page has, or English. */
export function wantedLanguage(kept: string | null, asked: readonly string[]): LanguageCode {
  const known = (tag: string | null): LanguageCode | null => {
    const code = (tag ?? '').toLowerCase().split('-')[0] ?? '';
    return Object.hasOwn(languages, code) ? (code as LanguageCode) : null;
  };
  for (const tag of [kept, ...asked]) {
    const code = known(tag);
    if (code !== null) return code;
  }
  return 'en';
}
