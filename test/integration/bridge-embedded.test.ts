import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import mqtt from 'mqtt';
import { topicOf } from '../../cloud-bridge/contract.ts';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { requireProgram } from '../support/peers.ts';
import { alert, body, event, seal, status, temporaryDir } from '../unit/bridge/making.ts';
import { rows } from './bad-input-rig.ts';
import { linesOf } from './bridge-peers.ts';
import { bridgeCommand, connectGateway, registerGateway, runBridge } from './bridge-process.ts';

/** Resolves at `close`, whatever error comes before it: a connection the bridge cuts may end in a reset. */
function closeOf(connection: { on(event: 'close' | 'error', listener: () => void): unknown }): Promise<void> {
  connection.on('error', () => undefined);
  return new Promise((resolve) => connection.on('close', resolve));
}

const killedChild = join(import.meta.dirname, 'bridge-killed-child.ts');

test('killed between commit and answer, the bridge answers the second delivery as a repeat and has nothing twice', async (t) => {
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const batch = seal(body({ records: [event(1), alert(2)] }), gateway.key);
  const doomed = await runBridge(t, dir, [], killedChild);
  const first = await connectGateway(t, doomed.mqtt, gateway, dir);
  const exited = once(doomed.child, 'exit');
  first.client.publish(topicOf('demo', 'demo-gw', 'up'), batch.payload, { qos: 1 });
  assert.equal((await exited)[1], 'SIGKILL');

  const bridge = await runBridge(t, dir);
  const second = await connectGateway(t, bridge.mqtt, gateway, dir);
  assert.equal((await second.send(batch.payload)).result, 'repeat');
  await bridge.stop();
  const db = new Database(join(dir, 'bridge.db'), { readonly: true });
  t.after(() => db.close());
  assert.equal(db.prepare('SELECT count(*) FROM record_event').pluck().get(), 1);
  assert.equal(db.prepare('SELECT count(*) FROM record_alert').pluck().get(), 1);
  assert.deepEqual(db.prepare('SELECT seq, repeats FROM batch').all(), [{ seq: 1, repeats: 1 }]);
});

test('the embedded broker lets a gateway do its own work and nothing else', async (t) => {
  const dir = temporaryDir(t);
  const [one, two] = [await registerGateway(dir, 'gw-1'), await registerGateway(dir, 'gw-2')];
  const bridge = await runBridge(t, dir);
  const address = `mqtt://127.0.0.1:${bridge.mqtt}`;
  const options = { reconnectPeriod: 0, protocolVersion: 4 } as const;
  const login = { ...options, username: one.id, password: one.password };

  for (const wrong of [
    {},
    { username: 'gw-1' },
    { username: 'gw-1', password: two.password },
    { username: 'gw-3', password: 'x' },
  ]) {
    await assert.rejects(
      mqtt.connectAsync(address, { ...options, ...wrong }),
      /Connection refused/,
      JSON.stringify(wrong),
    );
  }

  const client = await mqtt.connectAsync(address, { ...login, clientId: 'shared' });
  const other = await mqtt.connectAsync(address, {
    ...options,
    username: two.id,
    password: two.password,
    clientId: 'shared',
  });
  t.after(() => Promise.all([client.endAsync(true), other.endAsync(true)]));
  const granted: Record<string, number> = {};
  for (const filter of [
    'selvedge/v1/demo/gw-1/ack',
    'selvedge/v1/demo/gw-1/cmd',
    'selvedge/v1/demo/gw-1/up',
    'selvedge/v1/demo/gw-2/ack',
    'selvedge/v1/demo/+/ack',
    '#',
    '$SYS/#',
  ]) {
    const [answer] = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
    granted[filter] = answer?.qos ?? 128;
  }
  const allowed = Object.keys(granted).filter((filter) => granted[filter] === 1);
  assert.deepEqual(allowed, ['selvedge/v1/demo/gw-1/ack', 'selvedge/v1/demo/gw-1/cmd']);
  assert.ok(other.connected, 'a client id of one gateway pushed off another');

  for (const channel of ['up', 'res', 'status', 'blob']) {
    await client.publishAsync(topicOf('demo', 'gw-1', channel as 'up'), '{}', { qos: 1 });
  }
  for (const topic of [
    'selvedge/v1/demo/gw-1/ack',
    'selvedge/v1/demo/gw-2/up',
    'selvedge/v1/other/gw-1/up',
    'selvedge/v1/demo/gw-2/ack',
    'x',
  ]) {
    const one = await mqtt.connectAsync(address, login);
    const closed = closeOf(one);
    one.publish(topic, 'x', { qos: 0 });
    await closed;
    assert.ok(true, topic);
  }
});

test('a will of another gateway is not published, and an old one does not put a gateway off-line', async (t) => {
  const dir = temporaryDir(t);
  const [one, two] = [await registerGateway(dir, 'gw-1'), await registerGateway(dir, 'gw-2')];
  const bridge = await runBridge(t, dir);
  const address = `mqtt://127.0.0.1:${bridge.mqtt}`;
  const birthOf = (gateway: string, online: boolean) => JSON.stringify(status({ gateway, online }));
  const connectAs = (gateway: typeof one, willTopic: string, will: string) =>
    mqtt.connectAsync(address, {
      username: gateway.id,
      password: gateway.password,
      protocolVersion: 4,
      reconnectPeriod: 0,
      will: { topic: willTopic, payload: Buffer.from(will), qos: 1, retain: true },
    });
  const victim = await connectAs(two, topicOf('demo', 'gw-2', 'status'), birthOf('gw-2', false));
  await victim.publishAsync(topicOf('demo', 'gw-2', 'status'), birthOf('gw-2', true), { qos: 1, retain: true });
  const attacker = await connectAs(one, topicOf('demo', 'gw-2', 'status'), birthOf('gw-2', false));
  const attackerGone = closeOf(attacker);
  attacker.stream.destroy();
  await attackerGone;
  const db = new Database(join(dir, 'bridge.db'), { readonly: true });
  t.after(() => db.close());
  const online = () => db.prepare('SELECT online FROM status WHERE gateway = ?').pluck().get('gw-2');
  // A message of its own that is stored shows that whatever came before it was dealt with.
  const { send } = await connectGateway(t, bridge.mqtt, one, dir);
  await send(seal(body({ gateway: 'gw-1' }), one.key).payload);
  assert.equal(online(), 1);
  const victimGone = closeOf(victim);
  victim.stream.destroy();
  await victimGone;
  await send(seal(body({ gateway: 'gw-1', seq: 2, records: [event(2)] }), one.key).payload);
  for (const deadline = Date.now() + 5000; online() !== 0 && Date.now() < deadline;) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(online(), 0);
});

test('a packet over the limit ends its connection, and the bridge goes on', async (t) => {
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const bridge = await runBridge(t, dir);
  const flood = connect(bridge.mqtt, '127.0.0.1');
  // A CONNECT that announces 256 MiB, the most MQTT can: closed at the announcement.
  flood.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x04]));
  // Read on, or an orderly end would never be seen.
  flood.resume();
  await closeOf(flood);
  const { send, client } = await connectGateway(t, bridge.mqtt, gateway, dir);
  const closed = closeOf(client);
  client.publish(topicOf('demo', 'demo-gw', 'up'), Buffer.alloc(80 * 1024), { qos: 0 });
  await closed;
  const again = await connectGateway(t, bridge.mqtt, gateway, dir);
  assert.equal((await again.send(seal(body(), gateway.key).payload)).result, 'stored');
  assert.notEqual(send, again.send);
});

test('mosquitto_sub, logged in as the gateway, reads its ack from the embedded broker', async (t) => {
  if (!requireProgram(t, 'mosquitto_sub')) return;
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const bridge = await runBridge(t, dir);
  const { send } = await connectGateway(t, bridge.mqtt, gateway, dir);
  const login = ['-h', '127.0.0.1', '-p', String(bridge.mqtt), '-u', gateway.id, '-P', gateway.password];
  const topic = ['-t', 'selvedge/v1/demo/demo-gw/ack', '-q', '1', '-C', '1', '-V', 'mqttv311'];
  const lines = linesOf(t, 'mosquitto_sub', [...login, ...topic]);
  const batch = seal(body(), gateway.key);
  await send(batch.payload);
  // Until it has subscribed nothing reaches it: sent again until a line comes.
  const again = setInterval(() => void send(batch.payload), 200);
  t.after(() => clearInterval(again));
  const ack = JSON.parse(String((await lines.next()).value)) as Record<string, unknown>;
  clearInterval(again);
  assert.equal(ack['sha256'], batch.name.sha256);
  assert.match(String(ack['result']), /stored|repeat/);
});

test('what cannot work is told in one line with its cure and exit code 2', async (t) => {
  const dir = temporaryDir(t);
  const told = (args: readonly string[], expected: RegExp) => {
    const { code, stderr } = bridgeCommand(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.ok(!stderr.includes('at file:'));
  };
  const run = ['run', '--data-dir', dir, '--mqtt-port', '0', '--api-port', '0'];
  told(run, /BRG-102 .* selvedge bridge init/);
  told(['run', '--data-dir', '/proc/none'], /BRG-102/);
  told(['init', '--data-dir', '/proc/none'], /BRG-103/);
  told(['run'], /BRG-101 --data-dir is missing/);
  told(['run', '--data-dir', dir, '--nonsense'], /BRG-101 .*--nonsense/);
  told(['run', '--data-dir', dir, '--mqtt-port', '70000'], /BRG-101 --mqtt-port/);
  told(['fly'], /BRG-101 .*'fly'/);
  initialise(dataDir(dir));
  told([...run, '--bind', '0.0.0.0'], /BRG-105 .*--accept-unencrypted-passwords-on-the-network/);
  told([...run, '--bind', '192.0.2.1', '--accept-unencrypted-passwords-on-the-network'], /BRG-104/);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const address = taken.address();
  const port = String(typeof address === 'object' && address !== null ? address.port : 0);
  told(['run', '--data-dir', dir, '--mqtt-port', port, '--api-port', '0'], /BRG-104 .*--mqtt-port/);
  told(['run', '--data-dir', dir, '--mqtt-port', '0', '--api-port', port], /BRG-104 .*--api-port/);
  await runBridge(t, dir);
  told(run, /BRG-111 .*data folder/);
});

test('with a damaged database the bridge starts, says what it saved, and knows or takes again what it is sent', async (t) => {
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const batch = seal(body(), gateway.key);
  const before = await runBridge(t, dir);
  await (await connectGateway(t, before.mqtt, gateway, dir)).send(batch.payload);
  await before.stop();
  const file = join(dir, 'bridge.db');
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 8192, 20_480);
  writeFileSync(file, bytes);
  const bridge = await runBridge(t, dir);
  assert.match(bridge.log(), /BRG-109.*bridge\.db\.bad-\d+/);
  assert.deepEqual(readdirSync(dir).filter((name) => /^bridge\.db\.bad-\d+$/.test(name)).length, 1);
  assert.match(bridge.log(), /\d+ rows of it are in the new store: not all of [a-z_, ]+/);
  const key = readFileSync(join(dir, 'api-key'), 'utf8').trim();
  const answer = await fetch(`http://127.0.0.1:${bridge.api}/api/health`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const { store } = (await answer.json()) as {
    store: { setAside: string; saved: { rows: number; incomplete: string[] } };
  };
  assert.match(store.setAside, /bridge\.db\.bad-\d+$/);
  assert.ok(store.saved.rows >= 0 && store.saved.incomplete.length > 0);
  const { result } = await (await connectGateway(t, bridge.mqtt, gateway, dir)).send(batch.payload);
  assert.match(result, /^(stored|repeat)$/);
  assert.deepEqual(rows(file, 'SELECT boot, n FROM record_event'), [`${batch.name.boot},1`]);
});
