/** Why the gateway did not do what it was asked, in the language of the page. */
import type { Failure } from './client.ts';
import type { Language } from './speech.ts';

/**
 * The sentence of its code. English is the gateway's own language, and says more: a value, a waiting time. A code without a
 * sentence shows the gateway's own words.
 */
export function problemWord({ code, message }: Pick<Failure, 'code' | 'message'>, language: Language): string {
  return (language.code === 'en' && message !== '' ? null : language.named('problem', code)) ?? message;
}
