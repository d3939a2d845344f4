/** Why the gateway did not do what it was asked; nothing where it did. */
import type { Failure } from './client.ts';
import { useLanguage } from './language.ts';
import { problemWord } from './problem-word.ts';

/** Kept as it was answered, so that it follows the language when that is changed. */
export function Problem({ of }: { readonly of: Failure | null }) {
  const language = useLanguage();
  return of === null ? null : <p class="problem">{problemWord(of, language)}</p>;
}
