/** Making the folders of keys and certificates. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes `path` and its parents, for the agent's user alone; what is there stays as it is. Rejects with what the system says.
 *
 * One folder at a time: Node's recursive mkdir never ends where the system answers ENOENT below a folder that is there, as in
 * /proc, and a driver that waits for it can never stop.
 */
export async function makeFolder(path: string): Promise<void> {
  await makeStep(resolve(path));
}

async function makeStep(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeStep(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // The agent and `selvedge trust` may make it at the same moment.
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true;
}
