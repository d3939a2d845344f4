/** `npm run outage -- [--days 30] [--machines 50] [--signals 8] [--budget 2048] [--dir DIR] [--json FILE]` */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { liveThrough } from './outage.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '30' },
    machines: { type: 'string', default: '50' },
    signals: { type: 'string', default: '8' },
    budget: { type: 'string', default: '2048' },
    dir: { type: 'string' },
    json: { type: 'string' },
  },
});
const mib = 1024 * 1024;
const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'selvedge-outage-'));
try {
  await using outage = liveThrough({
    dir,
    machines: Number(values.machines),
    signals: Number(values.signals),
    days: Number(values.days),
    budgetBytes: Number(values.budget) * mib,
    progress: (day, bytes, evicted) =>
      process.stdout.write(`day ${day}: ${Math.round(bytes / mib)} MiB, gone ${JSON.stringify(evicted)}\n`),
  });
  const { result } = outage;
  const within = result.maxFileBytes <= Number(values.budget) * mib;
  const text = JSON.stringify({ ...result, within }, null, 2);
  process.stdout.write(`${text}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${text}\n`);
  process.exitCode = within ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
}
