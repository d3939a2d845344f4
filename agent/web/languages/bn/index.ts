/** বাংলা */
import type { Translation } from '../../language.ts';
import type { en } from '../en/index.ts';
import { acts } from './acts.ts';
import { shell } from './shell.ts';

export const bn: Translation<typeof en> = { ...acts, ...shell };
