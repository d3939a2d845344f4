/** `bridge init`: keys and folders. Safe to repeat; what is there stays. */
import { dataDir } from '../files.ts';
import { initialise } from '../keys.ts';

export function init(root: string): number {
  const dir = dataDir(root);
  const { made } = initialise(dir);
  process.stderr.write(
    made ? `Made the bridge's keys in ${root}.\n` : `The bridge's keys in ${root} stay as they are.\n`,
  );
  process.stdout.write(`${dir.publicKey}\n`);
  return 0;
}
