/** Tries the package in the folder it is given, and says which process does it. Killed by its test on the way. */
import { readdirSync, readFileSync } from 'node:fs';
import { readPackage } from '../../../models/package/folder.ts';
import { runGolden } from '../../../models/package/golden.ts';
import { parseManifest } from '../../../models/package/manifest.ts';

const [folder = ''] = process.argv.slice(2);
const done = runGolden(folder, parseManifest(readPackage(folder).manifest));
const child = readdirSync(`/proc/${process.pid}/task`)
  .flatMap((thread) => readFileSync(`/proc/${process.pid}/task/${thread}/children`, 'utf8').trim().split(' '))
  .find((pid) => pid !== '');
process.stdout.write(`${child}\n`);
await done;
