/** The example of docs/drivers/modbus.md, as a reader would copy it, on a machine that holds what the page says. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../agent/config/load.ts';
import { profileCatalogue } from '../../agent/config/profiles.ts';
import { loadSources } from '../../agent/sources.ts';
import { interpret } from '../../drivers/profiles/interpret.ts';
import { repository } from '../check/files.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { tempDir } from './modbus-peers.ts';

const page = readFileSync(join(repository, 'docs/drivers/modbus.md'), 'utf8');

test('the example of the page reads what the page says', async (t) => {
  const files = [...page.matchAll(/^`([\w./-]+\.yaml)`:\n\n```yaml\n([\s\S]*?)^```$/gm)];
  assert.deepEqual(
    files.map(([, name]) => name),
    ['profiles/acme-head.yaml', 'agent.yaml'],
  );
  const dir = tempDir(t);
  mkdirSync(join(dir, 'profiles'));
  for (const [, name = '', text = ''] of files) writeFileSync(join(dir, name), text);

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
  const endpoints = join(dir, 'endpoints.yaml');
  writeFileSync(endpoints, `machines:\n  - { id: ls-1, endpoint: "modbus://127.0.0.1:${peer.port}" }\n`);

  const config = loadConfig(join(dir, 'agent.yaml'), { endpoints });
  const catalogue = profileCatalogue(config.profileDirs);
  const watched = config.machines.map((machine) => {
    const profile = catalogue.find(machine.profile);
    if ('problem' in profile) assert.fail(profile.problem);
    return { config: machine, profile };
  });
  const makeSources = await loadSources(watched);
  const log = new EventLog();
  const options = { dataDir: dir, ports: realPorts(log), identified: () => {}, secret: () => '' };
  const [driver] = makeSources(watched, options);
  assert.ok(driver !== undefined);
  t.after(() => driver.stop());
  await driver.start(new AbortController().signal);
  await log.until('readings', 20_000, () => log.goods('ls-1') >= 12);
  await driver.stop();

  const promised = [...page.matchAll(/^\| `([a-z.]+)` \| (\S+) \| (good|bad: `\S+`) \|$/gm)];
  assert.equal(promised.length, 7);
  const values = new Map(log.readings('ls-1').map((reading) => [reading.signal, reading]));
  for (const [, signal = '', value = '', quality = ''] of promised) {
    const reading = values.get(signal) ?? assert.fail(signal);
    assert.equal(String(reading.value ?? '–'), value, signal);
    const told = reading.quality === 'bad' ? `bad: \`${reading.reason}\`` : reading.quality;
    assert.equal(told, quality, signal);
  }
  const good = [...values].flatMap(([signal, { value }]) => (value === null ? [] : [[signal, value] as const]));
  const [machine] = watched;
  assert.ok(machine !== undefined);
  assert.equal(interpret(machine.profile, null, new Map(good))?.state, 'RUN');
  for (const [i, time] of times.entries()) {
    // 20 requests a second, less what timers and the network move.
    if (i > 0) assert.ok(time - (times[i - 1] ?? 0) > 25, `request ${i}`);
  }
  assert.equal(peer.writes, 0);
});
