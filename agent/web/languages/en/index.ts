/** English: what every other language is a translation of. One file an area of the page. */
import { floorView } from './floor-view.ts';
import { health } from './health.ts';
import { machinePage } from './machine-page.ts';
import { shell } from './shell.ts';

export const en = { ...shell, ...floorView, ...machinePage, ...health } as const;
