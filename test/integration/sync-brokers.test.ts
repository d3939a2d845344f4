/** A gateway with several brokers, mosquitto each: the first that answers is used, and the first of the list is gone back to. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt from 'mqtt';
import { statusMessage, topicOf, type StatusMessage } from '../../cloud-bridge/contract.ts';
import { requireProgram } from '../support/peers.ts';
import { runMosquitto } from './bridge-peers.ts';
import { registerGateway } from './bridge-process.ts';
import { runGateway, runProxy, temporaryDir, until } from './sync-rig.ts';

/** What a broker is told of the gateway, as its bridge hears it. */
async function heard(t: TestContext, port: number, topic: string): Promise<StatusMessage[]> {
  const said: StatusMessage[] = [];
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { username: 'bridge', password: 'b-password' });
  t.after(() => client.endAsync(true));
  client.on('message', (_topic, payload) => said.push(statusMessage.parse(JSON.parse(payload.toString()))));
  await client.subscribeAsync(topic, { qos: 1 });
  return said;
}

test('L1, L2: the next broker is used while the first is away, and left for it when it has been well for a while', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const users = { bridge: 'b-password', [gateway.id]: gateway.password };
  const ports: number[] = [];
  for (const name of ['first', 'second']) {
    mkdirSync(join(bridgeDir, name));
    ports.push(await runMosquitto(t, join(bridgeDir, name), users));
  }
  const [firstPort = 0, secondPort = 0] = ports;
  const topic = topicOf(gateway.site, gateway.id, 'status');
  const [atFirst, atSecond] = [await heard(t, firstPort, topic), await heard(t, secondPort, topic)];

  const proxy = await runProxy(t, () => firstPort);
  proxy.mode = 'cut';
  let returnsMs = 3_600_000;
  const { uplink, outages } = await runGateway(
    t,
    { dataDir: temporaryDir(t), port: proxy.port, gateway, bridgeDir },
    { moreUrls: [`mqtt://127.0.0.1:${secondPort}`], returnMs: () => returnsMs, outageAfterMs: 60_000 },
  );
  await until('the second broker has the gateway', () => atSecond.at(-1)?.online === true);
  assert.equal(atFirst.length, 0);

  // It is cut off once, and comes back while the first is away still: from then on it looks for the first soon.
  returnsMs = 200;
  const before = uplink.counters().connections;
  await uplink.stop();
  assert.equal(atSecond.at(-1)?.online, false, 'a stop says goodbye');
  const again = await runGateway(
    t,
    { dataDir: temporaryDir(t), port: proxy.port, gateway, bridgeDir },
    { moreUrls: [`mqtt://127.0.0.1:${secondPort}`], returnMs: () => returnsMs, outageAfterMs: 60_000 },
  );
  assert.ok(before >= 2);
  await until('the second broker again', () => atSecond.at(-1)?.online === true);
  const tries = again.uplink.counters().connections;
  await until('the first is tried beside it', () => again.uplink.counters().connections > tries + 1);
  assert.equal(atSecond.at(-1)?.online, true, 'the one that works is not left for one that does not');
  assert.equal(again.uplink.view().connected, true);

  proxy.mode = 'open';
  await until('the first broker has the gateway', () => atFirst.at(-1)?.online === true);
  await until('the second is told goodbye', () => atSecond.at(-1)?.online === false);
  await until('it counts as connected', () => again.uplink.view().connected);
  const [birth, death] = [atFirst.at(-1), atSecond.at(-1)];
  const births = atSecond.filter(({ online }) => online);
  assert.ok((birth?.connection ?? 0) > (births.at(-1)?.connection ?? Infinity), 'numbers rise');
  const sessions = [...births, ...(birth === undefined ? [] : [birth])].map(({ session }) => session);
  assert.equal(new Set(sessions).size, sessions.length, 'a session each');
  assert.equal(death?.connection, births.at(-1)?.connection, 'the goodbye is that of the connection that was left');
  assert.deepEqual([...outages, ...again.outages], [], 'nobody was told of an outage');
});
