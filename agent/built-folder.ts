/**
 * A folder that is made of sources: the page, the agent itself.
 *
 * Invariants (test/unit/builds/built-folder.test.ts):
 *  F1  It is named by the hash of everything it is made of: one that exists is the right one, and is not made again. What was changed
 *      while it was made is in none: it is made anew.
 *  F2  It appears by one rename, whole: who makes it at the same time disturbs nobody, and takes what the faster one made.
 *  F3  What a killed build left is removed by the next, and nothing that still runs is.
 */
import { createHash } from 'node:crypto';
import { access, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { AgentError } from './errors.ts';

/** Names what these files give, by their paths below `root` and what is in them. Rejects with what the system says. */
export async function hashOf(root: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file.split(sep).join('/')}\n`);
    hash.update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

export interface Building {
  /** Where the folder comes to stand; is there already. */
  readonly dist: string;
  /** By `hashOf`, of what is there now. */
  readonly name: () => Promise<string>;
  /** A file that a whole one has. */
  readonly entry: string;
  /** Makes the folder, which is not there, at the path it is given. */
  readonly make: (beside: string) => Promise<unknown>;
}

/** Sources that change under so many builds in a row are being written by somebody: it is no time to build. */
const mostTries = 3;

/** The folder, made first if need be. Rejects with what `make` or the system says, and with AGT-105 when it is no time to build. */
export async function builtFolder({ dist, name, entry, make }: Building): Promise<string> {
  let wanted = await name();
  for (let left = mostTries; ; left -= 1) {
    const dir = join(dist, wanted);
    if (await isThere(join(dir, entry))) return dir;
    await removeLeft(dist);
    const beside = join(dist, `.building-${process.pid}`);
    try {
      await make(beside);
      const now = await name();
      if (now === wanted) {
        await rename(beside, dir);
        return dir;
      }
      if (left === 1) throw new AgentError('sourcesChange', `${mostTries} builds in a row`);
      wanted = now;
      await rm(beside, { recursive: true, force: true });
    } catch (error) {
      // Another process was faster; its build is the same one.
      await rm(beside, { recursive: true, force: true });
      if (!(await isThere(join(dir, entry)))) throw error;
      return dir;
    }
  }
}

/** Half-made files and folders whose process is gone, or was this one's namesake, are rubbish. */
async function removeLeft(dist: string): Promise<void> {
  for (const name of await readdir(dist)) {
    const pid = Number(/^\.[a-z]+-(\d+)$/.exec(name)?.[1] ?? NaN);
    if (Number.isInteger(pid) && (pid === process.pid || !isRunning(pid)))
      await rm(join(dist, name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One of another user runs, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
