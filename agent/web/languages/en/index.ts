/** English: what every other language is a translation of. One file an area of the page. */
import { needles } from './needles.ts';
import { shell } from './shell.ts';

export const en = { ...shell, ...needles } as const;
