/**
 * Who is signed in. A session is a random token that only the browser's HttpOnly cookie holds; here is its hash.
 *
 *  E1  A session ends at its idle limit, at its absolute limit, at sign-out, and when its user is removed or gets another
 *      password, whichever is first.
 *  E2  A clock that was set back does not lengthen a session: one from the future is no session.
 *  E4  A session by PIN ends after five minutes without a touch; it has the name of the tablet it was opened on.
 *  E3  Sessions survive a restart of the agent; a damaged file only signs everybody out.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PageClock, PageLog, RandomBytes } from './source.ts';
import { covers, roles, type Role, type User } from './users.ts';

export interface Lifetime {
  readonly idleMs: number;
  readonly absoluteMs: number;
}
const hourMs = 3_600_000;
/** A viewer can change nothing, so a screen on the wall may stay signed in for a week; who can act signs in each shift. */
export const defaultLifetimes: Readonly<Record<Role, Lifetime>> = {
  viewer: { idleMs: 24 * hourMs, absoluteMs: 7 * 24 * hourMs },
  maintainer: { idleMs: 4 * hourMs, absoluteMs: 12 * hourMs },
  admin: { idleMs: hourMs, absoluteMs: 12 * hourMs },
};
/** A shared tablet is put down and taken up by the next person. */
export const pinLifetime: Lifetime = { idleMs: 5 * 60_000, absoluteMs: 4 * hourMs };
/** The oldest session gives way to one more. */
const maxSessions = 200;
const clockSlackMs = 5_000;

const stored = z.strictObject({
  key: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  role: z.enum(roles),
  credential: z.string(),
  createdMs: z.number(),
  seenMs: z.number(),
  by: z.enum(['password', 'pin']).default('password'),
  tablet: z.string().nullable().default(null),
  address: z.string().default(''),
});
type Entry = z.infer<typeof stored>;
const sessionsFile = z.strictObject({ version: z.literal(1), sessions: z.array(stored).max(maxSessions) });

/** How somebody signed in. */
export interface SignIn {
  readonly by: 'password' | 'pin';
  /** Id of the shared tablet; null by password. */
  readonly tablet: string | null;
  readonly address: string;
}
const byPassword: SignIn = { by: 'password', tablet: null, address: '' };

export interface Session extends Pick<SignIn, 'by' | 'tablet'> {
  readonly name: string;
  readonly role: Role;
  readonly credential: string;
  readonly csrf: string;
  /** Key of the entry; not the secret. */
  readonly key: string;
}

/** A session as it is shown. */
export interface SessionListed extends SignIn {
  /** Names it, and opens nothing. */
  readonly id: string;
  readonly name: string;
  readonly createdMs: number;
  readonly seenMs: number;
}
/** The part of a key that a session is named by. */
export const sessionId = (key: string) => key.slice(0, 16);

export interface Sessions {
  load(): Promise<void>;
  open(user: User, how?: SignIn): Promise<{ readonly token: string; readonly session: Session }>;
  /** The live session of `token`; `touch` starts its idle time anew. */
  find(token: string, touch: boolean): Session | null;
  isLive(key: string): boolean;
  /** How many people are signed in who may do what `needed` may. */
  people(needed: Role): number;
  close(key: string): Promise<void>;
  /** Every live session, the newest first. */
  list(): readonly SessionListed[];
  /** Ends those that fit; how many. */
  closeAll(fits: (session: SessionListed) => boolean): Promise<number>;
  save(): Promise<void>;
}

/** The disk's faults are no defects: a line in the log, without a stack. */
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const keyOf = (token: string) => createHash('sha256').update(token).digest('hex');
/** Made from the secret token, so the server stores nothing more; the page gets it in a body that no other site can read. */
const csrfOf = (token: string) => createHmac('sha256', token).update('selvedge csrf').digest('base64url');

/** Compares in constant time. */
export function csrfMatches(session: Session, given: string): boolean {
  const a = Buffer.from(session.csrf);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

export function createSessions(options: {
  readonly file: string;
  readonly clock: PageClock;
  readonly random: RandomBytes;
  readonly log: PageLog;
  readonly lifetimes?: Readonly<Record<Role, Lifetime>>;
}): Sessions {
  const { file, clock, random, log, lifetimes = defaultLifetimes } = options;
  let entries = new Map<string, Entry>();
  let lastSave: Promise<void> = Promise.resolve();

  const isOver = (entry: Entry): boolean => {
    const now = clock.nowMs();
    const limit = entry.by === 'pin' ? pinLifetime : lifetimes[entry.role];
    if (entry.createdMs > now + clockSlackMs || entry.seenMs > now + clockSlackMs) return true;
    return now - entry.seenMs > limit.idleMs || now - entry.createdMs > limit.absoluteMs;
  };
  const listed = ({ key, name, createdMs, seenMs, by, tablet, address }: Entry): SessionListed => ({
    id: sessionId(key),
    name,
    createdMs,
    seenMs,
    by,
    tablet,
    address,
  });
  const live = (key: string): Entry | null => {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (!isOver(entry)) return entry;
    entries.delete(key);
    return null;
  };
  const writeAll = async () => {
    for (const entry of entries.values()) if (isOver(entry)) entries.delete(entry.key);
    const beside = `${file}.${process.pid}.tmp`;
    try {
      const content = JSON.stringify({ version: 1, sessions: [...entries.values()] });
      await writeFile(beside, content, { mode: 0o600 });
      await rename(beside, file);
    } catch (error) {
      // Losing this file only signs people out; the disk's own alarm says why.
      await rm(beside, { force: true }).catch(() => undefined);
      log.warn({ error: reasonOf(error) }, 'sessions of the page were not saved');
    }
  };
  const save = (): Promise<void> => {
    lastSave = lastSave.then(writeAll, writeAll);
    return lastSave;
  };

  return {
    async load() {
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch {
        return;
      }
      try {
        const content = sessionsFile.parse(JSON.parse(text));
        entries = new Map(content.sessions.map((entry) => [entry.key, entry]));
      } catch (error) {
        log.warn({ error: reasonOf(error) }, 'the file of sessions is damaged: everybody signs in again');
      }
    },
    async open(user, how = byPassword) {
      const token = Buffer.from(random(32)).toString('base64url');
      const key = keyOf(token);
      const now = clock.nowMs();
      const { name, role, credential } = user;
      if (entries.size >= maxSessions) for (const one of entries.values()) if (isOver(one)) entries.delete(one.key);
      while (entries.size >= maxSessions) {
        const [oldest] = entries.keys();
        if (oldest === undefined) break;
        entries.delete(oldest);
      }
      entries.set(key, { key, name, role, credential, createdMs: now, seenMs: now, ...how });
      await save();
      const { by, tablet } = how;
      return { token, session: { name, role, credential, key, csrf: csrfOf(token), by, tablet } };
    },
    find(token, touch) {
      const entry = live(keyOf(token));
      if (entry === null) return null;
      if (touch) entry.seenMs = clock.nowMs();
      const { name, role, credential, key, by, tablet } = entry;
      return { name, role, credential, key, csrf: csrfOf(token), by, tablet };
    },
    isLive: (key) => live(key) !== null,
    people(needed) {
      const there = [...entries.values()].filter((entry) => covers(entry.role, needed) && !isOver(entry));
      return new Set(there.map(({ name }) => name)).size;
    },
    async close(key) {
      if (entries.delete(key)) await save();
    },
    list: () =>
      [...entries.values()]
        .filter((entry) => !isOver(entry))
        .map(listed)
        .reverse(),
    async closeAll(fits) {
      const ended = [...entries.values()].filter((entry) => fits(listed(entry)));
      for (const { key } of ended) entries.delete(key);
      if (ended.length > 0) await save();
      return ended.length;
    },
    save,
  };
}
