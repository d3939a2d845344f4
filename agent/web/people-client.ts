/** Calls of the page's API about people, and what a refusal is called in the language of the page. */
import type { ActEntry } from '../page/acts-chain.ts';
import type { ProblemBody } from '../page/api.ts';
import type { MeView, PersonView, TabletView } from '../page/people-api.ts';
import type { Role } from '../page/users.ts';
import type { SessionView } from './client.ts';
import { asciiDigits } from './digits.ts';
import { en } from './languages/en/index.ts';
import type { Key, Language } from './speech.ts';

export type { ActEntry, MeView, PersonView, Role, TabletView };
/** Why not, and for how many seconds not; null: nobody knows. */
export interface Refused {
  readonly code: string;
  readonly waitS: number | null;
}
export type Told<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Refused);

async function ask<T>(path: string, init: RequestInit = {}): Promise<Told<T>> {
  try {
    const response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
    const body: unknown = await response.json();
    if (response.ok) return { ok: true, value: body as T };
    const waitS = Number(response.headers.get('retry-after') ?? Number.NaN);
    const code = (body as Partial<ProblemBody>).error?.code ?? 'other';
    return { ok: false, code, waitS: Number.isFinite(waitS) ? waitS : null };
  } catch {
    return { ok: false, code: 'offline', waitS: null };
  }
}
const post = <T>(path: string, csrf: string | null, body: object = {}): Promise<Told<T>> =>
  ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(csrf === null ? {} : { 'x-csrf-token': csrf }) },
    body: JSON.stringify(body),
  });
const person = (name: string, deed: string) => `/api/people/${encodeURIComponent(name)}/${deed}`;

interface Done {
  readonly ok: true;
}
export interface Invitation {
  readonly token: string;
  readonly expiresMs: number;
}
interface ListOf<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
export interface Audit extends ListOf<ActEntry> {
  readonly isWhole: boolean;
  /** Lines that are missing at the end. */
  readonly cut: number;
  readonly lost: number;
}

export const tabletHere = () =>
  ask<{ readonly tablet: string | null; readonly names: readonly string[] }>('/api/session/tablet');
export const pinLogin = (name: string, pin: string) =>
  post<SessionView>('/api/session/pin', null, { name, pin: asciiDigits(pin) });
export const join = (token: string, password: string) =>
  post<SessionView>('/api/session/join', null, { token, password });

export const fetchMe = () => ask<MeView>('/api/me');
export const endOwnSession = (id: string, csrf: string) =>
  post<Done>(`/api/me/sessions/${encodeURIComponent(id)}/end`, csrf);
export const changePassword = (old: string, password: string, csrf: string) =>
  post<SessionView>('/api/me/password', csrf, { old, password });
export const setPin = (password: string, pin: string, csrf: string) =>
  post<Done>('/api/me/pin', csrf, { password, pin: asciiDigits(pin) });
export const dropPin = (csrf: string) => post<Done>('/api/me/pin/remove', csrf);

export const fetchPeople = () => ask<ListOf<PersonView>>('/api/people');
export const addPerson = (name: string, role: Role, csrf: string) =>
  post<Invitation>('/api/people', csrf, { name, role });
export const invitePerson = (name: string, csrf: string) => post<Invitation>(person(name, 'invite'), csrf);
export const setRole = (name: string, role: Role, csrf: string) => post<Done>(person(name, 'role'), csrf, { role });
export const lockPerson = (name: string, locked: boolean, csrf: string) =>
  post<Done>(person(name, 'lock'), csrf, { locked });
export const removePerson = (name: string, csrf: string) => post<Done>(person(name, 'remove'), csrf);
export const endSessions = (name: string, csrf: string) => post<object>(person(name, 'end-sessions'), csrf);

export const fetchTablets = () => ask<ListOf<TabletView>>('/api/tablets');
export const enrolTablet = (name: string, csrf: string) => post<TabletView>('/api/tablets', csrf, { name });
export const revokeTablet = (id: string, csrf: string) =>
  post<Done>(`/api/tablets/${encodeURIComponent(id)}/revoke`, csrf);

export const fetchAudit = (user: string, cursor: string | null) => {
  const query = new URLSearchParams({
    limit: '50',
    ...(user === '' ? {} : { user }),
    ...(cursor === null ? {} : { cursor }),
  });
  return ask<Audit>(`/api/audit?${query.toString()}`);
};

/** A key of the texts, where there is one of that name. */
const known = (key: string): Key | null => (Object.hasOwn(en, key) ? (key as Key) : null);

/** What a refusal is called. */
export function problemText(say: Language['say'], { code, waitS }: Refused): string {
  return say(known(`people.problem.${code}`) ?? 'people.problem.other', { seconds: waitS ?? 5 });
}
export const roleText = (say: Language['say'], role: Role): string =>
  say(known(`people.role.${role}`) ?? 'people.role.viewer');
/** What an act is called; one that has no name here is called as the API calls it. */
export function actText(say: Language['say'], act: string): string {
  const key = known(`people.act.${act}`);
  return key === null ? act : say(key);
}
