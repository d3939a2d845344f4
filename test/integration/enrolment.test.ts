/** A gateway from join file to stored batch, on the embedded broker with certificates. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { topicOf, type JoinFile } from '../../cloud-bridge/contract.ts';
import { renew } from '../../agent/sync/renewal.ts';
import { identityFiles } from '../../agent/sync/identity.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { bridgeCommand } from './bridge-process.ts';
import { batchOf, connect, enrol, joined, runSite, selvedge, settings } from './enrolment-rig.ts';

const root = join(import.meta.dirname, '../..');
const killedChild = join(import.meta.dirname, 'enrolment-killed-child.ts');
/** True when it was killed; false when it came to its end before. */
function killedAt(n: number, ...args: string[]): boolean {
  const { signal, status, stderr } = spawnSync(
    join(root, 'node_modules/.bin/node'),
    ['--disable-warning=ExperimentalWarning', killedChild, String(n), ...args],
    { encoding: 'utf8' },
  );
  if (signal === null) assert.equal(status, 0, stderr);
  return signal === 'SIGKILL';
}

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

test('Y3: a join that is killed at any step is completed by the same file, and the keys it leaves are new and its own', async (t) => {
  const site = await runSite(t);
  const before = new Set<string>();
  let steps = 0;
  for (let n = 1, killed = true; killed; n++) {
    const dataDir = join(site.dir, 'gw-1');
    const file = enrol(site, 'gw-1', '--replace');
    killed = killedAt(n, 'join', file, '--data-dir', dataDir);
    if (killed) {
      steps++;
      const again = selvedge('join', file, '--data-dir', dataDir);
      // It had come to its end but for the tidying.
      if (again.code !== 0) assert.match(again.stderr, /AGT-307 .*used up/, `killed at step ${n}`);
    }
    const files = identityFiles(dataDir);
    for (const path of [files.certificate, files.signingKey]) assert.equal(statSync(path).mode & 0o777, 0o600);
    for (const path of [files.nextKey, files.nextSigningKey]) assert.ok(!existsSync(path), `${path} at step ${n}`);
    const { send } = await connect(t, site, 'gw-1', dataDir);
    const { privateKey, publicPem } = gatewayKeys(dataDir);
    assert.ok(!before.has(publicPem), 'another join, another key');
    before.add(publicPem);
    const { result, code } = await send(batchOf('gw-1', privateKey, n));
    assert.equal(result, 'stored', `killed at step ${n}: ${code}`);
  }
  assert.ok(steps >= 8, `${steps} steps`);
});

test('Y3: a renewal that is killed at any step leaves an identity that gets in, and the next one completes it', async (t) => {
  const site = await runSite(t);
  const dataDir = joined(site, 'gw-1');
  const { enrolment } = JSON.parse(readFileSync(join(site.dir, 'gw-1.join.json'), 'utf8')) as JoinFile;
  const ca = readFileSync(identityFiles(dataDir).ca, 'utf8');
  let seq = 0;
  let steps = 0;
  const stored = async (when: string) => {
    const { send } = await connect(t, site, 'gw-1', dataDir);
    assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir).privateKey, ++seq))).result, 'stored', when);
  };
  for (let n = 1, killed = true; killed; n++) {
    killed = killedAt(n, 'renew', 'gw-1', dataDir, enrolment);
    if (killed) steps++;
    await stored(`killed at step ${n}`);
    const before = readFileSync(identityFiles(dataDir).certificate, 'utf8');
    const keyBefore = gatewayKeys(dataDir).publicPem;
    await renew({ gateway: 'gw-1', dataDir, enrolment, ca });
    assert.notEqual(readFileSync(identityFiles(dataDir).certificate, 'utf8'), before);
    assert.notEqual(gatewayKeys(dataDir).publicPem, keyBefore);
    await stored(`renewed after step ${n}`);
  }
  assert.ok(steps >= 4, `${steps} steps`);
});
