/**
 * The folders of installed packages: `<id>/<version>/` below `models/` in the data folder, and `.staging/` for what is on its way in or out.
 *
 * Invariants (test/unit/models/installed.test.ts, test/integration/models-killed.test.ts):
 *  D1  A folder gets its name, and loses it, in one rename. What is copied is on the disk before, and the name itself after it.
 *  D2  What a killed process left in `.staging` is removed by the next one, and what belongs to a process that lives is not.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { manifestFile, signatureFile, type Manifest } from '../../models/package/manifest.ts';
import { compareVersions, isVersion } from '../../models/package/version.ts';
import { copyDurably, flushFolder, flushFolders, needRoom, Pace } from '../backup/disk.ts';
import { makeFolder } from '../folder.ts';

export class PackageDisk {
  /** `models/` of the data folder; it need not be there. */
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  folderOf(id: string, version: string): string {
    return join(this.#root, id, version);
  }

  ids(): string[] {
    return foldersIn(this.#root).filter((name) => !name.startsWith('.'));
  }

  /** The newest first. */
  versions(id: string): string[] {
    return foldersIn(join(this.#root, id))
      .filter(isVersion)
      .toSorted((a, b) => compareVersions(b, a));
  }

  has(id: string, version: string): boolean {
    return existsSync(this.folderOf(id, version));
  }

  /** A copy in a folder of its own, on the disk when it returns. @throws AgentError `backupNoRoom`; what the system says */
  stage(from: string, manifest: Manifest): string {
    const staging = join(this.#staging(), `${process.pid}-${randomBytes(4).toString('hex')}`);
    copy(from, staging, manifest);
    return staging;
  }

  /** Whether the staged package is the one that is installed. */
  isSame(staging: string, id: string, version: string): boolean {
    const installed = join(this.folderOf(id, version), manifestFile);
    return existsSync(installed) && readFileSync(join(staging, manifestFile)).equals(readFileSync(installed));
  }

  /** Gives a staged folder its name. */
  land(staging: string, id: string, version: string): void {
    const home = join(this.#root, id);
    makeFolder(home);
    flushFolder(this.#root);
    renameSync(staging, this.folderOf(id, version));
    flushFolder(home);
  }

  /** Out of sight in one step, then removed. */
  remove(id: string, version: string): void {
    // Of no process, so that it is swept should this one be killed.
    const gone = join(this.#staging(), `0-${randomBytes(4).toString('hex')}`);
    renameSync(this.folderOf(id, version), gone);
    flushFolder(join(this.#root, id));
    rmSync(gone, { recursive: true, force: true });
  }

  /** A copy outside; `to` has its name when all of it is there. */
  copyOut(id: string, version: string, manifest: Manifest, to: string): void {
    const unfinished = `${to}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    copy(this.folderOf(id, version), unfinished, manifest);
    renameSync(unfinished, to);
    flushFolder(dirname(resolve(to)));
  }

  /** Removes what processes left that were killed. */
  sweep(): void {
    for (const name of foldersIn(join(this.#root, '.staging'))) {
      if (isAlive(Number(name.split('-')[0]))) continue;
      rmSync(join(this.#root, '.staging', name), { recursive: true, force: true });
    }
  }

  #staging(): string {
    const folder = join(this.#root, '.staging');
    makeFolder(folder);
    return folder;
  }
}

function copy(from: string, to: string, { files }: Manifest): void {
  makeFolder(to);
  needRoom(
    to,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const paths = [manifestFile, signatureFile, ...files.map(({ path }) => path)];
  for (const path of paths) copyDurably(join(from, path), join(to, path), new Pace(0));
  flushFolders(to, paths);
  flushFolder(dirname(resolve(to)));
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user, so it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
