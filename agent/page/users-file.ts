/**
 * The file of users: its form, and how it is read and changed.
 *
 *  U1  The file always holds a whole state: it is written beside, synced and renamed, mode 0600, under a lock file.
 */
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { passwordHash } from './password.ts';

export const roles = ['viewer', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];

export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{1,39}$/, 'a user name has 2 to 40 of a-z 0-9 . _ - and starts with a letter or digit');

const oneTime = z.strictObject({ tokenSha256: z.string().regex(/^[0-9a-f]{64}$/), expiresMs: z.int() });
export const mostUsers = 1000;

const userRecord = z.strictObject({
  name: userName,
  role: z.enum(roles),
  /** null: has an invitation and no password yet. */
  password: passwordHash.nullable(),
  credential: z.string().regex(/^[0-9a-f]{16}$/),
  createdMs: z.int(),
  /** What older versions do not know is left out where it is not so. */
  locked: z.literal(true).optional(),
  invite: oneTime.optional(),
  pin: z.strictObject({ hash: passwordHash, wrong: z.int().min(0) }).optional(),
});
export type UserRecord = z.infer<typeof userRecord>;
const usersFile = z.strictObject({
  version: z.literal(1),
  users: z.array(userRecord).max(mostUsers),
  setup: oneTime.nullable(),
});
export type UsersFile = z.infer<typeof usersFile>;

/** A wish that was refused: `message` is one sentence for the person. */
export interface Refusal {
  readonly refused:
    | 'name'
    | 'password'
    | 'pin'
    | 'exists'
    | 'missing'
    | 'too-many'
    | 'last-admin'
    | 'admin-exists'
    | 'token';
  readonly message: string;
}
export type Outcome<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Refusal);

const empty: UsersFile = { version: 1, users: [], setup: null };
const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export interface UsersOnDisk {
  readonly read: () => Promise<UsersFile>;
  /** One change at a time, in this process by a promise chain and between processes by the lock; without `next` nothing is written. */
  readonly change: <T>(make: (now: UsersFile) => Outcome<T> & { readonly next?: UsersFile }) => Promise<Outcome<T>>;
}

/** `dataDir` must exist or be creatable; nothing is touched before the first call. */
export function createUsersOnDisk(dataDir: string): UsersOnDisk {
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

  return { read, change };
}

/** So long a lock may be without its owner: it is written at once, unless the power went between the two. */
const namelessMs = 1_000;
/** A change takes milliseconds. */
const longestHoldMs = 30_000;

/** A lock of a process that died is nobody's. */
async function ownerIsGone(lockFile: string): Promise<boolean> {
  let pid: number;
  try {
    pid = Number(await readFile(lockFile, 'utf8'));
  } catch {
    return false;
  }
  if (!Number.isInteger(pid) || pid <= 0) return isOld(lockFile, namelessMs);
  // From before a power cut: its number may be that of another process by now.
  if (await isOld(lockFile, longestHoldMs)) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** By the disk's own clock, which may have been ahead. */
async function isOld(path: string, afterMs: number): Promise<boolean> {
  try {
    return Math.abs(Date.now() - (await stat(path)).mtimeMs) > afterMs;
  } catch {
    return false;
  }
}
