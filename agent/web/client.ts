/** Calls of the page's API. */
import type { ProblemBody } from '../page/api.ts';
import type { SessionView } from '../page/views.ts';
import type { SetPointValue } from '../../drivers/contract.ts';
import type { SetPointView, WriteView } from '../writes/desk.ts';
import type { RollListed } from '../rolls/read.ts';
import type { ClothView, ListPage, SoundView, Trend } from '../page/source.ts';
import type { Alert } from './floor-state.ts';

export type { ClothView, RollListed, SessionView, SetPointValue, SetPointView, SoundView, WriteView };
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly message: string; readonly setupNeeded: boolean };

const offline = 'The gateway does not answer. Check the connection and try again.';

export async function ask<T>(path: string, init: RequestInit = {}): Promise<Result<T>> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
    body = await response.json();
  } catch {
    return { ok: false, status: 0, message: offline, setupNeeded: false };
  }
  if (response.ok) return { ok: true, value: body as T };
  const problem = body as Partial<ProblemBody>;
  return {
    ok: false,
    status: response.status,
    message: problem.error?.message ?? offline,
    setupNeeded: problem.setupNeeded === true,
  };
}

export const post = <T>(path: string, body: object, csrf: string | null): Promise<Result<T>> =>
  ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(csrf === null ? {} : { 'x-csrf-token': csrf }) },
    body: JSON.stringify(body),
  });

export const whoAmI = () => ask<SessionView>('/api/session');
export const login = (name: string, password: string) =>
  post<SessionView>('/api/session/login', { name, password }, null);
export const setUp = (token: string, name: string, password: string) =>
  post<SessionView>('/api/session/setup', { token, name, password }, null);
export const logout = (csrf: string) => post<{ ok: true }>('/api/session/logout', {}, csrf);

export const acknowledge = (occurrence: string, comment: string, csrf: string) =>
  post<{ ok: true }>(
    `/api/alerts/${encodeURIComponent(occurrence)}/ack`,
    comment.trim() === '' ? {} : { comment: comment.trim() },
    csrf,
  );
export const fetchSetPoints = (machine: string) =>
  ask<ListPage<SetPointView>>(`/api/machines/${encodeURIComponent(machine)}/set-points`);
export const proposeWrite = (
  machine: string,
  body: { readonly setPoint: string; readonly value: SetPointValue; readonly reason: string },
  csrf: string,
) => post<WriteView>(`/api/machines/${encodeURIComponent(machine)}/writes`, body, csrf);
export const confirmWrite = (id: string, value: SetPointValue, password: string, csrf: string) =>
  post<WriteView>(`/api/writes/${encodeURIComponent(id)}/confirm`, { value, password }, csrf);
export const dropWrite = (id: string, csrf: string) =>
  post<WriteView>(`/api/writes/${encodeURIComponent(id)}/drop`, {}, csrf);
export const fetchRolls = (machine: string) =>
  ask<ListPage<RollListed>>(`/api/machines/${encodeURIComponent(machine)}/rolls`);
export const beginRoll = (machine: string, id: string, csrf: string) =>
  post<{ readonly number: number; readonly id: string }>(
    `/api/machines/${encodeURIComponent(machine)}/rolls`,
    id.trim() === '' ? {} : { id: id.trim() },
    csrf,
  );
export const fetchCloth = (machine: string) => ask<ClothView>(`/api/machines/${encodeURIComponent(machine)}/cloth`);
export const teachCloth = (machine: string, csrf: string) =>
  post<ClothView>(`/api/machines/${encodeURIComponent(machine)}/cloth/teach`, {}, csrf);
export const stopTeaching = (machine: string, csrf: string) =>
  post<ClothView>(`/api/machines/${encodeURIComponent(machine)}/cloth/teach/cancel`, {}, csrf);
export const fetchSound = (machine: string) => ask<SoundView>(`/api/machines/${encodeURIComponent(machine)}/sound`);
export const teachSound = (machine: string, csrf: string) =>
  post<SoundView>(`/api/machines/${encodeURIComponent(machine)}/sound/teach`, {}, csrf);
export const stopTeachingSound = (machine: string, csrf: string) =>
  post<SoundView>(`/api/machines/${encodeURIComponent(machine)}/sound/teach/cancel`, {}, csrf);
export const labelSound = (occurrence: string, said: 'false-alarm' | 'real', cause: string, csrf: string) =>
  post<SoundView>(
    `/api/alerts/${encodeURIComponent(occurrence)}/label`,
    cause.trim() === '' ? { said } : { said, cause: cause.trim() },
    csrf,
  );
export const unlabelSound = (occurrence: string, csrf: string) =>
  post<SoundView>(`/api/alerts/${encodeURIComponent(occurrence)}/label/take-back`, {}, csrf);
export const rollMapPath = (machine: string, roll: number, format: string) =>
  `/api/machines/${encodeURIComponent(machine)}/roll-map.${format}?roll=${roll}`;
export const cropPath = (sha256: string) => `/api/crops/${encodeURIComponent(sha256)}`;
export const closedAlerts = (cursor: string | null) =>
  ask<ListPage<Alert>>(
    `/api/alerts?state=normal&limit=20${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
  );
export const fetchTrend = (machine: string, signal: string, fromMs: number, toMs: number, points: number) =>
  ask<Trend>(
    `/api/trend?${new URLSearchParams({
      machine,
      signal,
      from: String(Math.round(fromMs)),
      to: String(Math.round(toMs)),
      points: String(points),
    }).toString()}`,
  );
