/**
 * `join` or one renewal that is killed before its n-th change of the disk: argv is `n`, `join` and its arguments, or `n`, `renew`,
 * gateway, data folder and the bridge's address. What the run did until then is all there is.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , limit = '0', step, ...args] = process.argv;
let left = Number(limit);
const folder = step === 'join' ? (args[2] ?? '') : (args[1] ?? '');
/** The two that make a change last, and the one that takes away: what is written before a rename is nothing yet. */
const counted = <A extends unknown[], R>(call: (path: fs.PathLike, ...rest: A) => R) => {
  return (path: fs.PathLike, ...rest: A): R => {
    if (String(path).startsWith(folder)) {
      left -= 1;
      if (left === 0) process.kill(process.pid, 'SIGKILL');
    }
    return call(path, ...rest);
  };
};
Object.assign(fs, {
  renameSync: counted(fs.renameSync),
  rmSync: counted(fs.rmSync),
  mkdirSync: counted(fs.mkdirSync),
});
syncBuiltinESMExports();

if (step === 'join') {
  const { main } = await import('../../agent/commands/join.ts');
  process.exitCode = await main(args);
} else {
  const { renew } = await import('../../agent/sync/renewal.ts');
  const { identityFiles } = await import('../../agent/sync/identity.ts');
  const [gateway = '', dataDir = '', enrolment = ''] = args;
  await renew({ gateway, dataDir, enrolment, ca: fs.readFileSync(identityFiles(dataDir).ca, 'utf8') });
}
