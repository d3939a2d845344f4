import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { topicOf } from '../../cloud-bridge/contract.ts';
import { dataDir } from '../../cloud-bridge/files.ts';
import { initialise } from '../../cloud-bridge/keys.ts';
import { requireProgram, requirePythonModule } from '../support/peers.ts';
import { alert, body, event, seal, status, summary, temporaryDir } from '../unit/bridge/making.ts';
import { linesOf, runMosquitto } from './bridge-peers.ts';
import { bridgeCommand, connectGateway, registerGateway, runBridge } from './bridge-process.ts';

const passwords = { bridge: 'bridge-password', reader: 'reader-password' };

test('the bridge on mosquitto stores and answers as on its own broker', async (t) => {
  if (!requireProgram(t, 'mosquitto') || !requireProgram(t, 'mosquitto_sub')) return;
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const port = await runMosquitto(t, dir, { ...passwords, [gateway.id]: gateway.password });
  const passwordFile = join(dir, 'bridge.password');
  writeFileSync(passwordFile, `${passwords.bridge}\n`);
  const broker = ['--broker', `mqtt://bridge@127.0.0.1:${port}`, '--broker-password-file', passwordFile];
  const bridge = await runBridge(t, dir, broker);
  const { send, client } = await connectGateway(t, port, gateway, dir);

  const reader = linesOf(t, 'mosquitto_sub', [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-u',
    'reader',
    '-P',
    passwords.reader,
    '-t',
    'selvedge/v1/demo/demo-gw/status',
    '-t',
    'selvedge/v1/demo/demo-gw/ack',
    '-q',
    '1',
    '-F',
    '%t %p',
  ]);
  await client.publishAsync(topicOf('demo', 'demo-gw', 'status'), JSON.stringify(status()), { qos: 1, retain: true });
  const first = await reader.next();
  assert.equal(first.value, `selvedge/v1/demo/demo-gw/status ${JSON.stringify(status())}`);

  const batch = seal(body({ records: [event(1), alert(2), summary(3)] }), gateway.key);
  assert.equal((await send(batch.payload)).result, 'stored');
  const seen = String((await reader.next()).value);
  const ack = JSON.parse(seen.slice(seen.indexOf(' ') + 1)) as Record<string, unknown>;
  assert.deepEqual(
    [ack['gateway'], ack['seq'], ack['sha256'], ack['result']],
    ['demo-gw', 1, batch.name.sha256, 'stored'],
  );
  assert.equal((await send(batch.payload)).result, 'repeat');
  const { code } = await bridge.stop();
  assert.equal(code, 0);
});

test('the Python subscriber of the document reads every record from mosquitto', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  if (!requirePythonModule(t, 'paho.mqtt.client') || !requirePythonModule(t, 'zstandard')) return;
  const document = readFileSync(join(import.meta.dirname, '../../docs/CONTRACT.md'), 'utf8');
  const source = /```python\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
  assert.ok(source.trim().split('\n').length <= 20);
  const dir = temporaryDir(t);
  const gateway = await registerGateway(dir);
  const port = await runMosquitto(t, dir, { ...passwords, [gateway.id]: gateway.password });
  writeFileSync(join(dir, 'subscriber.py'), source);
  writeFileSync(join(dir, 'reader.password'), `${passwords.reader}\n`);
  const args = [join(dir, 'subscriber.py'), '127.0.0.1', String(port), 'reader', join(dir, 'reader.password')];
  const lines = linesOf(t, '/usr/bin/python3', args);

  const sender = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: gateway.id,
    password: gateway.password,
  });
  t.after(() => sender.endAsync(true));
  const records = [event(1), alert(2, { text: 'Fadenbruch – 断线' }), summary(3)];
  const { payload } = seal(body({ records }), gateway.key);
  // Until it has subscribed nothing reaches it: sent again until a line comes.
  const again = setInterval(() => sender.publish(topicOf('demo', 'demo-gw', 'up'), payload, { qos: 1 }), 200);
  t.after(() => clearInterval(again));
  const got: unknown[] = [];
  while (got.length < records.length) got.push(JSON.parse(String((await lines.next()).value)));
  const expected = records.map((record) => ({ gateway: 'demo-gw', boot: body().boot, ...record }));
  assert.deepEqual(got, expected);
});

test('the shipped ACL lets each user do what it is for and nothing else', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const dir = temporaryDir(t);
  const users = { ...passwords, 'gw-1': 'one', 'gw-2': 'two' };
  const port = await runMosquitto(t, dir, users);
  const heard: string[] = [];
  const clients = new Map<string, mqtt.MqttClient>();
  for (const [username, password] of Object.entries(users)) {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { username, password, protocolVersion: 4 });
    t.after(() => client.endAsync(true));
    clients.set(username, client);
    client.on('message', (topic, payload) => heard.push(`${payload.toString()} > ${topic.slice(12)} > ${username}`));
    await client.subscribeAsync('selvedge/#', { qos: 1 });
  }
  const channels = ['up', 'res', 'status', 'blob', 'ack', 'cmd', 'more'];
  for (const [username, client] of clients) {
    for (const gateway of ['gw-1', 'gw-2']) {
      for (const channel of channels)
        await client.publishAsync(`selvedge/v1/s/${gateway}/${channel}`, username, { qos: 1 });
    }
  }
  // What was delivered before these comes before them, to each subscriber.
  const last = ['bridge > s/gw-1/ack > gw-1', 'bridge > s/gw-2/ack > gw-2'];
  const flushed = Promise.all(
    [...clients.values()].map((client) => new Promise((resolve) => client.once('packetreceive', resolve))),
  );
  for (const client of clients.values()) await client.subscribeAsync('selvedge/v1/flush', { qos: 1 });
  await flushed;
  const expected: string[] = [];
  for (const gateway of ['gw-1', 'gw-2']) {
    for (const channel of ['up', 'res', 'status', 'blob']) {
      expected.push(`${gateway} > s/${gateway}/${channel} > bridge`, `${gateway} > s/${gateway}/${channel} > reader`);
    }
    for (const channel of ['ack', 'cmd']) {
      expected.push(`bridge > s/${gateway}/${channel} > ${gateway}`, `bridge > s/${gateway}/${channel} > reader`);
    }
  }
  assert.ok(last.every((line) => expected.includes(line)));
  assert.deepEqual(heard.sort(), expected.sort());
  await assert.rejects(mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 }), /Not authorized/i);
});

test('a broker that refuses the bridge is told in a line with the cure; a password in the URL is not taken', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const dir = temporaryDir(t);
  initialise(dataDir(dir));
  const port = await runMosquitto(t, dir, passwords);
  const passwordFile = join(dir, 'wrong.password');
  writeFileSync(passwordFile, 'wrong\n');
  const run = ['run', '--data-dir', dir, '--api-port', '0'];
  const refused = bridgeCommand([
    ...run,
    '--broker',
    `mqtt://bridge@127.0.0.1:${port}`,
    '--broker-password-file',
    passwordFile,
  ]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /BRG-113 .*--broker-password-file/);
  for (const [broker, code] of [
    [`mqtt://bridge:secret@127.0.0.1:${port}`, 'BRG-101'],
    ['http://127.0.0.1', 'BRG-101'],
    ['mqtt://bridge@192.0.2.1', 'BRG-105'],
  ] as const) {
    const { code: exit, stderr } = bridgeCommand([...run, '--broker', broker]);
    assert.deepEqual([exit, stderr.includes(code)], [2, true], stderr);
  }
});
