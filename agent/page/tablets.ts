/**
 * Shared tablets: devices an admin enrolled, on which people sign in by PIN. One small file, `<dataDir>/tablets.json`.
 *
 *  D1  A tablet is known by 256 random bits that only its HttpOnly cookie holds; here is their hash.
 *  D2  A revoked tablet is none from the next request on. At most `mostTablets` are enrolled at once.
 *  D3  A file that is damaged means no tablet: people sign in by password, and a line in the log says so.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import type { PageClock, PageLog, RandomBytes } from './source.ts';

export const mostTablets = 50;
/** What a name of a tablet may be: shown as text, never run. */
export const tabletName = z.string().trim().min(1).max(60);

const tablet = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().max(60),
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/),
  enrolledBy: z.string().max(100),
  enrolledMs: z.number(),
});
type Entry = z.infer<typeof tablet>;
const tabletsFile = z.strictObject({ version: z.literal(1), tablets: z.array(tablet).max(mostTablets) });

export interface Tablet {
  readonly id: string;
  readonly name: string;
  readonly enrolledBy: string;
  readonly enrolledMs: number;
}

export interface Tablets {
  load(): Promise<void>;
  list(): readonly Tablet[];
  /** The tablet whose cookie has `token`. */
  find(token: string): Tablet | null;
  /** Durable when resolved; null when there are too many. @throws AgentError `usersFileUnwritable` */
  enrol(name: string, by: string): Promise<{ readonly tablet: Tablet; readonly token: string } | null>;
  /** False when there is none. @throws AgentError `usersFileUnwritable` */
  revoke(id: string): Promise<boolean>;
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const shown = ({ id, name, enrolledBy, enrolledMs }: Entry): Tablet => ({ id, name, enrolledBy, enrolledMs });

export function createTablets(options: {
  readonly file: string;
  readonly clock: PageClock;
  readonly random: RandomBytes;
  readonly log: PageLog;
}): Tablets {
  const { file, clock, random, log } = options;
  let entries: readonly Entry[] = [];
  let last: Promise<unknown> = Promise.resolve();

  async function write(next: readonly Entry[]): Promise<void> {
    const beside = `${file}.${process.pid}.tmp`;
    try {
      const handle = await open(beside, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify({ version: 1, tablets: next }, null, 2) + '\n');
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, file);
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      throw new AgentError('usersFileUnwritable', `cannot write ${file}: ${reasonOf(error)}`, { cause: error });
    }
    entries = next;
  }
  /** One change after the other, each on what the one before it left. */
  function change<T>(make: (now: readonly Entry[]) => { readonly next: readonly Entry[] | null; readonly told: T }) {
    const run = async (): Promise<T> => {
      const { next, told } = make(entries);
      if (next !== null) await write(next);
      return told;
    };
    const result = last.then(run, run);
    last = result.catch(() => undefined);
    return result;
  }

  return {
    async load() {
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch {
        return;
      }
      try {
        entries = tabletsFile.parse(JSON.parse(text)).tablets;
      } catch (error) {
        log.warn({ error: reasonOf(error) }, 'the file of tablets is damaged: no tablet is enrolled');
      }
    },
    list: () => entries.map(shown),
    find(token) {
      // The index is a hash of what was sent: how long the search takes tells nothing of the secret.
      const hash = hashOf(token);
      const entry = entries.find(({ tokenSha256 }) => tokenSha256 === hash);
      return entry === undefined ? null : shown(entry);
    },
    enrol: (name, by) =>
      change((now) => {
        if (now.length >= mostTablets) return { next: null, told: null };
        const token = Buffer.from(random(32)).toString('base64url');
        const entry: Entry = {
          id: Buffer.from(random(8)).toString('hex'),
          name,
          tokenSha256: hashOf(token),
          enrolledBy: by,
          enrolledMs: Math.round(clock.nowMs()),
        };
        return { next: [...now, entry], told: { tablet: shown(entry), token } };
      }),
    revoke: (id) =>
      change((now) => {
        const next = now.filter((entry) => entry.id !== id);
        return next.length === now.length ? { next: null, told: false } : { next, told: true };
      }),
  };
}
