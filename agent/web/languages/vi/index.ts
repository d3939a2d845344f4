/** Tiếng Việt */
import type { Translation } from '../../language.ts';
import type { en } from '../en/index.ts';
import { people } from './people.ts';
import { shell } from './shell.ts';

export const vi: Translation<typeof en> = { ...shell, ...people };
