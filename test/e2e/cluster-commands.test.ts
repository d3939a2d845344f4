/** Commands through three workers on mosquitto and PostgreSQL: sent by one of them, answered to any, in one book. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { RemoteDesk } from '../../agent/remote/desk.ts';
import { openStore } from '../../agent/store/open.ts';
import { createUplink } from '../../agent/sync/uplink.ts';
import type { CommandView } from '../../cloud-bridge/api/operations.ts';
import type { RunningBridge } from '../integration/bridge-process.ts';
import { clock, temporaryDir, until } from '../integration/sync-rig.ts';
import { startCluster } from './cluster-rig.ts';

test('whichever worker is asked, the gateway carries it out once and every worker knows the answer', async (t) => {
  const id = 'gw-7';
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const publicKeyPem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const gateway = { id, publicKeyPem };
  const cluster = await startCluster(t, [gateway]);
  if (cluster === null) return;
  const workers = await Promise.all([cluster.work(), cluster.work(), cluster.work()]);

  const store = await openStore({ dataDir: join(temporaryDir(t), 'agent'), clock, groupCommitMs: 10 });
  const executed: string[] = [];
  const bridgeKey = createPublicKey(cluster.bridgePublicPem);
  const desk = new RemoteDesk({
    gateway: id,
    keys: [bridgeKey],
    gatewayKey: () => privateKey,
    store,
    clock,
    clockState: () => 'synced',
    execute: async (command) => {
      executed.push(command.id);
      return { ok: true, code: null, body: { times: executed.length } };
    },
    note: () => undefined,
    log: () => undefined,
  });
  const uplink = createUplink({
    site: 'demo',
    gateway: id,
    boot: store.recovery.boot,
    previousBoot: store.recovery.previousBoot,
    agentVersion: '0.1.0',
    url: `mqtt://127.0.0.1:${cluster.port}`,
    password: cluster.passwordOf(gateway),
    gatewayKey: privateKey,
    bridgeKey,
    store,
    clock,
    random: Math.random,
    log: () => undefined,
    clockState: () => 'synced',
    onCommand: (payload, session) => desk.receive(payload, session),
  });
  await uplink.start(new AbortController().signal);
  t.after(async () => {
    await uplink.stop();
    await store.close();
  });

  const call = async (worker: RunningBridge, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${cluster.apiKey}`, 'content-type': 'application/json' };
    const request = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${worker.api}${path}`, request);
    return { code: response.status, json: (await response.json()) as CommandView & { items: CommandView[] } };
  };
  const ping = (worker: RunningBridge) =>
    call(worker, `/api/gateways/${id}/commands`, { kind: 'ping', waitS: 15, withinS: 60 });
  const [first] = workers;
  assert.ok(first !== undefined);
  await until('the gateway is known to be there', async () => (await ping(first)).code === 200, 60_000);
  // Several times: it takes luck for one worker's command to overtake another's.
  for (let round = 0; round < 5; round++) {
    executed.length = 0;
    const asked = await Promise.all(Array.from({ length: 7 }, (_, n) => ping(workers[n % 3] ?? first)));
    assert.deepEqual(new Set(asked.map(({ code, json }) => `${code} ${json.state}`)), new Set(['200 done']));
    assert.equal(new Set(asked.map(({ json }) => json.counter)).size, 7);
    assert.deepEqual(executed.toSorted(), asked.map(({ json }) => json.id).toSorted());
  }
  for (const worker of workers) {
    const { json } = await call(worker, `/api/commands?gateway=${id}&limit=7`);
    assert.deepEqual(
      new Set(json.items.map(({ id: of, state }) => `${of} ${state}`)),
      new Set(executed.map((of) => `${of} done`)),
    );
  }
});
