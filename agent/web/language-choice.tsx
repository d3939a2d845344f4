/** The language this device shows the page in: kept on the device, changed at the top of the page. */
import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useContext, useEffect, useId, useState } from 'preact/hooks';
import { english, LanguageContext, languageOf, languages, useLanguage, wantedLanguage } from './language.ts';
import type { Language, LanguageCode } from './language.ts';

const place = 'selvedge.language';
/** Storage may be refused (a private window): the choice then lasts as long as the page. */
function kept(): string | null {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}
function keep(code: LanguageCode): void {
  try {
    localStorage.setItem(place, code);
  } catch {
    return;
  }
}

const Choose = createContext<(code: LanguageCode) => void>(() => undefined);

/** Shows nothing until the language is there, so that nobody sees a page change its words. */
export function LanguageProvider({ children }: { children: ComponentChildren }) {
  const [code, setCode] = useState<LanguageCode>(() => wantedLanguage(kept(), navigator.languages));
  const [language, setLanguage] = useState<Language | null>(code === 'en' ? english : null);
  useEffect(() => {
    let wanted = true;
    const show = (made: Language): void => {
      if (!wanted) return;
      setLanguage(made);
      document.documentElement.lang = made.locale;
    };
    languages[code].load().then(
      (catalogue) => show(languageOf(code, catalogue)),
      () => {
        if (!wanted) return;
        // The language stays what it is, English at first, and may be chosen again when the gateway answers.
        const stays = language ?? english;
        show(stays);
        setCode(stays.code);
      },
    );
    return () => {
      wanted = false;
    };
  }, [code]);
  const choose = (chosen: LanguageCode): void => {
    keep(chosen);
    setCode(chosen);
  };
  if (language === null) return null;
  return (
    <Choose.Provider value={choose}>
      <LanguageContext.Provider value={language}>{children}</LanguageContext.Provider>
    </Choose.Provider>
  );
}

export function LanguageChoice() {
  const choose = useContext(Choose);
  const { code, say } = useLanguage();
  const id = useId();
  return (
    <span class="language">
      <label class="unseen" for={id}>
        {say('shell.language')}
      </label>
      <select id={id} value={code} onChange={(event) => choose(event.currentTarget.value as LanguageCode)}>
        {Object.entries(languages).map(([one, { name, locale }]) => (
          <option key={one} value={one} lang={locale}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}
