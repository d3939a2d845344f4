/** Calls of the API of needle cases. A refusal is told by its code, so that it is said in the language of the page. */
import type { Statement } from '../needle-cases/case.ts';
import type { NeedleCaseView } from '../needle-cases/desk.ts';
import type { ListPage } from '../page/source.ts';
import type { Key, Values } from './speech.ts';

export type { NeedleCaseView, Statement };
export interface Problem {
  readonly key: Key;
  readonly values: Values;
}
export type Told<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

const keys: Readonly<Record<string, Key>> = {
  'wrong-name-or-password': 'needles.problem.wrong-name-or-password',
  'not-allowed': 'needles.problem.not-allowed',
  'sign-in-needed': 'needles.problem.sign-in-needed',
  'same-person': 'needles.problem.same-person',
  'unknown-case': 'needles.problem.unknown-case',
  'fragment-listed': 'needles.problem.fragment-listed',
  'fragment-missing': 'needles.problem.fragment-missing',
  'no-fragment': 'needles.problem.no-fragment',
  'nothing-missing': 'needles.problem.nothing-missing',
  'no-such-fragment': 'needles.problem.changed',
  'fragment-withdrawn': 'needles.problem.changed',
  'already-said': 'needles.problem.changed',
  'not-said': 'needles.problem.changed',
  closed: 'needles.problem.changed',
  full: 'needles.problem.full',
};

async function ask<T>(path: string, init: RequestInit = {}): Promise<Told<T>> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/needle-cases${path}`, { credentials: 'same-origin', cache: 'no-store', ...init });
    body = await response.json();
  } catch {
    return { ok: false, problem: { key: 'needles.problem.offline', values: {} } };
  }
  if (response.ok) return { ok: true, value: body as T };
  if (response.status === 429) {
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    return { ok: false, problem: { key: 'needles.problem.too-many-tries', values: { seconds } } };
  }
  const code = (body as { error?: { code?: string } }).error?.code ?? '';
  const key = Object.hasOwn(keys, code) ? keys[code] : undefined;
  return { ok: false, problem: { key: key ?? 'needles.problem.other', values: {} } };
}

const post = (path: string, body: object, csrf: string): Promise<Told<NeedleCaseView>> =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf },
    body: JSON.stringify(body),
  });
const of = (id: string): string => `/${encodeURIComponent(id)}`;
/** Absent where nothing was written. */
const written = (text: string): string | undefined => (text.trim() === '' ? undefined : text.trim());

export const fetchCases = (state: 'open' | 'closed') => ask<ListPage<NeedleCaseView>>(`?state=${state}`);
export const fetchCase = (id: string) => ask<NeedleCaseView>(of(id));
export const openCase = (machine: string, note: string, csrf: string) =>
  post('', { machine, note: written(note) }, csrf);
export const addFragment = (id: string, name: string, csrf: string) =>
  post(`${of(id)}/fragments`, { name: name.trim() }, csrf);
export const tickFragment = (id: string, fragment: number, found: boolean, where: string, csrf: string) =>
  post(`${of(id)}/fragments/${fragment}`, { found, where: written(where) }, csrf);
export const withdrawFragment = (id: string, fragment: number, reason: string, csrf: string) =>
  post(`${of(id)}/fragments/${fragment}/withdraw`, { reason: reason.trim() }, csrf);
export const sayCase = (id: string, said: Statement, csrf: string) => post(`${of(id)}/complete`, said, csrf);
export const closeCase = (id: string, name: string, password: string, csrf: string) =>
  post(`${of(id)}/close`, { name: name.trim(), password }, csrf);
