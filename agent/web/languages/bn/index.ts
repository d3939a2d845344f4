/** বাংলা */
import type { Translation } from '../../language.ts';
import type { en } from '../en/index.ts';
import { needles } from './needles.ts';
import { shell } from './shell.ts';

export const bn: Translation<typeof en> = { ...shell, ...needles };
