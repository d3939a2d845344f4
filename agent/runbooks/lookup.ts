/**
 * Which runbook is shown for an alert. A runbook is a Markdown file `LANGUAGE/TYPE.md`, or `LANGUAGE/TYPE.PROFILE.md` for the machines
 * of one profile, in the folder of the site or among those that ship.
 *
 * Invariants (test/unit/runbooks/lookup.test.ts):
 *  Q1  What the site wrote goes before what ships, a file for the profile before one for the type, the wanted language before English.
 *  Q2  No name leads out of the folder.
 */
import { z } from 'zod';

/** Those of the page (`agent/web/language.ts`). */
export const runbookLanguages = ['en', 'zh', 'vi', 'bn'] as const;
export type RunbookLanguage = (typeof runbookLanguages)[number];
export type RunbookOrigin = 'site' | 'shipped';

/** As rules and profiles have them; short enough for a file name. */
export const alertType = z.string().regex(/^[a-z][a-z0-9_]{0,59}$/, 'is not the type of an alert');
export const profileId = z.string().regex(/^[a-z0-9-]{1,60}$/, 'is not the id of a profile');

export interface RunbookName {
  /** Type of the alert. */
  readonly type: string;
  /** null: for machines of any profile. */
  readonly profile: string | null;
  readonly language: RunbookLanguage;
}

/** Path of the file below its folder. */
export const pathOf = ({ type, profile, language }: RunbookName): string =>
  `${language}/${type}${profile === null ? '' : `.${profile}`}.md`;

/** What a file of the folder of a language is; null: no runbook. */
export function nameOf(language: RunbookLanguage, file: string): RunbookName | null {
  const match = /^([^.]+)(?:\.([^.]+))?\.md$/.exec(file);
  const type = alertType.safeParse(match?.[1]);
  if (!type.success) return null;
  if (match?.[2] === undefined) return { type: type.data, profile: null, language };
  const profile = profileId.safeParse(match[2]);
  return profile.success ? { type: type.data, profile: profile.data, language } : null;
}

export interface Candidate {
  readonly from: RunbookOrigin;
  readonly name: RunbookName;
}

/** Where to look, in this order; the first that is there is shown. */
export function candidates(
  { type, profile, language }: RunbookName,
  origins: readonly RunbookOrigin[] = ['site', 'shipped'],
): readonly Candidate[] {
  const profiles = profile === null ? [null] : [profile, null];
  const languages: readonly RunbookLanguage[] = language === 'en' ? ['en'] : [language, 'en'];
  return origins.flatMap((from) =>
    profiles.flatMap((of) => languages.map((one) => ({ from, name: { type, profile: of, language: one } }))),
  );
}

/** The text of the first heading; null where the text does not begin with one. */
export function titleOf(markdown: string): string | null {
  return /^\uFEFF?\s*#[ \t]+([^\n]{1,200})/.exec(markdown)?.[1]?.trim() ?? null;
}
