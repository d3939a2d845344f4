/** `bridge allow`: registers a gateway and makes its password. */
import { dataDir } from '../files.ts';
import { allowGateway } from '../registry.ts';

export async function allow(root: string, options: Parameters<typeof allowGateway>[1]): Promise<number> {
  await allowGateway(dataDir(root), options);
  process.stdout.write(
    `Gateway ${options.gateway} may send as site ${options.site}. Its password is in ${options.passwordFile}.\n`,
  );
  return 0;
}
