/** English: what every other language is a translation of. One file an area of the page. */
import { runbooks } from './runbooks.ts';
import { shell } from './shell.ts';

export const en = { ...shell, ...runbooks } as const;
