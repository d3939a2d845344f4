/** 简体中文 */
import type { Translation } from '../../language.ts';
import type { en } from '../en/index.ts';
import { needles } from './needles.ts';
import { shell } from './shell.ts';

export const zh: Translation<typeof en> = { ...shell, ...needles };
