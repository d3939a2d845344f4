/**
 * Who did what when, on the page: sign-ins, changes of users and tablets, acknowledgements, writes, labels, teaching. Lines of JSON in
 * `<dataDir>/acts.jsonl`, and in `acts.old.jsonl` when that is full. What a write to a machine changed is in the audit of writes.
 *
 *  A1  A line is on the disk before the answer to the act leaves, or the log says that it is not (and `lost` counts it).
 *  A2  Each line is bound to the one before it by a hash: a line that was changed, removed or moved shows as `isWhole: false`. The
 *      newest is told to the anchor once it is on the disk, so lines cut off at the end show as `cut`, and for good: the next line is bound
 *      to the one that is missing.
 *  A3  Bounded: two files of `mostLines`; the oldest file gives way. Refused tries have a budget (`most` at once, one more a minute), so
 *      that nobody without a password pushes the past out; those beyond it are counted in the next line.
 *  A4  No password, PIN, token or text that could be one: only the fields named in `told`, each cut.
 */
import { open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { agentErrors } from '../errors.ts';
import type { ActsHead } from '../store/page-acts-event.ts';
import { actHash, actLine, actsStart, readActs, type ActEntry } from './acts-chain.ts';
import type { PageClock, PageLog } from './source.ts';

const mostLines = 4_000;
const budget = { most: 30, refillMs: 60_000 } as const;
const mostText = 300;

export type Act = Omit<ActEntry, 'id' | 'atMs' | 'missed'>;

export interface Acts {
  load(): Promise<void>;
  /** Resolves when the line is on the disk, or was lost and told. */
  record(act: Act): Promise<void>;
  /** At the stop: resolves when every line is written and the newest has gone to the anchor, which may still be keeping it. */
  stop(): Promise<void>;
  /** The newest first, those before number `before`. */
  list(filter: {
    readonly user: string | null;
    readonly before: number | null;
    readonly limit: number;
  }): readonly ActEntry[];
  /** When `user` last did something; null: not in what is kept. */
  lastMs(user: string): number | null;
  /** `cut`: lines that were there before the start and are missing at its end. */
  state(): { readonly isWhole: boolean; readonly lost: number; readonly cut: number };
}

/** Where the newest line is known beside the file (A2). */
export interface ActsAnchor {
  /** As of the start; null: none is known. */
  readonly last: ActsHead | null;
  /** Resolves when it is kept; may reject: the anchor stays behind then, which tells nothing wrong. */
  keep(head: ActsHead): Promise<void>;
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
  return shortened([...places, ...named].join(', '), mostText);
}
/** The name of a new file is on the disk as its lines are. Where a folder cannot be opened (Windows) its names are kept without. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
const shortened = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most)}…`);
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
/** In the data folder. */
export const actsFile = 'acts.jsonl';
export const oldActsFile = (file: string): string => file.replace(/\.jsonl$/, '.old.jsonl');

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
  /** Absent: lines that are cut off at the end do not show. */
  readonly anchor?: ActsAnchor;
  readonly most?: number;
}): Acts {
  const { file, clock, log, anchor, most = mostLines } = options;
  const oldFile = oldActsFile(file);
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
  let head = actsStart;
  let nextId = 1;
  let isWhole = true;
  let cut = 0;
  let lost = 0;
  let missed = 0;
  let last: Promise<void> = Promise.resolve();

  /** The newest head that the anchor does not have yet; one is on its way at a time. */
  let toKeep: ActsHead | null = null;
  let keeping: Promise<void> | null = null;
  function keepHead(): void {
    toKeep = head;
    keeping ??= (async () => {
      while (toKeep !== null) {
        const next = toKeep;
        toKeep = null;
        await anchor?.keep(next).catch(() => undefined);
      }
      keeping = null;
    })();
  }

  async function textOf(path: string): Promise<string | null> {
    try {
      return await readFile(path, 'utf8');
    } catch {
      return null;
    }
  }

  async function append(entry: ActEntry): Promise<void> {
    if (kept.now.length >= most) {
      await rename(file, oldFile);
      kept = { old: kept.now, now: [] };
      noteAll();
    }
    const body = JSON.stringify(entry);
    const hash = actHash(head.hash, body);
    const handle = await open(file, 'a', 0o600);
    const { size } = await handle.stat();
    try {
      await handle.writeFile(actLine(hash, body));
      await handle.datasync();
      if (size === 0) await syncFolder(dirname(file));
    } catch (error) {
      // Half a line, or a line the chain does not know, would make the next ones look tampered with.
      await handle.truncate(size).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    head = { id: entry.id, hash };
    kept.now.push(entry);
    note(entry);
    keepHead();
  }

  return {
    async load() {
      const last = anchor?.last ?? null;
      const texts = [await textOf(oldFile), await textOf(file)] as const;
      const read = await readActs(texts, last);
      for (const [nth, path] of [oldFile, file].entries()) {
        const torn = read.tornBytes[nth] ?? 0;
        // A power cut in the middle of a line: its act was never answered, and the next line must not go on in it.
        if (torn > 0) await truncate(path, Buffer.byteLength(texts[nth] ?? '') - torn).catch(() => undefined);
      }
      const [old = [], now = []] = read.files;
      kept = { old: old.slice(-most), now: now.slice(-most) };
      noteAll();
      ({ isWhole, cut } = read);
      head = cut > 0 && last !== null ? last : read.head;
      nextId = head.id + 1;
      const { code } = agentErrors.pageActsChanged;
      if (cut > 0) log.warn({ code, file, cut }, 'lines of what was done on the page are missing at its end');
      else if (!isWhole) log.warn({ code, file }, 'lines of what was done on the page were changed or are missing');
      else if (head.id !== (last?.id ?? 0)) keepHead();
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
    async stop() {
      await last;
      if (toKeep !== null) void anchor?.keep(toKeep).catch(() => undefined);
      toKeep = null;
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
    state: () => ({ isWhole, lost, cut }),
  };
}
