/**
 * What is wrong with a translation of the page. The page is not built, and a change is not taken, while there is any.
 *
 *  C1  Every text is in every language: no key is missing, none is empty, none is left over.
 *  C2  No text is the English one, except those that `languages/same.ts` names with a reason.
 *  C3  A text is filled with the same values as the English one.
 */
import { bn } from './languages/bn/index.ts';
import { en } from './languages/en/index.ts';
import { sameAsEnglish } from './languages/same.ts';
import { vi } from './languages/vi/index.ts';
import { zh } from './languages/zh/index.ts';

type Texts = Readonly<Record<string, string>>;

const placeholders = (text: string): string =>
  [...new Set([...text.matchAll(/\{\w+\}/g)].map(([name]) => name))].toSorted().join(' ');

/**
 * @param allowed key → why its text may be the English one
 * @returns one line a problem, each beginning with the key; empty when all is well
 */
export function catalogueProblems(english: Texts, other: Texts, allowed: Texts): readonly string[] {
  const keys = new Set([...Object.keys(english), ...Object.keys(other)]);
  return [...keys].toSorted().flatMap((key) => {
    const said = Object.hasOwn(english, key) ? english[key] : undefined;
    const text = Object.hasOwn(other, key) ? other[key] : undefined;
    if (said === undefined) return [`${key}: there is no such English text`];
    if (text === undefined) return [`${key}: is missing`];
    if (text.trim() === '') return [`${key}: is empty`];
    if (text === said && !Object.hasOwn(allowed, key)) return [`${key}: is the English text`];
    const [wanted, has] = [placeholders(said), placeholders(text)];
    return wanted === has
      ? []
      : [`${key}: is filled with ${has || 'nothing'}, the English text with ${wanted || 'nothing'}`];
  });
}

/** The problems of all languages of the page, each beginning with the language. */
export function pageTextProblems(): readonly string[] {
  return Object.entries({ zh, vi, bn }).flatMap(([code, texts]) =>
    catalogueProblems(en, texts, sameAsEnglish).map((problem) => `${code}: ${problem}`),
  );
}
