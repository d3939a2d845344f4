/** Calls of the page's API about what people do with alerts. */
import type { ClosingAction, ClosingCause } from '../alerts/act-words.ts';
import type { AlertFigures, ListPage } from '../page/source.ts';
import { ask, post, type Result } from './client.ts';
import type { Alert } from './floor-state.ts';

export interface Person {
  readonly name: string;
  readonly isYou: boolean;
}
export type Figures = AlertFigures & { readonly operators: number | null; readonly perOperatorHour: number | null };
export type Stands = Result<{ readonly state: Alert['state'] }>;

export type ActBody =
  | { readonly deed: 'shelve'; readonly body: { readonly forS: number } }
  | { readonly deed: 'unshelve'; readonly body: Record<string, never> }
  | { readonly deed: 'assign'; readonly body: { readonly to: string | null } }
  | { readonly deed: 'comment'; readonly body: { readonly text: string } }
  | {
      readonly deed: 'close';
      readonly body: { readonly cause: ClosingCause; readonly action: ClosingAction; readonly comment?: string };
    };

export const actOn = (occurrence: string, { deed, body }: ActBody, csrf: string): Promise<Stands> =>
  post(`/api/alerts/${encodeURIComponent(occurrence)}/${deed}`, body, csrf);
export const fetchPeople = () => ask<ListPage<Person>>('/api/alert-people');
export const fetchFigures = (fromMs: number, toMs: number) =>
  ask<Figures>(`/api/alert-figures?from=${Math.round(fromMs)}&to=${Math.round(toMs)}`);
