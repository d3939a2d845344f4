/** A process that is to learn a cloth and behaves as it is told; run by `teach-desk.test.ts`. Arguments: mode, data folder, machine, fabric. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getPriority } from 'node:os';
import { gatewayKeys } from '../../../agent/sync/keys.ts';
import { keepStyle } from '../../../agent/senses/styles.ts';
import { lineOf, type TeachReport } from '../../../agent/senses/teach-told.ts';

const [mode = '', dataDir = '', machine = '', fabric = ''] = process.argv.slice(2);
const say = (text: string) => void process.stdout.write(text);
const picture = (count: number) => say(lineOf({ picture: count, of: 3 }));
const report = (more: { readonly version?: number; readonly seconds?: number } = {}): TeachReport => {
  const learned = { version: 1, images: 3, refused: [{ image: 'picture 2', reason: 'too dark' }], threshold: 1.02 };
  return { ok: true, machine, fabric, ...learned, seconds: 0.1, advice: ['Focus.'], ...more };
};
const keep = (model = 'eye@1.0.0') => {
  const about = { machine, fabric, taughtMs: 1_767_600_000_000, model, images: 3, widthPx: 512, heightPx: 512 };
  const { privateKey } = gatewayKeys(dataDir);
  return keepStyle(dataDir, { ...about, threshold: 1.02, camera: null }, Buffer.from('stats'), privateKey).version;
};
const forever = () => void setInterval(() => undefined, 60_000);

switch (mode) {
  case 'learns': {
    for (const count of [0, 1, 2, 3]) picture(count);
    const version = keep();
    // Of the one in the shadow.
    keep('eye@2.0.0');
    say(lineOf({ report: report({ version, seconds: getPriority() }) }));
    break;
  }
  case 'hangs': {
    const helper = spawn('sleep', ['600'], { stdio: 'inherit' });
    writeFileSync(join(dataDir, 'pids'), JSON.stringify([process.pid, helper.pid]));
    picture(1);
    forever();
    break;
  }
  case 'hangs-late':
    keep();
    picture(3);
    forever();
    break;
  case 'dies':
    picture(2);
    process.kill(process.pid, 'SIGSEGV');
    break;
  case 'complains':
    process.stderr.write('AGT-101 the configuration cannot be used\n    at some line\n');
    process.exitCode = 2;
    break;
  case 'lies':
    say(lineOf({ report: report() }));
    break;
  case 'odd':
    say(
      `no JSON\n${JSON.stringify({ report: { ...report(), version: 'one' } })}\n${JSON.stringify({ picture: -1, of: 3 })}\n`,
    );
    break;
  case 'refuses':
  case 'misnames': {
    const of = mode === 'misnames' ? 'ck-9' : machine;
    const why = { message: 'MDL-310 too few', meaning: 'Too little cloth.', cure: 'Show more.' };
    const advice = ['Show more good cloth.'];
    say(lineOf({ report: { ok: false, machine: of, fabric, images: 1, refused: [], advice, ...why } }));
    process.exitCode = 1;
    break;
  }
  case 'floods':
    picture(1);
    setInterval(() => say('x'.repeat(60_000)), 1);
    break;
}
