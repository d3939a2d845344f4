/** The example of docs/drivers/modbus.md, as a reader would copy it, on a machine that holds what the page says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSources } from '../../agent/sources.ts';
import { repository } from '../check/files.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { tempDir } from './modbus-peers.ts';
import { assertAsPromised, copyFiles, machinesAt, promisedIn } from './page-examples.ts';

const page = readFileSync(join(repository, 'docs/drivers/modbus.md'), 'utf8');

test('the example of the page reads what the page says', async (t) => {
  const dir = tempDir(t);
  assert.deepEqual(copyFiles(page, dir), ['profiles/acme-head.yaml', 'agent.yaml']);

  const peer = new ModbusPeer('tcp');
  const times: number[] = [];
  peer.misbehave = () => {
    times.push(performance.now());
    return null;
  };
  for (const [, first = '', content = ''] of page.matchAll(/^\| 4(\d{4})\S* \|[^|]*\| ((?:0x[0-9A-F]{4} ?)+)\|$/gm)) {
    peer.set(3, 3, Number(first) - 1, content.trim().split(' ').map(Number));
  }
  for (const at of [6, 7, 8]) peer.set(3, 3, at, [0]);
  assert.equal(peer.cells.size, 10);
  await peer.listen();
  t.after(() => peer.close());
  const watched = machinesAt(dir, { 'ls-1': `modbus://127.0.0.1:${peer.port}` });
  const makeSources = await loadSources(watched);
  const log = new EventLog();
  const options = { dataDir: dir, ports: realPorts(log), identified: () => {}, secret: () => '' };
  const [driver] = makeSources(watched, options);
  assert.ok(driver !== undefined);
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('readings', 20_000, () => log.goods('ls-1') >= 12);
  await driver.stop();

  const promised = promisedIn(page);
  assert.equal(promised.length, 7);
  const [machine] = watched;
  assert.ok(machine !== undefined);
  assertAsPromised(log, machine, promised, 'RUN');
  for (const [i, time] of times.entries()) {
    // 20 requests a second, less what timers and the network move.
    if (i > 0) assert.ok(time - (times[i - 1] ?? 0) > 25, `request ${i}`);
  }
  assert.equal(peer.writes, 0);
});
