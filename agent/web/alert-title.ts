/**
 * What an alert is called in the language of the page.
 *
 *  T1  A title is translated only where the agent sent the English text of the shipped rule, with or without words of the
 *      machine's maker behind it. What a site wrote itself is shown as it wrote it.
 */
import type { Alert } from './floor-state.ts';
import { english, type Language } from './speech.ts';
import { reasonWord } from './words.ts';

export function alertTitle(
  { rule, text, evidence }: Pick<Alert, 'rule' | 'text' | 'evidence'>,
  language: Language,
): string {
  // The agent speaks English itself.
  if (language.code === english.code) return text;
  const shipped = english.named('rule', rule);
  const title = language.named('rule', rule);
  if (shipped === null || title === null) return text;
  if (text === shipped) return title;
  if (!text.startsWith(`${shipped} (`) || !text.endsWith(')')) return text;
  const told = text.slice(shipped.length + 2, -1);
  const { reason } = evidence;
  // The agent says a reason with blanks for its dashes.
  const isReason = typeof reason === 'string' && reason.replaceAll('-', ' ') === told;
  return language.say('alerts.title-told', { title, told: isReason ? reasonWord(reason, language) : told });
}
