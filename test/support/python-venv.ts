/** Python packages that tests are held against: a virtual environment for each, made once per machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { missing, requireProgram } from './peers.ts';

/** One a user: another user's could be neither used nor replaced. `.ci/run` makes them at the same place. */
const venvOf = (name: string) => join(tmpdir(), `selvedge-${name}-venv-${process.getuid?.() ?? 0}`);

export const venvPython = (name: string): string => join(venvOf(name), 'bin', 'python');

/** Why one could not be made; not tried again for every test. */
const troubles = new Map<string, string>();

/** True when the package can be used; otherwise skips `t`, or throws in CI. Takes a minute the first time. */
export function requireVenv(t: TestContext, name: string): boolean {
  if (!requireProgram(t, 'python3')) return false;
  const venv = venvOf(name);
  if (existsSync(join(venv, 'ready'))) return true;
  // Made aside and moved, so that a half-made one is never taken for whole. A venv survives the move for our use:
  // python is called by its path and pip is not needed again.
  const fresh = `${venv}.${process.pid}`;
  try {
    const trouble = troubles.get(name) ?? make(fresh, name);
    if (trouble !== null) {
      troubles.set(name, trouble);
      return missing(t, trouble);
    }
    rmSync(venv, { recursive: true, force: true, maxRetries: 10 });
    renameSync(fresh, venv);
    return true;
  } finally {
    rmSync(fresh, { recursive: true, force: true, maxRetries: 10 });
  }
}

function make(folder: string, name: string): string | null {
  mkdirSync(folder, { recursive: true });
  const made = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8' });
  if (made.status !== 0) return `a Python virtual environment cannot be made: ${made.stderr.trim()}`;
  const pip = spawnSync(
    join(folder, 'bin', 'python'),
    ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '20', name],
    { encoding: 'utf8' },
  );
  if (pip.status !== 0) return `${name} cannot be installed: ${pip.stderr.trim().split('\n').at(-1)}`;
  writeFileSync(join(folder, 'ready'), '');
  return null;
}
