/**
 * The text that an admin writes for a runbook, and which language and machines it is for. Pure: no network, no browser.
 *
 * Invariants (test/unit/page/runbook-draft.test.ts):
 *  D1  The text stands under the language and profile it was read for: another choice counts once its answer is here, and an answer to
 *      another choice than the present one changes nothing.
 *  D2  Text that is not saved is replaced only after the person said so.
 *  D3  Where nobody wrote it in the chosen language, the text that is here stays, to be translated.
 */
import type { RunbookLanguage } from '../runbooks/lookup.ts';

export interface Choice {
  readonly language: RunbookLanguage;
  /** null: for all machines. */
  readonly profile: string | null;
}
export interface Draft {
  readonly choice: Choice;
  readonly text: string;
  /** The text as it was read or saved. */
  readonly base: string;
  /** `ask`: it waits for the person's word; `load`: for the gateway. */
  readonly next: { readonly step: 'ask' | 'load'; readonly choice: Choice } | null;
}
interface Found {
  readonly language: RunbookLanguage;
  readonly markdown: string;
}

export const draftOf = (choice: Choice, text: string): Draft => ({ choice, text, base: text, next: null });
export const chosenIn = ({ choice, next }: Draft): Choice => next?.choice ?? choice;
export const typed = (draft: Draft, text: string): Draft => ({ ...draft, text });
export const saved = (draft: Draft, text: string): Draft => ({ ...draft, base: text });
export const choose = (draft: Draft, choice: Choice): Draft => ({
  ...draft,
  next: { step: draft.text === draft.base ? 'load' : 'ask', choice },
});
export const stay = (draft: Draft): Draft => ({ ...draft, next: null });
/** The person gives the unsaved text up. */
export const giveUp = (draft: Draft): Draft =>
  draft.next === null ? draft : { ...draft, text: draft.base, next: { ...draft.next, step: 'load' } };

/** @param found null: it could not be read */
export function answered(draft: Draft, choice: Choice, found: Found | null): Draft {
  const { next } = draft;
  if (next === null || next.step !== 'load' || next.choice !== choice) return draft;
  if (found === null) return stay(draft);
  return draftOf(choice, found.language === choice.language ? found.markdown : draft.text);
}
