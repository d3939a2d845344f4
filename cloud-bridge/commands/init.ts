/** `bridge init`: keys, certificate authority and folders. Safe to repeat; what is there stays. */
import { Authority } from '../authority.ts';
import { dataDir } from '../files.ts';
import { initialise } from '../keys.ts';

export async function init(root: string): Promise<number> {
  const dir = dataDir(root);
  const { made } = initialise(dir);
  await Authority.open(dir, Date.now());
  process.stderr.write(
    made ? `Made the bridge's keys in ${root}.\n` : `The bridge's keys in ${root} stay as they are.\n`,
  );
  process.stdout.write(`${dir.publicKey}\n`);
  return 0;
}
