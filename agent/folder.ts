/** Making folders for what the agent stores. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes `path` and its parents, for the agent's user alone; what is there stays as it is. Throws what the system says.
 *
 * One folder at a time: Node's recursive mkdir never ends where the system answers ENOENT below a folder that is there, as in
 * /proc, and a start that hangs tells nobody anything.
 */
export function makeFolder(path: string): void {
  makeStep(resolve(path));
}

function makeStep(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeStep(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster: a gateway's commands run beside its agent.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
