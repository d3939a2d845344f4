/** বাংলা */
import type { Translation } from '../../language.ts';
import type { en } from '../en/index.ts';
import { floorView } from './floor-view.ts';
import { health } from './health.ts';
import { machinePage } from './machine-page.ts';
import { shell } from './shell.ts';

export const bn: Translation<typeof en> = { ...shell, ...floorView, ...machinePage, ...health };
