/** English: what every other language is a translation of. One file an area of the page. */
import { people } from './people.ts';
import { shell } from './shell.ts';

export const en = { ...shell, ...people } as const;
