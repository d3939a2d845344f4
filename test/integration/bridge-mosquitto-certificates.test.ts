/** mosquitto with the certificates of the bridge's authority, set up from the files the bridge ships. */
import assert from 'node:assert/strict';
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import { topicOf } from '../../cloud-bridge/contract.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { requireProgram } from '../support/peers.ts';
import { temporaryDir } from '../unit/bridge/making.ts';
import { runMosquittoWithCertificates } from './bridge-peers.ts';
import { bridgeCommand } from './bridge-process.ts';
import { batchOf, connect, joined, runSite, settings } from './enrolment-rig.ts';
import { until } from './sync-rig.ts';

async function runOnMosquitto(t: TestContext) {
  const dir = temporaryDir(t);
  const bridgeDir = join(dir, 'bridge');
  assert.equal(bridgeCommand(['init', '--data-dir', bridgeDir]).code, 0);
  const mosquitto = await runMosquittoWithCertificates(t, dir, bridgeDir, { acl: true });
  const broker = ['--broker', `mqtts://127.0.0.1:${mosquitto.port}`, '--broker-ca', join(bridgeDir, 'ca/ca.pem')];
  const site = await runSite(t, { dir, args: broker, broker: mosquitto.port });
  return { site, mosquitto };
}

test('a gateway joins, connects to mosquitto with its certificate, and is answered by the bridge, which has one of its own', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const { site } = await runOnMosquitto(t);
  const dataDir = joined(site, 'gw-1');
  assert.match(
    readFileSync(join(dataDir, 'uplink.yaml'), 'utf8'),
    new RegExp(`broker: "mqtts://127.0.0.1:${site.mqtts}"`),
  );
  const { send } = await connect(t, site, 'gw-1', dataDir);
  assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir).privateKey, 1))).result, 'stored');
  // The name in the certificate is the user, whatever is said.
  const other = await mqtt.connectAsync(
    `mqtts://127.0.0.1:${site.mqtts}`,
    settings(joined(site, 'gw-2'), { username: 'gw-1', clientId: 'gw-1', password: 'x' }),
  );
  t.after(() => other.endAsync(true));
  const heard: string[] = [];
  other.on('message', (topic) => heard.push(topic));
  await other.subscribeAsync(['selvedge/#', topicOf('demo', 'gw-1', 'ack')], { qos: 1 }).catch(() => undefined);
  await other.publishAsync(topicOf('demo', 'gw-1', 'up'), batchOf('gw-1', gatewayKeys(dataDir).privateKey, 2), {
    qos: 1,
  });
  assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir).privateKey, 3))).result, 'stored');
  assert.deepEqual(heard, []);
  const { cert: _cert, key: _key, ...bare } = settings(dataDir);
  await assert.rejects(mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, { ...bare, username: 'gw-1' }));
});

test('what revoking does on mosquitto: the bridge stores nothing more at once; who is connected stays; after SIGHUP nobody comes in', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const { site, mosquitto } = await runOnMosquitto(t);
  const dataDir = joined(site, 'gw-1');
  const kept = joined(site, 'gw-2');
  const { client, send } = await connect(t, site, 'gw-1', dataDir);
  const key = gatewayKeys(dataDir).privateKey;
  assert.equal((await send(batchOf('gw-1', key, 1))).result, 'stored');
  assert.equal(bridgeCommand(['revoke', '--gateway', 'gw-1', '--data-dir', site.bridgeDir]).code, 0);
  const answer = await send(batchOf('gw-1', key, 2));
  assert.deepEqual([answer.result, answer.code], ['later', 'revoked']);
  assert.ok(client.connected);
  mosquitto.child.kill('SIGHUP');
  await until('the reload', () => mosquitto.log().includes('Reloading config'));
  assert.ok(client.connected);
  const address = `mqtts://127.0.0.1:${site.mqtts}`;
  const tried = mqtt.connect(address, settings(dataDir));
  const [error] = (await once(tried as unknown as EventEmitter, 'error').catch((caught: unknown) => [caught])) as [
    Error,
  ];
  tried.end(true);
  assert.match(error.message, /revoked|alert/i);
  const { send: other } = await connect(t, site, 'gw-2', kept);
  assert.equal((await other(batchOf('gw-2', gatewayKeys(kept).privateKey, 1))).result, 'stored');
});
