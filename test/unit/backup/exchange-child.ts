/** Restores a backup and is killed before the step whose number it was given; beyond the last it ends well. */
import { restore } from '../../../agent/backup/restore.ts';

const [from = '', dataDir = '', killAt = ''] = process.argv.slice(2);
let steps = 0;
restore({
  from,
  dataDir,
  nowMs: Date.UTC(2026, 0, 5, 9),
  step: () => {
    if (++steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${steps} steps`);
