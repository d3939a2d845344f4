/**
 * How a restored folder takes the place of the one that is there. What is restored is prepared in `restoring.part/new`; the rename
 * to `restoring` decides. From then on whoever opens the folder first ends the exchange: the old files go to `restoring/old.part`,
 * which becomes `old` when all are there; then the new ones are moved in; then `restoring` becomes `before-restore-<time>`.
 *
 * Invariants (test/unit/backup/exchange.test.ts):
 *  X1  Before `restoring` has its name nothing that was there is touched.
 *  X2  Killed at any step, the folder is all old or all new when it is opened next.
 *  X3  Nothing is overwritten or deleted: what was there is in `before-restore-<time>/old` under its name.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import { flushFolder } from './disk.ts';

export const stagingFolder = (dataDir: string) => join(dataDir, 'restoring.part');
const decidedFolder = (dataDir: string) => join(dataDir, 'restoring');

/** Of the folder and not of a store in it: the lock is held meanwhile, the reserve is room and nothing else. */
const stays = (name: string) => /^(lock\.db|reserve\.bin$|restoring(\.part)?$|before-restore-)/.test(name);
const present = (dataDir: string) => readdirSync(dataDir).filter((name) => !stays(name));

/** @throws AgentError `restoreImpossible` where a part of the folder cannot be moved, as it is a disk of its own */
export function checkMovable(dataDir: string): void {
  const { dev } = statSync(dataDir);
  for (const name of present(dataDir)) {
    if (statSync(join(dataDir, name), { throwIfNoEntry: false })?.dev === dev) continue;
    throw new AgentError('restoreImpossible', `${join(dataDir, name)} is a link or a disk of its own`);
  }
}

/** What is prepared becomes what holds. Everything in it is on the disk. */
export function decide(dataDir: string): void {
  renameSync(stagingFolder(dataDir), decidedFolder(dataDir));
  flushFolder(dataDir);
}

/**
 * Ends an exchange that was decided, from whatever step it stands at. The caller holds the lock of the folder.
 * @param step called before each change on the disk
 * @returns the folder with what was there before; null when there was nothing to do, or nothing before
 */
export function endExchange(dataDir: string, nowMs: number, step: () => void = () => undefined): string | null {
  const decided = decidedFolder(dataDir);
  if (!existsSync(decided)) return null;
  const old = join(decided, 'old');
  const fresh = join(decided, 'new');
  const move = (from: string, to: string) => {
    step();
    renameSync(from, to);
  };
  if (!existsSync(old)) {
    const going = join(decided, 'old.part');
    step();
    mkdirSync(going, { recursive: true, mode: 0o700 });
    for (const name of present(dataDir)) move(join(dataDir, name), free(join(going, name)));
    flushFolder(going);
    flushFolder(dataDir);
    move(going, old);
    flushFolder(decided);
  }
  for (const name of existsSync(fresh) ? readdirSync(fresh) : []) {
    const place = join(dataDir, name);
    // A command that ran in between can have made it anew.
    if (existsSync(place)) move(place, free(join(old, name)));
    move(join(fresh, name), place);
  }
  flushFolder(dataDir);
  step();
  rmSync(fresh, { recursive: true, force: true });
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '');
  const kept = free(join(dataDir, `before-restore-${stamp}`));
  move(decided, kept);
  flushFolder(dataDir);
  if (readdirSync(join(kept, 'old')).length > 0) return kept;
  step();
  rmSync(kept, { recursive: true, force: true });
  return null;
}

/** The path, or where it is taken the next that is not. */
function free(path: string): string {
  let name = path;
  for (let i = 2; existsSync(name); i++) name = `${path}-${i}`;
  return name;
}
