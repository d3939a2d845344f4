/** The example of docs/drivers/opcua.md, as a reader would copy it, and the whole agent on the same machine. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { loadConfig } from '../../agent/config/load.ts';
import { profileCatalogue } from '../../agent/config/profiles.ts';
import { groupByBus, loadSources } from '../../agent/sources.ts';
import { readBlock } from '../bench/block-reader.ts';
import { repository } from '../check/files.ts';
import { EventLog, realPorts } from '../contract/driver.ts';
import { rows, startAgent, temporaryDir, writeConfig } from './bad-input-rig.ts';
import { freePort, requireAsyncua, startOddPeer } from './opcua-peer.ts';
import { until } from './sync-rig.ts';

const page = readFileSync(join(repository, 'docs/drivers/opcua.md'), 'utf8');

test('the example of the page reads what the page says', async (t) => {
  if (!requireAsyncua(t)) return;
  const dir = temporaryDir(t);
  mkdirSync(join(dir, 'profiles'));
  const files = [...page.matchAll(/^`([\w./-]+\.yaml)`:\n\n```yaml\n([\s\S]*?)^```$/gm)];
  assert.deepEqual(
    files.map(([, name]) => name),
    ['agent.yaml', 'profiles/acme-knit.yaml'],
  );
  for (const [, name = '', text = ''] of files) writeFileSync(join(dir, name), text);
  const port = await freePort();
  const peer = await startOddPeer({ port });
  t.after(() => peer.stop());
  const endpoints = join(dir, 'endpoints.yaml');
  const { endpoint } = peer;
  // Two addresses of one server: each machine has a connection of its own, as on the page.
  const other = endpoint.replace('127.0.0.1', 'localhost');
  writeFileSync(
    endpoints,
    JSON.stringify({
      machines: [
        { id: 'ck-1', endpoint },
        { id: 'ck-2', endpoint: other },
      ],
    }),
  );

  const config = loadConfig(join(dir, 'agent.yaml'), { endpoints });
  const catalogue = profileCatalogue(config.profileDirs);
  const watched = config.machines.map((machine) => {
    const profile = catalogue.find(machine.profile);
    if ('problem' in profile) assert.fail(profile.problem);
    return { config: machine, profile };
  });
  const makeSources = await loadSources(watched);
  const log = new EventLog();
  const found: string[] = [];
  const options = {
    dataDir: dir,
    ports: realPorts(log),
    identified: () => {},
    discovered: (_: string, __: string, signals: object) => void found.push(...Object.keys(signals)),
    secret: () => '',
  };
  const drivers = groupByBus(watched).flatMap((bus) => makeSources(bus, options));
  t.after(() => Promise.all(drivers.map((driver) => driver.stop())));
  await Promise.all(drivers.map((driver) => driver.start(new AbortController().signal)));
  const read = (machine: string, signal: string) =>
    log.readings(machine).findLast((reading) => reading.signal === signal);
  const told = [...page.matchAll(/^\| `([a-z_.]+)` \| (\S+) \| (.*) \|$/gm)];
  assert.equal(told.length, 10);
  for (const [, signal = '', value = '', more = ''] of told) {
    const machine = /^(?:good|bad: )/.test(more) ? 'ck-2' : 'ck-1';
    await log.until(signal, 60_000, () => {
      const reading = read(machine, signal);
      return reading !== undefined && (reading.quality === 'good') === (value !== '–');
    });
    const reading = read(machine, signal);
    assert.equal(String(reading?.value ?? '–'), value, signal);
    if (reading?.quality === 'bad') assert.equal(more, `bad: \`${reading.reason}\``);
  }
  assert.ok(found.includes('monitoring.gear'));
});

test('the whole agent finds a machine, stores what it shows, and makes an alert of its alarm', async (t) => {
  if (!requireAsyncua(t)) return;
  const dir = temporaryDir(t);
  const port = await freePort();
  const peer = await startOddPeer({ port, events: 'server' });
  t.after(() => peer.stop());
  const config = writeConfig(dir, {
    machines: [{ id: 'ck-1', endpoint: peer.endpoint, opcua: { security: 'None' } }],
    log: { statusEveryS: 1 },
  });
  const agent = await startAgent(t, config);
  await until('what was found is kept', () => existsSync(join(dir, 'agent/discovered.json')), 60_000);
  const offset = await agent.until('the offset of its clock', (line) => {
    const offsets = line['clockOffsetMs'];
    return typeof offsets === 'object' && offsets !== null && typeof Object.values(offsets)[0] === 'number';
  });
  assert.deepEqual(Object.keys(offset['clockOffsetMs'] as object), ['ck-1']);
  await peer.order({ alarm: ['Door', true, 800, 'Safety door open'] });
  const alerts = () => rows(join(dir, 'agent/journal.db'), 'SELECT body FROM alert').join('\n');
  await until('the alert', () => alerts().includes('machine_condition'), 60_000);
  assert.match(alerts(), /Safety door open/);
  assert.equal(await agent.stop(), 0);
  const stored = new Map<string, unknown>();
  const ring = new DatabaseSync(join(dir, 'agent/ring.db'), { readOnly: true });
  for (const row of ring.prepare('SELECT bytes FROM block ORDER BY id').iterate()) {
    if (!(row['bytes'] instanceof Uint8Array)) assert.fail('a block without bytes');
    for (const { signal, values } of readBlock(row['bytes']))
      stored.set(
        signal,
        values.findLast((one) => one !== null),
      );
  }
  ring.close();
  assert.equal(stored.get('monitoring.temp.main'), 41.5);
  assert.equal(stored.get('cylinder.speed'), 30);
});
