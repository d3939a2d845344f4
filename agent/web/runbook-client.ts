/** Calls of the API for runbooks. */
import type { Runbook, RunbookListed } from '../runbooks/desk.ts';
import type { RunbookLanguage, RunbookOrigin } from '../runbooks/lookup.ts';
import type { Block } from '../runbooks/tree.ts';
import { ask, post, type Result } from './client.ts';
import type { ListPage } from '../page/source.ts';

export type { Block, RunbookLanguage, RunbookListed, RunbookOrigin };
export type { Inline } from '../runbooks/tree.ts';
export type ShownRunbook = Runbook & { readonly editable: boolean };

export interface Wanted {
  readonly type: string;
  readonly language: RunbookLanguage;
  /** Whose profile counts. */
  readonly machine?: string | undefined;
  readonly profile?: string | undefined;
  readonly from?: RunbookOrigin | undefined;
}

export function fetchRunbook({ type, ...query }: Wanted): Promise<Result<ShownRunbook>> {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return ask(`/api/runbooks/${encodeURIComponent(type)}?${new URLSearchParams(given).toString()}`);
}
export const fetchRunbooks = (language: RunbookLanguage) =>
  ask<ListPage<RunbookListed>>(`/api/runbooks?language=${language}`);
export const previewRunbook = (markdown: string, csrf: string) =>
  post<{ readonly tree: readonly Block[] }>('/api/runbook-preview', { markdown }, csrf);
export const changeRunbook = (
  type: string,
  body: { readonly language: RunbookLanguage; readonly profile?: string; readonly markdown: string },
  csrf: string,
) =>
  post<{ readonly ok: true; readonly runbook: ShownRunbook | null }>(
    `/api/runbooks/${encodeURIComponent(type)}`,
    body,
    csrf,
  );
