/** The files of the repository: tracked ones and new ones that are not ignored. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const repository = join(import.meta.dirname, '../..');

/** Paths relative to the repository, with forward slashes. Works without git too (an unpacked archive). */
export function repositoryFiles(): readonly string[] {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const files = git.status === 0 ? git.stdout.split('\0').filter((file) => file !== '') : walk('');
  // A file that is deleted but not committed yet is still listed.
  return files.filter((file) => existsSync(join(repository, file))).toSorted();
}

function walk(folder: string): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', '.git', 'dist', '.cache'].includes(entry.name) ? [] : walk(path);
    return [path];
  });
}
