/** The operations about people: users, their sessions, passwords and PINs, shared tablets, and what was done. */
import { z } from 'zod';
import { actEntry } from './acts-chain.ts';
import { list, paging, type Operation } from './operation.ts';
import { tabletName } from './tablets.ts';
import { roles, userName } from './users-file.ts';
import { ms, sessionView } from './views.ts';

const ok = z.strictObject({ ok: z.literal(true) });
const nothing = z.strictObject({});
const ofPerson = z.strictObject({ name: z.string().min(1).max(100) });
const password = z.string().max(1000);
const pin = z.string().max(100);
const token = z.string().min(20).max(100);
const invitation = z.strictObject({
  token: z.string().describe('Shown once: part of the link with which this person chooses a password'),
  expiresMs: ms,
});
const sessionListed = z.strictObject({
  id: z.string(),
  name: z.string(),
  by: z.enum(['password', 'pin']),
  tablet: z.string().nullable().describe('Name of the shared tablet'),
  address: z.string(),
  createdMs: ms,
  seenMs: ms,
  isThis: z.boolean(),
});
export type SessionShown = z.infer<typeof sessionListed>;
const personView = z.strictObject({
  name: z.string(),
  role: z.enum(roles),
  createdMs: ms,
  seenMs: ms.nullable().describe('Last seen; null: not in what is kept'),
  sessions: z.int(),
  isLocked: z.boolean(),
  isInvited: z.boolean().describe('Has a link that was not used yet'),
  hasPin: z.boolean(),
  isPinLocked: z.boolean(),
});
export type PersonView = z.infer<typeof personView>;
const tabletView = z.strictObject({
  id: z.string(),
  name: z.string(),
  enrolledBy: z.string(),
  enrolledMs: ms,
  isThis: z.boolean(),
});
export type TabletView = z.infer<typeof tabletView>;
const me = z.strictObject({
  name: z.string(),
  role: z.enum(roles),
  hasPin: z.boolean(),
  isPinLocked: z.boolean(),
  tablet: z.string().nullable().describe('Name of the shared tablet that asks; null: it is none'),
  sessions: z.array(sessionListed),
});
export type MeView = z.infer<typeof me>;

export const peopleOperations = {
  tabletHere: {
    method: 'GET',
    path: '/api/session/tablet',
    summary: 'On an enrolled tablet its name and who may sign in there by PIN; elsewhere null and nobody',
    access: 'public',
    touches: false,
    response: z.strictObject({ tablet: z.string().nullable(), names: z.array(z.string()) }),
  },
  pinLogin: {
    method: 'POST',
    path: '/api/session/pin',
    summary:
      'Signs in by PIN. 403: this is no enrolled tablet; 423: too many wrong tries, the PIN opens nothing until its owner signs in by password',
    access: 'public',
    touches: true,
    body: z.strictObject({ name: z.string().min(1).max(100), pin }),
    response: sessionView,
  },
  join: {
    method: 'POST',
    path: '/api/session/join',
    summary: 'Chooses a password with the token of an invitation, and signs in',
    access: 'public',
    touches: true,
    body: z.strictObject({ token, password }),
    response: sessionView,
  },
  me: {
    method: 'GET',
    path: '/api/me',
    summary: 'Who asks, and the own sessions',
    access: 'viewer',
    touches: true,
    response: me,
  },
  endOwnSession: {
    method: 'POST',
    path: '/api/me/sessions/:session/end',
    summary: 'Ends one of the own sessions. 404: there is none',
    access: 'viewer',
    touches: true,
    params: z.strictObject({ session: z.string().min(1).max(64) }),
    body: nothing,
    response: ok,
  },
  changeOwnPassword: {
    method: 'POST',
    path: '/api/me/password',
    summary: 'Changes the own password; the old one is asked for. Every other session of that person ends',
    access: 'viewer',
    touches: true,
    body: z.strictObject({ old: password, password }),
    response: sessionView,
  },
  setOwnPin: {
    method: 'POST',
    path: '/api/me/pin',
    summary:
      'Sets the own PIN for shared tablets; the password is asked for. 400: an admin has none, or it is guessed too easily',
    access: 'viewer',
    touches: true,
    body: z.strictObject({ password, pin }),
    response: ok,
  },
  dropOwnPin: {
    method: 'POST',
    path: '/api/me/pin/remove',
    summary: 'Takes the own PIN away; sessions by PIN of that person end',
    access: 'viewer',
    touches: true,
    body: nothing,
    response: ok,
  },
  people: {
    method: 'GET',
    path: '/api/people',
    summary: 'Every user',
    access: 'admin',
    touches: true,
    response: list(personView),
  },
  addPerson: {
    method: 'POST',
    path: '/api/people',
    summary: 'Makes a user without a password, and the one-time link with which one is chosen (24 hours). 409: exists',
    access: 'admin',
    touches: true,
    body: z.strictObject({ name: userName, role: z.enum(roles) }),
    response: invitation,
  },
  invitePerson: {
    method: 'POST',
    path: '/api/people/:name/invite',
    summary: 'Makes a new one-time link for a user, say for a forgotten password; an earlier link ends',
    access: 'admin',
    touches: true,
    params: ofPerson,
    body: nothing,
    response: invitation,
  },
  setRole: {
    method: 'POST',
    path: '/api/people/:name/role',
    summary: 'Changes the role; sessions of that user end. 409: the own account, or the last admin',
    access: 'admin',
    touches: true,
    params: ofPerson,
    body: z.strictObject({ role: z.enum(roles) }),
    response: ok,
  },
  lockPerson: {
    method: 'POST',
    path: '/api/people/:name/lock',
    summary: 'Locks a user out, or lets the user in again; sessions end. 409: the own account, or the last admin',
    access: 'admin',
    touches: true,
    params: ofPerson,
    body: z.strictObject({ locked: z.boolean() }),
    response: ok,
  },
  removePerson: {
    method: 'POST',
    path: '/api/people/:name/remove',
    summary: 'Removes a user; sessions end. 409: the own account, or the last admin',
    access: 'admin',
    touches: true,
    params: ofPerson,
    body: nothing,
    response: ok,
  },
  endSessions: {
    method: 'POST',
    path: '/api/people/:name/end-sessions',
    summary: 'Ends every session of a user but the one that asks',
    access: 'admin',
    touches: true,
    params: ofPerson,
    body: nothing,
    response: z.strictObject({ ended: z.int() }),
  },
  tablets: {
    method: 'GET',
    path: '/api/tablets',
    summary: 'The shared tablets',
    access: 'admin',
    touches: true,
    response: list(tabletView),
  },
  enrolTablet: {
    method: 'POST',
    path: '/api/tablets',
    summary: 'Makes the device that asks a shared tablet, by a cookie that no script can read. 409: there are too many',
    access: 'admin',
    touches: true,
    body: z.strictObject({ name: tabletName }),
    response: tabletView,
  },
  revokeTablet: {
    method: 'POST',
    path: '/api/tablets/:tablet/revoke',
    summary: 'A tablet is shared no more; sessions opened on it by PIN end. 404: there is none',
    access: 'admin',
    touches: true,
    params: z.strictObject({ tablet: z.string().min(1).max(64) }),
    body: nothing,
    response: ok,
  },
  audit: {
    method: 'GET',
    path: '/api/audit',
    summary:
      'What was done on this page, newest first: sign-ins and refused ones, changes of users and tablets, and every other act. ' +
      'isWhole false: lines were changed or are missing, cut of them at the end when the agent started; lost: not written since the start',
    access: 'admin',
    touches: true,
    query: z.strictObject({ user: z.string().min(1).max(100).optional(), ...paging }),
    response: z.strictObject({
      items: z.array(actEntry),
      next: z.string().nullable(),
      isWhole: z.boolean(),
      cut: z.int(),
      lost: z.int(),
    }),
  },
} as const satisfies Record<string, Operation>;
