/**
 * Who did what when, on the page: sign-ins, changes of users and tablets, acknowledgements, writes, labels, teaching. Lines of JSON in
 * `<dataDir>/acts.jsonl`, and in `acts.old.jsonl` when that is full. What a write to a machine changed is in the audit of writes.
 *
 *  A1  A line is on the disk before the answer to the act leaves, or the log says that it is not (and `lost` counts it).
 *  A2  Each line is bound to the one before it by a hash: a line that was changed, removed or moved shows as `isWhole: false`.
 *  A3  Bounded: two files of `mostLines`; the oldest file gives way. Refused tries have a budget (`most` at once, one more a minute), so
 *      that nobody without a password pushes the past out; those beyond it are counted in the next line.
 *  A4  No password, PIN, token or text that could be one: only the fields named in `told`, each cut.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { PageClock, PageLog } from './source.ts';

const mostLines = 4_000;
const budget = { most: 30, refillMs: 60_000 } as const;
const mostText = 300;

export const actEntry = z.strictObject({
  id: z.int(),
  atMs: z.number(),
  /** Who did it, or whose name a refused sign-in gave; null: nobody the page knows. */
  actor: z.string().max(100).nullable(),
  /** Name of the operation. */
  act: z.string().max(60),
  /** What it was about: parameters and the harmless fields of what was sent. */
  about: z.string().max(mostText + 1),
  outcome: z.enum(['done', 'refused']),
  status: z.int(),
  address: z.string().max(100),
  by: z.enum(['password', 'pin']).nullable(),
  tablet: z.string().max(60).nullable(),
  /** Refused tries before this line that were only counted. */
  missed: z.int(),
});
export type ActEntry = z.infer<typeof actEntry>;
export type Act = Omit<ActEntry, 'id' | 'atMs' | 'missed'>;
const line = z.strictObject({ hash: z.string(), body: z.string() });

export interface Acts {
  load(): Promise<void>;
  /** Resolves when the line is on the disk, or was lost and told. */
  record(act: Act): Promise<void>;
  /** The newest first, those before number `before`. */
  list(filter: {
    readonly user: string | null;
    readonly before: number | null;
    readonly limit: number;
  }): readonly ActEntry[];
  /** When `user` last did something; null: not in what is kept. */
  lastMs(user: string): number | null;
  state(): { readonly isWhole: boolean; readonly lost: number };
}

/** Fields of what is sent that may be told: none of them holds a secret. */
const told: ReadonlySet<string> = new Set(
  'role locked said cause action forS to comment setPoint value reason samples id name language profile found machine'.split(
    ' ',
  ),
);

/** What an act was about, in one line: the parameters of its address, then the harmless fields of its body. */
export function aboutOf(params: unknown, body: unknown): string {
  const fields = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const named = fields
    .filter(([key, value]) => told.has(key) && ['string', 'number', 'boolean'].includes(typeof value))
    .map(([key, value]) => `${key}: ${String(value)}`);
  const places = Object.values(typeof params === 'object' && params !== null ? params : {}).map(String);
  return cut([...places, ...named].join(', '), mostText);
}
const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most)}…`);
const hashOf = (prev: string, body: string) => createHash('sha256').update(`${prev}\n${body}`).digest('hex');
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const first = '0'.repeat(64);

/** How many refused tries may be written now. */
function createBudget(monotonicMs: () => number) {
  let left: number = budget.most;
  let atMs = monotonicMs();
  return (): boolean => {
    const now = monotonicMs();
    left = Math.min(budget.most, left + (now - atMs) / budget.refillMs);
    atMs = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}

export function createActs(options: {
  readonly file: string;
  readonly clock: PageClock;
  readonly log: PageLog;
  readonly most?: number;
}): Acts {
  const { file, clock, log, most = mostLines } = options;
  const oldFile = file.replace(/\.jsonl$/, '.old.jsonl');
  const mayRefuse = createBudget(() => clock.monotonicMs());
  /** The older file's and the present one's, oldest first. */
  let kept: { old: ActEntry[]; now: ActEntry[] } = { old: [], now: [] };
  /** By user the newest act that is kept: asked for every user at once. */
  const newest = new Map<string, number>();
  const note = ({ actor, outcome, atMs }: ActEntry): void => {
    if (actor !== null && outcome === 'done') newest.set(actor, atMs);
  };
  const noteAll = (): void => {
    newest.clear();
    for (const entry of [...kept.old, ...kept.now]) note(entry);
  };
  let head = first;
  let nextId = 1;
  let isWhole = true;
  let lost = 0;
  let missed = 0;
  let last: Promise<void> = Promise.resolve();

  async function readLines(path: string, follows: string | null): Promise<ActEntry[]> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      return [];
    }
    const entries: ActEntry[] = [];
    let prev = follows;
    const lines = text.split('\n');
    const torn = lines.pop() ?? '';
    // A power cut in the middle of a line: its act was never answered, and the next line must not go on in it.
    if (torn !== '') await truncate(path, Buffer.byteLength(text) - Buffer.byteLength(torn)).catch(() => undefined);
    for (const one of lines) {
      try {
        const { hash, body } = line.parse(JSON.parse(one));
        // The first line of the oldest file follows one that is gone.
        if (prev !== null && hash !== hashOf(prev, body)) isWhole = false;
        entries.push(actEntry.parse(JSON.parse(body)));
        prev = hash;
        head = hash;
      } catch {
        isWhole = false;
      }
    }
    return entries.slice(-most);
  }

  async function append(entry: ActEntry): Promise<void> {
    if (kept.now.length >= most) {
      await rename(file, oldFile);
      kept = { old: kept.now, now: [] };
      noteAll();
    }
    const body = JSON.stringify(entry);
    const hash = hashOf(head, body);
    const handle = await open(file, 'a', 0o600);
    const { size } = await handle.stat();
    try {
      await handle.writeFile(`${JSON.stringify({ hash, body })}\n`);
      await handle.datasync();
    } catch (error) {
      // Half a line, or a line the chain does not know, would make the next ones look tampered with.
      await handle.truncate(size).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    head = hash;
    kept.now.push(entry);
    note(entry);
  }

  return {
    async load() {
      const old = await readLines(oldFile, null);
      const now = await readLines(file, old.length > 0 ? head : first);
      kept = { old, now };
      noteAll();
      nextId = ((now.at(-1) ?? old.at(-1))?.id ?? 0) + 1;
      if (!isWhole) log.warn({ file }, 'lines of what was done on the page were changed or are missing');
    },
    record(act) {
      if (act.outcome === 'refused' && !mayRefuse()) {
        missed += 1;
        return Promise.resolve();
      }
      const entry: ActEntry = { ...act, id: nextId, atMs: Math.round(clock.nowMs()), missed };
      nextId += 1;
      missed = 0;
      last = last.then(() =>
        append(entry).catch((error: unknown) => {
          lost += 1;
          log.error({ error: reasonOf(error), act: act.act, user: act.actor }, 'what was done was not written down');
        }),
      );
      return last;
    },
    list({ user, before, limit }) {
      const found: ActEntry[] = [];
      for (const entries of [kept.now, kept.old]) {
        for (let i = entries.length - 1; i >= 0 && found.length < limit; i -= 1) {
          const entry = entries[i];
          if (entry === undefined || (before !== null && entry.id >= before)) continue;
          if (user === null || entry.actor === user) found.push(entry);
        }
      }
      return found;
    },
    lastMs: (user) => newest.get(user) ?? null,
    state: () => ({ isWhole, lost }),
  };
}
