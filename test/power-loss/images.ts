/**
 * Power cuts in a recording, and what the store makes of each: the folder as a cut would have left it is opened by the store's own code,
 * and must hold whatever was told before the cut.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { openStore } from '../../agent/store/open.ts';
import { createRandom, wholeBetween, type Random } from '../../simulators/random.ts';
import { parseTold, type Told } from '../torture/ledger.ts';
import { Disk, type Keep } from './disk.ts';
import { missingIn } from './held.ts';
import type { Recording } from './recording.ts';
import type { Event } from './trace.ts';

export interface Cut {
  readonly session: number;
  /** The cut is behind this event. */
  readonly event: number;
  readonly keep: KeepName;
  readonly seed: number;
}
/** What is left of what was not synced: nothing, all, any writes, any sectors of them, or any of both. */
export const keeps = ['nothing', 'all', 'writes', 'sectors', 'any'] as const;
export type KeepName = (typeof keeps)[number];

export interface Image {
  readonly cut: Cut;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly folders: readonly string[];
  readonly told: readonly Told[];
}

/**
 * `count` cuts, in order: a third anywhere, a third right after something was told, and a third while the write-ahead log was being
 * copied into the journal.
 */
export function chooseCuts({ sessions }: Recording, count: number, keep: KeepName, seed: number): Cut[] {
  const all = sessions.flatMap((events, session) =>
    events.map((event, at) => ({ session, event: at, kind: event.kind })),
  );
  const copying = sessions.flatMap((events, session) =>
    duringCopy(events).map((event) => ({ session, event, kind: 'write' })),
  );
  const pools = [all, all.filter(({ kind }) => kind === 'told'), copying];
  if (pools.some((pool) => pool.length === 0))
    throw new TypeError('nothing was told, or the journal was never written');
  const random = createRandom(seed, `cuts ${keep}`);
  return Array.from({ length: count }, (_, n): Cut => {
    const pool = pools[n % pools.length] ?? [];
    const { session = 0, event = 0 } = pool[Math.floor(random() * pool.length)] ?? {};
    return { session, event, keep, seed: Math.floor(random() * 2 ** 31) };
  }).toSorted((a, b) => a.session - b.session || a.event - b.event);
}

/** Events between a write to the journal itself and its sync. */
function duringCopy(events: readonly Event[]): number[] {
  const found: number[] = [];
  let journal: number | null = null;
  let dirty = false;
  for (const [at, event] of events.entries()) {
    if (event.kind === 'open' && event.path.endsWith('/journal.db')) journal = event.fd;
    const isJournal = 'fd' in event && event.fd === journal;
    if (event.kind === 'open' && !event.path.endsWith('/journal.db') && isJournal) journal = null;
    if (isJournal && event.kind === 'write') dirty = true;
    if (isJournal && event.kind === 'sync') dirty = false;
    if (dirty) found.push(at);
  }
  return found;
}

/** The images of these cuts, one after the other; `cuts` are in order. */
export function* imagesOf({ before, sessions }: Recording, cuts: readonly Cut[]): Generator<Image> {
  const disk = new Disk();
  for (const [path, bytes] of before) disk.holds(path, bytes);
  const told: Told[] = [];
  const waiting = [...cuts];
  for (const [session, events] of sessions.entries()) {
    disk.processStarts();
    let rest = '';
    for (const [at, event] of events.entries()) {
      disk.apply(event);
      if (event.kind === 'told') {
        const lines = (rest + event.text).split('\n');
        rest = lines.pop() ?? '';
        told.push(...lines.map(parseTold));
      }
      while (waiting[0]?.session === session && waiting[0].event === at) {
        const cut = waiting.shift();
        if (cut !== undefined) yield { cut, files: disk.image(keepOf(cut)), folders: disk.folders, told: [...told] };
      }
    }
  }
}

function keepOf({ keep, seed }: Cut): Keep {
  const random = createRandom(seed, 'keep');
  const half = () => random() < 0.5;
  const names = (pending: number) => wholeBetween(random, [0, pending]);
  switch (keep) {
    case 'nothing':
      return { change: () => false, sector: () => false, names: () => 0 };
    case 'all':
      return { change: () => true, sector: () => true, names: (pending) => pending };
    case 'writes':
      return { change: half, sector: half, names };
    case 'sectors':
      return { change: () => null, sector: half, names };
    case 'any':
      return { change: anyOf(random), sector: half, names };
  }
}

const anyOf = (random: Random) => () => [true, false, null][Math.floor(random() * 3)] ?? null;

/** Writes the image below `to`, in the place of the recorded folder. */
export function writeImage({ files, folders }: Image, from: string, to: string): void {
  const place = (path: string) => join(to, relative(from, path));
  for (const folder of folders) mkdirSync(place(folder), { recursive: true, mode: 0o700 });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(place(path)), { recursive: true, mode: 0o700 });
    writeFileSync(place(path), bytes, { mode: 0o600 });
  }
}

export interface Outcome {
  readonly cut: Cut;
  readonly told: number;
  /** What is wrong; empty: the start found everything. */
  readonly problems: readonly string[];
}

/** Room for alerts on a full disk: nothing to do with power cuts, and large. */
const reserveFile = 'reserve.bin';

/** Opens the image as a start of the agent does. */
export async function startOn(image: Image, { dataDir, sent }: Recording, scratch: string): Promise<Outcome> {
  const folder = mkdtempSync(join(scratch, 'image-'));
  const { cut, told } = image;
  try {
    const files = new Map([...image.files].filter(([path]) => !path.endsWith(reserveFile)));
    writeImage({ ...image, files }, dataDir, folder);
    const problems: string[] = [];
    try {
      const store = await openStore({ dataDir: folder, clock: { wallMs: () => Date.now() }, reserveBytes: 4_096 });
      for (const file of store.recovery.quarantined) problems.push(`taken for damage: ${file}`);
      await store.close();
      problems.push(...missingIn(join(folder, 'journal.db'), told, sent));
    } catch (error) {
      problems.push(`the start failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    return { cut, told: told.length, problems };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
