/** The language the parts of the page are shown in, as `LanguageProvider` hands it down to them. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { english, type Language } from './speech.ts';

export * from './speech.ts';
export type { Translation } from './languages/translation.ts';

export const LanguageContext = createContext<Language>(english);
export const useLanguage = (): Language => useContext(LanguageContext);
