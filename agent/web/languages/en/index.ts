/** English: what every other language is a translation of. One file an area of the page. */
import { acts } from './acts.ts';
import { shell } from './shell.ts';

export const en = { ...acts, ...shell } as const;
