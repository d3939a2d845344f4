/** A gateway from join file to stored batch, on the embedded broker with certificates. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import mqtt, { type IClientOptions } from 'mqtt';
import { ackMessage, ackSignatureHolds, topicOf, type JoinFile } from '../../cloud-bridge/contract.ts';
import { renew } from '../../agent/sync/renewal.ts';
import { identityFiles } from '../../agent/sync/identity.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { body, event, seal, temporaryDir } from '../unit/bridge/making.ts';
import { bridgeCommand, runBridge, type RunningBridge } from './bridge-process.ts';

const root = join(import.meta.dirname, '../..');
const launcher = join(root, 'agent/bin/selvedge');
const selvedge = (...args: string[]) => {
  const { status, stderr, stdout } = spawnSync(launcher, args, { encoding: 'utf8' });
  return { code: status, stderr, stdout };
};

interface Site {
  readonly dir: string;
  readonly bridgeDir: string;
  readonly bridge: RunningBridge;
  readonly mqtts: number;
}
async function runSite(t: TestContext, ...args: string[]): Promise<Site> {
  const dir = temporaryDir(t);
  const bridgeDir = join(dir, 'bridge');
  assert.equal(bridgeCommand(['init', '--data-dir', bridgeDir]).code, 0);
  const bridge = await runBridge(t, bridgeDir, args);
  const { mqtts } = JSON.parse(readFileSync(join(bridgeDir, 'endpoints.json'), 'utf8')) as { mqtts: number };
  return { dir, bridgeDir, bridge, mqtts };
}

function enrol({ dir, bridgeDir }: Site, gateway: string, ...more: string[]): string {
  const out = join(dir, `${gateway}.join.json`);
  const args = ['enrol', '--gateway', gateway, '--site', 'demo', '--data-dir', bridgeDir, '--out', out, ...more];
  const done = bridgeCommand(args);
  assert.equal(done.code, 0, done.stderr);
  return out;
}

function joined(site: Site, gateway: string, dataDir = join(site.dir, gateway)): string {
  const file = enrol(site, gateway);
  const done = selvedge('join', file, '--data-dir', dataDir);
  assert.equal(done.code, 0, done.stderr);
  return dataDir;
}

function settings(dataDir: string, more: IClientOptions = {}): IClientOptions {
  const files = identityFiles(dataDir);
  const pem = readFileSync(files.certificate, 'utf8');
  return { protocolVersion: 4, reconnectPeriod: 0, ca: readFileSync(files.ca), cert: pem, key: pem, ...more };
}

async function connect(t: TestContext, site: Site, gateway: string, dataDir: string) {
  const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, settings(dataDir));
  client.on('error', () => undefined);
  t.after(() => client.endAsync(true));
  const bridgeKey = createPublicKey(readFileSync(identityFiles(dataDir).bridgeKey));
  await client.subscribeAsync(topicOf('demo', gateway, 'ack'), { qos: 1 });
  const send = async (payload: Buffer, as = gateway) => {
    const answer = once(client as unknown as EventEmitter, 'message');
    await client.publishAsync(topicOf('demo', as, 'up'), payload, { qos: 1 });
    const ack = ackMessage.parse(JSON.parse(String(((await answer) as [string, Buffer])[1])));
    assert.ok(ackSignatureHolds(ack, bridgeKey));
    return ack;
  };
  return { client, send };
}

const batchOf = (gateway: string, key: KeyObject, seq: number) =>
  seal(body({ gateway, seq, records: [event(seq)] }), key).payload;

test('a join file gives a certificate once; its gateway connects with it, and nobody without one', async (t) => {
  const site = await runSite(t);
  const file = enrol(site, 'gw-1');
  assert.ok(
    !readFileSync(join(site.bridgeDir, 'invitations/gw-1.json'), 'utf8').includes(
      (JSON.parse(readFileSync(file, 'utf8')) as JoinFile).secret,
    ),
  );
  const dataDir = join(site.dir, 'gw-1');
  const json = join(site.dir, 'said.json');
  const done = selvedge('join', file, '--data-dir', dataDir, '--json', json);
  assert.equal(done.code, 0, done.stderr);
  const files = identityFiles(dataDir);
  assert.equal((statSync(files.certificate).mode & 0o777).toString(8), '600');
  assert.equal((JSON.parse(readFileSync(json, 'utf8')) as { gateway: string }).gateway, 'gw-1');
  assert.ok(existsSync(join(dataDir, 'uplink.yaml')));

  const { send } = await connect(t, site, 'gw-1', dataDir);
  assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir).privateKey, 1))).result, 'stored');
  const { cert: _c, key: _k, ...bare } = settings(dataDir);
  await assert.rejects(mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, bare));
  await assert.rejects(
    mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, settings(dataDir, { username: 'gw-2', password: 'x' })),
  );

  const again = selvedge('join', file, '--data-dir', dataDir);
  assert.match(again.stderr, /AGT-307 .*used up.* do: .*bridge enrol/);
  const other = selvedge('join', file, '--data-dir', join(site.dir, 'other'));
  assert.deepEqual([again.code, other.code], [2, 2]);
  assert.match(other.stderr, /AGT-308 .*used already.* do: .*bridge enrol/);
});

test('a join file that was changed, has expired or was replaced is refused with the cure', async (t) => {
  const site = await runSite(t);
  const old = readFileSync(enrol(site, 'gw-1'), 'utf8');
  const path = join(site.dir, 'tried.json');
  const tried = (text: string) => {
    writeFileSync(path, text);
    const done = selvedge('join', path, '--data-dir', join(site.dir, 'gw-1'));
    assert.equal(done.code, 2);
    return done.stderr;
  };
  assert.match(tried(old.replace('"gw-1"', '"gw-2"')), /AGT-307 .*changed.* do: /);
  assert.match(tried('{}'), /AGT-307 .*no join file.* do: /);
  enrol(site, 'gw-1');
  assert.match(tried(old), /AGT-308 .*replaced by a newer one.* do: /);
  const brief = readFileSync(enrol(site, 'gw-1', '--valid-hours', '0.00001'), 'utf8');
  assert.match(tried(brief), /AGT-307 .*expired.* do: /);
});

test('a renewed gateway gets in with the new keys and, until the old certificate ends, with the old ones', async (t) => {
  const site = await runSite(t);
  const dataDir = joined(site, 'gw-1');
  const files = identityFiles(dataDir);
  const oldKey = gatewayKeys(dataDir).privateKey;
  const { send } = await connect(t, site, 'gw-1', dataDir);
  const { enrolment } = JSON.parse(readFileSync(join(site.dir, 'gw-1.join.json'), 'utf8')) as JoinFile;
  const before = readFileSync(files.certificate, 'utf8');
  await renew({ gateway: 'gw-1', dataDir, enrolment, ca: readFileSync(files.ca, 'utf8') });
  assert.notEqual(readFileSync(files.certificate, 'utf8'), before);
  const newKey = gatewayKeys(dataDir).privateKey;
  assert.equal((await send(batchOf('gw-1', oldKey, 1))).result, 'stored');
  assert.equal((await send(batchOf('gw-1', newKey, 2))).result, 'stored');
  const fresh = await connect(t, site, 'gw-1', dataDir);
  assert.equal((await fresh.send(batchOf('gw-1', newKey, 3))).result, 'stored');
});

test('M3: a revoked gateway is cut off within 5 s, and neither connects nor renews afterwards', async (t) => {
  const site = await runSite(t);
  const dataDir = joined(site, 'gw-1');
  const { client } = await connect(t, site, 'gw-1', dataDir);
  const closed = once(client as unknown as EventEmitter, 'close');
  const fromMs = performance.now();
  const done = bridgeCommand(['revoke', '--gateway', 'gw-1', '--data-dir', site.bridgeDir]);
  assert.equal(done.code, 0, done.stderr);
  await closed;
  assert.ok(performance.now() - fromMs < 5_000);
  await assert.rejects(mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, settings(dataDir)));
  const { enrolment } = JSON.parse(readFileSync(join(site.dir, 'gw-1.join.json'), 'utf8')) as JoinFile;
  const ca = readFileSync(identityFiles(dataDir).ca, 'utf8');
  await assert.rejects(renew({ gateway: 'gw-1', dataDir, enrolment, ca }), /AGT-308 .*revoked/);
  const list = spawnSync('openssl', ['crl', '-in', join(site.bridgeDir, 'ca/crl.pem'), '-noout', '-text'], {
    encoding: 'utf8',
  });
  assert.match(list.stdout, /Serial Number/);
  // Enrolled anew it is back.
  const { send } = await connect(t, site, 'gw-1', joined(site, 'gw-1', join(site.dir, 'again')));
  assert.equal((await send(batchOf('gw-1', gatewayKeys(join(site.dir, 'again')).privateKey, 1))).result, 'stored');
});

test('M2: with valid credentials of its own a gateway changes nothing of another, and its tries are counted', async (t) => {
  const site = await runSite(t);
  joined(site, 'gw-1');
  const dataDir = joined(site, 'gw-2');
  const { client } = await connect(t, site, 'gw-2', dataDir);
  const closed = once(client as unknown as EventEmitter, 'close');
  client.publish(topicOf('demo', 'gw-1', 'up'), batchOf('gw-1', gatewayKeys(dataDir).privateKey, 1), { qos: 1 });
  await closed;
  const key = readFileSync(join(site.bridgeDir, 'api-key'), 'utf8').trim();
  const metrics = await fetch(`http://127.0.0.1:${site.bridge.api}/metrics`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const text = await metrics.text();
  assert.match(text, /refused_total\{kind="publish"\} 1/);
  assert.match(text, /records_stored_total 0/);
});
