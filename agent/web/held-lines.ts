/** Which lines of the list of alerts a person is at work in: the focus is in them, a form of theirs is open, or text in them is not sent. */
import type { Held } from './flood-lines.ts';

/** Forms that are open, and fields that somebody wrote in. */
const open = 'details.acts[open], form.runbook-edit';
const fields = 'input, textarea';

/** @param list its lines carry their `lineName` as `data-line` */
export function heldIn(list: Element | null): Held {
  const alone = new Set<string>();
  const lines = new Map<string, Set<string>>();
  const hold = (element: Element): void => {
    const line = element.closest<HTMLElement>('[data-line]')?.dataset['line'];
    const occurrence = element.closest<HTMLElement>('[data-occurrence]')?.dataset['occurrence'];
    if (line === undefined) return;
    if (occurrence !== undefined && line === `alert ${occurrence}`) alone.add(occurrence);
    else {
      const cards = lines.get(line) ?? new Set<string>();
      lines.set(line, occurrence === undefined ? cards : cards.add(occurrence));
    }
  };
  if (list !== null) {
    for (const element of list.querySelectorAll(open)) hold(element);
    for (const field of list.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(fields))
      if (field.value !== '') hold(field);
    const { activeElement } = document;
    if (activeElement !== null && list.contains(activeElement)) hold(activeElement);
  }
  return { alone, lines };
}
