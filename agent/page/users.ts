/**
 * The users of the page, kept in `<dataDir>/users.json` (`users-file.ts`), shared by the agent and `selvedge user`.
 *
 *  U2  There is no user and no password that nobody chose; before the first admin there is only the set-up token.
 *  U3  A set-up token is stored as a hash, ends after 15 minutes, and ends in the same write that makes the admin; an invitation
 *      is the same for one user, for a day.
 *  U4  A set-up token makes an admin only while there is none; the last admin who can sign in is neither removed, locked nor made less.
 *  U5  Each change of a password, a role or a lock gives a new `credential`: sessions opened with the old one end.
 *  U6  A wrong PIN is counted before it is looked at; after `mostWrongPins` in a row the PIN opens nothing until its owner signs in by
 *      password. An admin has none.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { passwordFault, type PasswordHash, type Passwords } from './password.ts';
import { mostWrongPins, pinFault } from './pin.ts';
import type { PageClock, RandomBytes } from './source.ts';
import {
  createUsersOnDisk,
  mostUsers,
  roles,
  userName,
  type Outcome,
  type Refusal,
  type Role,
  type UserRecord,
  type UsersFile,
} from './users-file.ts';

export { roles, userName, type Outcome, type Refusal, type Role };
/** True when `role` may do what `needed` may. */
export function covers(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly credential: string;
  readonly createdMs: number;
}
/** A user with all that the page tells of one. */
export interface Person extends User {
  readonly isLocked: boolean;
  /** Has an invitation that nobody used yet. */
  readonly isInvited: boolean;
  readonly hasPin: boolean;
  readonly isPinLocked: boolean;
}

export const setupTokenLifeMs = 15 * 60_000;
export const inviteLifeMs = 24 * 3_600_000;

export interface Invitation {
  readonly token: string;
  readonly expiresMs: number;
}

export interface UserStore {
  list(): Promise<readonly Person[]>;
  find(name: string): Promise<Person | null>;
  hasAdmin(): Promise<boolean>;
  add(name: string, role: Role, password: string): Promise<Outcome<User>>;
  /** `keepPin` false: the PIN goes too, as when somebody else may have set it. */
  setPassword(name: string, password: string, keepPin: boolean): Promise<Outcome<User>>;
  remove(name: string): Promise<Outcome<User>>;
  /** The user when name and password fit; 'busy' when too many log-ins wait. Frees a locked PIN. */
  verify(name: string, password: string): Promise<User | null | 'busy'>;
  /** A new set-up token; any earlier one ends. */
  issueSetupToken(): Promise<Outcome<string>>;
  /** Makes the first admin and ends the token, in one write. */
  redeemSetupToken(token: string, name: string, password: string): Promise<Outcome<User>>;
  /** A new user without a password, and the token with which one is chosen. */
  addInvited(name: string, role: Role): Promise<Outcome<Invitation>>;
  /** A new token for a user who forgot the password; the old one opens until it is used. */
  invite(name: string): Promise<Outcome<Invitation>>;
  /** Sets the password and ends the token, in one write. */
  redeemInvite(token: string, password: string): Promise<Outcome<User>>;
  setRole(name: string, role: Role): Promise<Outcome<User>>;
  setLocked(name: string, isLocked: boolean): Promise<Outcome<User>>;
  /** null takes the PIN away. */
  setPin(name: string, pin: string | null): Promise<Outcome<User>>;
  /** As `verify`; 'locked' when the PIN opens nothing until its owner signs in by password. */
  verifyPin(name: string, pin: string): Promise<User | null | 'busy' | 'locked'>;
}

const refuse = (refused: Refusal['refused'], message: string) => ({ ok: false, refused, message }) as const;
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const publicUser = ({ name, role, credential, createdMs }: UserRecord): User => ({ name, role, credential, createdMs });
const person = (record: UserRecord): Person => ({
  ...publicUser(record),
  isLocked: record.locked === true,
  isInvited: record.invite !== undefined,
  hasPin: record.pin !== undefined,
  isPinLocked: (record.pin?.wrong ?? 0) >= mostWrongPins,
});
type WithPin = UserRecord & { readonly pin: NonNullable<UserRecord['pin']> };
const canSignIn = (user: UserRecord): boolean => user.password !== null && user.locked !== true;
const adminIn = (content: UsersFile) => content.users.some((user) => user.role === 'admin' && canSignIn(user));
/** A clock that was set back must not make a token live longer than `lifeMs`. */
function fits(kept: { tokenSha256: string; expiresMs: number }, token: string, nowMs: number, lifeMs: number): boolean {
  const leftMs = kept.expiresMs - nowMs;
  if (leftMs <= 0 || leftMs > lifeMs) return false;
  return timingSafeEqual(Buffer.from(kept.tokenSha256, 'hex'), sha256(token));
}

/** `dataDir` must exist or be creatable; nothing is touched before the first call. */
export function createUserStore(options: {
  readonly dataDir: string;
  readonly passwords: Passwords;
  readonly random: RandomBytes;
  readonly clock: PageClock;
}): UserStore {
  const { dataDir, passwords, random, clock } = options;
  const { read, change } = createUsersOnDisk(dataDir);
  const newCredential = () => Buffer.from(random(8)).toString('hex');

  function newToken(lifeMs: number) {
    const token = Buffer.from(random(32)).toString('base64url');
    const expiresMs = Math.round(clock.nowMs()) + lifeMs;
    return { token, kept: { tokenSha256: sha256(token).toString('hex'), expiresMs } };
  }

  function nameFault(name: string): ReturnType<typeof refuse> | null {
    const named = userName.safeParse(name);
    if (named.success) return null;
    return refuse('name', `"${name.slice(0, 80)}" cannot be used: ${named.error.issues[0]?.message ?? ''}.`);
  }

  const fresh = (name: string, role: Role, password: PasswordHash | null): UserRecord => ({
    name,
    role,
    password,
    credential: newCredential(),
    createdMs: Math.round(clock.nowMs()),
  });

  async function newUser(name: string, role: Role, password: string): Promise<Outcome<UserRecord>> {
    const unnamed = nameFault(name);
    if (unnamed !== null) return unnamed;
    const fault = passwordFault(name, password);
    if (fault !== null) return refuse('password', fault);
    return { ok: true, value: fresh(name, role, await passwords.hash(password)) };
  }

  function added(
    now: UsersFile,
    user: UserRecord,
    setup: UsersFile['setup'],
  ): Outcome<User> & { readonly next?: UsersFile } {
    if (now.users.some((u) => u.name === user.name)) {
      return refuse('exists', `There is a user "${user.name}" already.`);
    }
    if (now.users.length >= mostUsers) return refuse('too-many', `There are ${mostUsers} users already: remove some.`);
    return { ok: true, value: publicUser(user), next: { ...now, users: [...now.users, user], setup } };
  }

  /** Changes one user; refused where no admin who can sign in would be left. */
  const alter = (name: string, make: (old: UserRecord) => UserRecord | null): Promise<Outcome<User>> =>
    change((now) => {
      const old = now.users.find((u) => u.name === name);
      if (old === undefined) return refuse('missing', `There is no user "${name.slice(0, 80)}".`);
      const made = make(old);
      const users = now.users.flatMap((u) => (u.name !== name ? [u] : made === null ? [] : [made]));
      const next = { ...now, users };
      if (adminIn(now) && !adminIn(next)) {
        return refuse('last-admin', `"${name}" is the last admin: add another admin first.`);
      }
      return { ok: true, value: publicUser(made ?? old), next };
    });

  return {
    list: async () => (await read()).users.map(person),
    async find(name) {
      const user = (await read()).users.find((u) => u.name === name);
      return user === undefined ? null : person(user);
    },
    hasAdmin: async () => adminIn(await read()),
    async add(name, role, password) {
      const made = await newUser(name, role, password);
      if (!made.ok) return made;
      return change((now) => added(now, made.value, role === 'admin' ? null : now.setup));
    },
    async setPassword(name, password, keepPin) {
      const made = await newUser(name, 'viewer', password);
      if (!made.ok) return made;
      const { password: hash, credential } = made.value;
      return alter(name, ({ invite: _ended, pin, ...old }) => ({
        ...old,
        ...(keepPin && pin !== undefined ? { pin } : {}),
        password: hash,
        credential,
      }));
    },
    remove: (name) => alter(name, () => null),
    async verify(name, password) {
      const stored = (await read()).users.find((u) => u.name === name);
      const verdict = await passwords.check(password, stored?.password ?? null);
      if (verdict === 'busy') return 'busy';
      if (verdict !== 'match' || stored === undefined || stored.locked === true) return null;
      if ((stored.pin?.wrong ?? 0) > 0) {
        await alter(name, (old) => (old.pin === undefined ? old : { ...old, pin: { ...old.pin, wrong: 0 } }));
      }
      return publicUser(stored);
    },
    issueSetupToken: () =>
      change((now) => {
        if (adminIn(now))
          return refuse('admin-exists', 'There is an admin already: add users with `selvedge user add`.');
        const { token, kept } = newToken(setupTokenLifeMs);
        return { ok: true, value: token, next: { ...now, setup: kept } };
      }),
    async redeemSetupToken(token, name, password) {
      const bad = refuse('token', 'This set-up link is used up or too old. Make a new one: selvedge user setup-link');
      const holds = (now: UsersFile) =>
        now.setup !== null && !adminIn(now) && fits(now.setup, token, clock.nowMs(), setupTokenLifeMs);
      if (!holds(await read())) return bad;
      const made = await newUser(name, 'admin', password);
      if (!made.ok) return made;
      return change((now) => (holds(now) ? added(now, made.value, null) : bad));
    },

    addInvited(name, role) {
      const unnamed = nameFault(name);
      if (unnamed !== null) return Promise.resolve(unnamed);
      const { token, kept } = newToken(inviteLifeMs);
      return change((now) => {
        const made = added(now, { ...fresh(name, role, null), invite: kept }, now.setup);
        return made.ok ? { ...made, value: { token, expiresMs: kept.expiresMs } } : made;
      });
    },
    async invite(name) {
      const { token, kept } = newToken(inviteLifeMs);
      const done = await alter(name, (old) => ({ ...old, invite: kept }));
      return done.ok ? { ok: true, value: { token, expiresMs: kept.expiresMs } } : done;
    },
    async redeemInvite(token, password) {
      const bad = refuse('token', 'This link is used up or too old. Ask an administrator for a new one.');
      const invited = (now: UsersFile) =>
        now.users.find(
          ({ invite, locked }) =>
            invite !== undefined && locked !== true && fits(invite, token, clock.nowMs(), inviteLifeMs),
        );
      const user = invited(await read());
      if (user === undefined) return bad;
      const made = await newUser(user.name, user.role, password);
      if (!made.ok) return made;
      return change((now) => {
        const found = invited(now);
        if (found?.name !== user.name) return bad;
        // A PIN somebody may have set who should not have goes with the password before.
        const { invite: _used, pin: _pin, ...old } = found;
        const next = { ...old, password: made.value.password, credential: made.value.credential };
        const users = now.users.map((u) => (u.name === user.name ? next : u));
        return { ok: true, value: publicUser(next), next: { ...now, users } };
      });
    },
    setRole: (name, role) =>
      alter(name, (old) => {
        if (old.role === role) return old;
        const { pin, ...rest } = old;
        const kept = role === 'admin' || pin === undefined ? {} : { pin };
        return { ...rest, ...kept, role, credential: newCredential() };
      }),
    setLocked: (name, isLocked) =>
      alter(name, ({ locked: _before, ...old }) => ({
        ...old,
        ...(isLocked ? { locked: true as const } : {}),
        credential: newCredential(),
      })),
    async setPin(name, pin) {
      if (pin === null) return alter(name, ({ pin: _gone, ...old }) => old);
      const fault = pinFault(pin);
      if (fault !== null) return refuse('pin', fault);
      const hash = await passwords.hash(pin);
      let isAdmin = false;
      const done = await alter(name, (old) => {
        isAdmin = old.role === 'admin';
        return isAdmin ? old : { ...old, pin: { hash, wrong: 0 } };
      });
      return isAdmin ? refuse('pin', 'An administrator signs in by password alone.') : done;
    },
    async verifyPin(name, pin) {
      const count = (by: number) =>
        alter(name, (old) =>
          old.pin === undefined ? old : { ...old, pin: { ...old.pin, wrong: Math.max(0, old.pin.wrong + by) } },
        );
      const usable = (user: UserRecord | undefined): user is WithPin =>
        user?.pin !== undefined && canSignIn(user) && user.role !== 'admin';
      const known = (await read()).users.find((u) => u.name === name);
      if (!usable(known)) {
        return (await passwords.check(pin, null)) === 'busy' ? 'busy' : null;
      }
      // Looked at and counted in one change: of tries sent at once no more than the allowed ones are compared.
      const seen: UserRecord[] = [];
      await alter(name, (old) => {
        seen.push(old);
        if (!usable(old) || old.pin.wrong >= mostWrongPins) return old;
        return { ...old, pin: { ...old.pin, wrong: old.pin.wrong + 1 } };
      });
      const [before] = seen;
      if (!usable(before)) return null;
      if (before.pin.wrong >= mostWrongPins) return 'locked';
      const verdict = await passwords.check(pin, before.pin.hash);
      if (verdict === 'busy') {
        await count(-1);
        return 'busy';
      }
      if (verdict !== 'match') return before.pin.wrong + 1 >= mostWrongPins ? 'locked' : null;
      const { credential } = before;
      await alter(name, (old) =>
        old.pin === undefined || old.credential !== credential ? old : { ...old, pin: { ...old.pin, wrong: 0 } },
      );
      const after = (await read()).users.find((u) => u.name === name);
      return usable(after) && after.credential === credential ? publicUser(after) : null;
    },
  };
}
