/**
 * Looks names up, one line of JSON for each on standard output. A process of its own: a look-up that hangs cannot be
 * cancelled and keeps its process alive, a process can be ended.
 */
import { lookup } from 'node:dns/promises';

await Promise.all(
  process.argv.slice(2).map(async (host) => {
    const answer = await lookup(host, { all: true, order: 'verbatim' }).then(
      (addresses) => ({ host, addresses }),
      (error: unknown) => ({ host, code: error instanceof Error && 'code' in error ? String(error.code) : 'EFAIL' }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }),
);
