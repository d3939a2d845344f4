/**
 * The users of the page: one small file, `<dataDir>/users.json`, shared by the agent and `selvedge user`.
 *
 *  U1  The file always holds a whole state: it is written beside, synced and renamed, mode 0600, under a lock file.
 *  U2  There is no user and no password that nobody chose; before the first admin there is only the set-up token.
 *  U3  A set-up token is stored as a hash, ends after 15 minutes, and ends in the same write that makes the admin.
 *  U4  A set-up token makes an admin only while there is none; the last admin cannot be removed.
 *  U5  Each change of a password gives a new `credential`: sessions opened with the old one end.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { passwordFault, passwordHash, type Passwords } from './password.ts';
import type { PageClock, RandomBytes } from './source.ts';

export const roles = ['viewer', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];
/** True when `role` may do what `needed` may. */
export function covers(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{1,39}$/, 'a user name has 2 to 40 of a-z 0-9 . _ - and starts with a letter or digit');

const userRecord = z.strictObject({
  name: userName,
  role: z.enum(roles),
  password: passwordHash,
  credential: z.string().regex(/^[0-9a-f]{16}$/),
  createdMs: z.int(),
});
const usersFile = z.strictObject({
  version: z.literal(1),
  users: z.array(userRecord).max(1000),
  setup: z.strictObject({ tokenSha256: z.string().regex(/^[0-9a-f]{64}$/), expiresMs: z.int() }).nullable(),
});
type UsersFile = z.infer<typeof usersFile>;

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly credential: string;
  readonly createdMs: number;
}

/** A wish that was refused: `message` is one sentence for the person. */
export interface Refusal {
  readonly refused: 'name' | 'password' | 'exists' | 'missing' | 'last-admin' | 'admin-exists' | 'token';
  readonly message: string;
}
export type Outcome<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Refusal);

export const setupTokenLifeMs = 15 * 60_000;

export interface UserStore {
  list(): Promise<readonly User[]>;
  find(name: string): Promise<User | null>;
  hasAdmin(): Promise<boolean>;
  add(name: string, role: Role, password: string): Promise<Outcome<User>>;
  setPassword(name: string, password: string): Promise<Outcome<User>>;
  remove(name: string): Promise<Outcome<User>>;
  /** The user when name and password fit; 'busy' when too many log-ins wait. */
  verify(name: string, password: string): Promise<User | null | 'busy'>;
  /** A new set-up token; any earlier one ends. */
  issueSetupToken(): Promise<Outcome<string>>;
  /** Makes the first admin and ends the token, in one write. */
  redeemSetupToken(token: string, name: string, password: string): Promise<Outcome<User>>;
}

const empty: UsersFile = { version: 1, users: [], setup: null };
const refuse = (refused: Refusal['refused'], message: string) => ({ ok: false, refused, message }) as const;
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const publicUser = ({ name, role, credential, createdMs }: z.infer<typeof userRecord>): User => ({
  name,
  role,
  credential,
  createdMs,
});

/** `dataDir` must exist or be creatable; nothing is touched before the first call. */
export function createUserStore(options: {
  readonly dataDir: string;
  readonly passwords: Passwords;
  readonly random: RandomBytes;
  readonly clock: PageClock;
}): UserStore {
  const { dataDir, passwords, random, clock } = options;
  const file = join(dataDir, 'users.json');
  const lockFile = `${file}.lock`;
  let cache: { readonly stamp: string; readonly content: UsersFile } | null = null;
  let lastChange: Promise<unknown> = Promise.resolve();

  /** Reads the file again only when it was replaced: `selvedge user` may have done so. */
  async function read(): Promise<UsersFile> {
    let stamp: string;
    try {
      const s = await stat(file, { bigint: true });
      stamp = `${s.ino}.${s.size}.${s.mtimeNs}`;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return empty;
      throw new AgentError('usersFileUnwritable', `cannot read ${file}: ${reasonOf(error)}`, { cause: error });
    }
    if (cache?.stamp === stamp) return cache.content;
    let json: unknown;
    try {
      json = JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      throw new AgentError('usersFileDamaged', `${file} is not JSON`, { cause: error });
    }
    const parsed = usersFile.safeParse(json);
    if (!parsed.success) throw new AgentError('usersFileDamaged', `${file} does not have the form of a users file`);
    cache = { stamp, content: parsed.data };
    return parsed.data;
  }

  async function write(content: UsersFile): Promise<void> {
    const beside = `${file}.${process.pid}.tmp`;
    try {
      const handle = await open(beside, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(content, null, 2) + '\n');
        await handle.sync();
      } finally {
        await handle.close();
      }
      await chmod(beside, 0o600);
      await rename(beside, file);
    } catch (error) {
      await rm(beside, { force: true });
      throw new AgentError('usersFileUnwritable', `cannot write ${file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async function lock(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        const handle = await open(lockFile, 'wx', 0o600);
        await handle.writeFile(String(process.pid));
        await handle.close();
        return;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') {
          throw new AgentError('usersFileUnwritable', `cannot write in ${dataDir}: ${reasonOf(error)}`, {
            cause: error,
          });
        }
      }
      if (await ownerIsGone(lockFile)) await rm(lockFile, { force: true });
      else if (tries >= 60) throw new AgentError('usersFileBusy', `${lockFile} is held`);
      else await delay(50);
    }
  }

  /** One change at a time, in this process by the promise chain and between processes by the lock. */
  function change<T>(make: (now: UsersFile) => Outcome<T> & { readonly next?: UsersFile }): Promise<Outcome<T>> {
    const run = async (): Promise<Outcome<T>> => {
      try {
        makeFolder(dataDir);
      } catch (error) {
        throw new AgentError('usersFileUnwritable', `cannot make ${dataDir}: ${reasonOf(error)}`, { cause: error });
      }
      await lock();
      try {
        const { next, ...outcome } = make(await read());
        if (next !== undefined) await write(next);
        return outcome;
      } finally {
        await rm(lockFile, { force: true });
      }
    };
    const result = lastChange.then(run, run);
    lastChange = result.catch(() => undefined);
    return result;
  }

  async function newUser(name: string, role: Role, password: string): Promise<Outcome<z.infer<typeof userRecord>>> {
    const named = userName.safeParse(name);
    if (!named.success) return refuse('name', `"${name}" cannot be used: ${named.error.issues[0]?.message ?? ''}.`);
    const fault = passwordFault(name, password);
    if (fault !== null) return refuse('password', fault);
    const value = {
      name,
      role,
      password: await passwords.hash(password),
      credential: Buffer.from(random(8)).toString('hex'),
      createdMs: Math.round(clock.nowMs()),
    };
    return { ok: true, value };
  }

  const adminIn = (content: UsersFile) => content.users.some((user) => user.role === 'admin');

  return {
    list: async () => (await read()).users.map(publicUser),
    async find(name) {
      const user = (await read()).users.find((u) => u.name === name);
      return user === undefined ? null : publicUser(user);
    },
    hasAdmin: async () => adminIn(await read()),
    async add(name, role, password) {
      const made = await newUser(name, role, password);
      if (!made.ok) return made;
      return change((now) => {
        if (now.users.some((u) => u.name === name)) return refuse('exists', `There is a user "${name}" already.`);
        const setup = role === 'admin' ? null : now.setup;
        const next = { ...now, users: [...now.users, made.value], setup };
        return { ok: true, value: publicUser(made.value), next };
      });
    },
    async setPassword(name, password) {
      const made = await newUser(name, 'viewer', password);
      if (!made.ok) return made;
      return change((now) => {
        const old = now.users.find((u) => u.name === name);
        if (old === undefined) return refuse('missing', `There is no user "${name}".`);
        const user = { ...made.value, role: old.role, createdMs: old.createdMs };
        const next = { ...now, users: now.users.map((u) => (u.name === name ? user : u)) };
        return { ok: true, value: publicUser(user), next };
      });
    },
    remove: (name) =>
      change((now) => {
        const old = now.users.find((u) => u.name === name);
        if (old === undefined) return refuse('missing', `There is no user "${name}".`);
        const next = { ...now, users: now.users.filter((u) => u.name !== name) };
        if (old.role === 'admin' && !adminIn(next)) {
          return refuse('last-admin', `"${name}" is the last admin: add another admin first.`);
        }
        return { ok: true, value: publicUser(old), next };
      }),
    async verify(name, password) {
      const stored = (await read()).users.find((u) => u.name === name);
      const verdict = await passwords.check(password, stored?.password ?? null);
      if (verdict === 'busy') return 'busy';
      return verdict === 'match' && stored !== undefined ? publicUser(stored) : null;
    },
    issueSetupToken: () =>
      change((now) => {
        if (adminIn(now))
          return refuse('admin-exists', 'There is an admin already: add users with `selvedge user add`.');
        const token = Buffer.from(random(32)).toString('base64url');
        const expiresMs = Math.round(clock.nowMs()) + setupTokenLifeMs;
        const next = { ...now, setup: { tokenSha256: sha256(token).toString('hex'), expiresMs } };
        return { ok: true, value: token, next };
      }),
    async redeemSetupToken(token, name, password) {
      const bad = refuse('token', 'This set-up link is used up or too old. Make a new one: selvedge user setup-link');
      const holds = (now: UsersFile) => {
        if (now.setup === null || adminIn(now)) return false;
        const leftMs = now.setup.expiresMs - clock.nowMs();
        // A clock that was set back must not make the link live longer.
        if (leftMs <= 0 || leftMs > setupTokenLifeMs) return false;
        return timingSafeEqual(Buffer.from(now.setup.tokenSha256, 'hex'), sha256(token));
      };
      if (!holds(await read())) return bad;
      const made = await newUser(name, 'admin', password);
      if (!made.ok) return made;
      return change((now) => {
        if (!holds(now)) return bad;
        if (now.users.some((u) => u.name === name)) return refuse('exists', `There is a user "${name}" already.`);
        return {
          ok: true,
          value: publicUser(made.value),
          next: { ...now, users: [...now.users, made.value], setup: null },
        };
      });
    },
  };
}

/** So long a lock may be without its owner: it is written at once, unless the power went between the two. */
const namelessMs = 1_000;

/** A lock of a process that died is nobody's. */
async function ownerIsGone(lockFile: string): Promise<boolean> {
  let pid: number;
  try {
    pid = Number(await readFile(lockFile, 'utf8'));
  } catch {
    return false;
  }
  if (!Number.isInteger(pid) || pid <= 0) return isOld(lockFile);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** By the disk's own clock, which may have been ahead. */
async function isOld(path: string): Promise<boolean> {
  try {
    return Math.abs(Date.now() - (await stat(path)).mtimeMs) > namelessMs;
  } catch {
    return false;
  }
}
