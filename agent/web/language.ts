/**
 * The languages of the page. A text is asked for by its key and comes from the catalogue of the language that is chosen on this
 * device; English is in the page itself, another language is fetched when it is chosen. Numbers follow the language too.
 */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { en } from './languages/en/index.ts';

export type Key = keyof typeof en;
/** What stands for each `{name}` of a text. */
export type Values = Readonly<Record<string, string | number>>;
/** Every key of the English texts, and no other. */
export type Translation<English extends Readonly<Record<string, string>>> = Readonly<Record<keyof English, string>>;
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
  /** A number with at most so many decimals. */
  readonly number: (value: number, mostDecimals?: number) => string;
}

export function languageOf(code: LanguageCode, catalogue: Catalogue): Language {
  const { locale } = languages[code];
  const number = (value: number, mostDecimals = 2): string =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: mostDecimals }).format(value);
  const filled = (text: string, values: Values): string =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) return whole;
      return typeof value === 'number' ? number(value) : value;
    });
  return { code, locale, number, say: (key, values = {}) => filled(catalogue[key], values) };
}

export const english = languageOf('en', en);

export const LanguageContext = createContext<Language>(english);
export const useLanguage = (): Language => useContext(LanguageContext);

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
