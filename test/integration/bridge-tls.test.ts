/** The ports for certificates: who gets in, and with which TLS. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls, createServer } from 'node:tls';
import mqtt, { type IClientOptions } from 'mqtt';
import { Authority } from '../../cloud-bridge/authority.ts';
import { topicOf } from '../../cloud-bridge/contract.ts';
import { dataDir, makeDir } from '../../cloud-bridge/files.ts';
import { gatewayKeys } from '../../agent/sync/keys.ts';
import { requireProgram } from '../support/peers.ts';
import { bridgeCommand } from './bridge-process.ts';
import { batchOf, connect, joined, runSite, settings, type Site } from './enrolment-rig.ts';

/** Resolves at `close`, whatever error comes before it. */
function closeOf(connection: { on(event: 'close' | 'error', listener: () => void): unknown }): Promise<void> {
  connection.on('error', () => undefined);
  return new Promise((resolve) => connection.on('close', resolve));
}

/** Whether MQTT is spoken with somebody who shows this; a server that does not believe a certificate hangs up without a word. */
async function isLetIn(address: string, options: IClientOptions): Promise<boolean> {
  const client = mqtt.connect(address, { ...options, reconnectPeriod: 0 });
  try {
    return await new Promise((resolve) => {
      client.on('connect', () => resolve(true));
      void closeOf(client).then(() => resolve(false));
    });
  } finally {
    client.end(true);
  }
}

/** What openssl gets at a port with one version of TLS: the version spoken, or null. */
async function spoken(port: number, version: string, identity: string | null): Promise<string | null> {
  const shown = identity === null ? [] : ['-cert', identity, '-key', identity];
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, version, '-cipher', 'DEFAULT:@SECLEVEL=0', ...shown];
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'exit');
  child.stdin.end('Q\n');
  await exited;
  // The line with the cipher calls TLS 1.1 by the version its ciphers are of.
  const protocol = (/^ *Protocol *: *(TLSv1\.\d)/m.exec(said) ?? /^New, (TLSv1\.\d)/m.exec(said))?.[1] ?? null;
  return /Cipher is \(NONE\)|Cipher *: *0000/.test(said) ? null : protocol;
}

test('TLS 1.2 and 1.3 are spoken, 1.1 and 1.0 are not, at both ports; the client could', async (t) => {
  if (!requireProgram(t, 'openssl')) return;
  const site = await runSite(t);
  const identity = join(joined(site, 'gw-1'), 'keys/uplink.pem');
  for (const port of [site.mqtts, site.enrolment]) {
    assert.equal(await spoken(port, '-tls1_3', identity), 'TLSv1.3');
    assert.equal(await spoken(port, '-tls1_2', identity), 'TLSv1.2');
    assert.equal(await spoken(port, '-tls1_1', identity), null);
    assert.equal(await spoken(port, '-tls1', identity), null);
  }
  const old = createServer({
    cert: readFileSync(identity),
    key: readFileSync(identity),
    minVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  }).listen(0, '127.0.0.1');
  old.on('secureConnection', (socket) => socket.on('error', () => undefined));
  old.on('tlsClientError', () => undefined);
  await once(old, 'listening');
  t.after(() => old.close());
  const address = old.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  assert.equal(await spoken(port, '-tls1_1', null), 'TLSv1.1', 'the control: an old server is reached');
});

/** The identity files of somebody else's authority with the same names. */
async function foreign(site: Site): Promise<{ cert: string; key: string }> {
  const dir = dataDir(join(site.dir, 'foreign'));
  makeDir(dir.root);
  const authority = await Authority.open(dir, Date.now());
  return await authority.client('gw-1', Date.now());
}

test('M1: without a certificate of the bridge’s authority nobody speaks MQTT, whatever he knows', async (t) => {
  const site = await runSite(t);
  const dataDir1 = joined(site, 'gw-1');
  const address = `mqtts://127.0.0.1:${site.mqtts}`;
  const { cert: _cert, key: _key, ...bare } = settings(dataDir1);
  const making = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=gw-1',
  ];
  const own = spawnSync('openssl', [...making, '-keyout', join(site.dir, 'own.key'), '-days', '1'], {
    encoding: 'utf8',
  });
  const tried = {
    'no certificate': bare,
    'the certificate of another authority': { ...bare, ...(await foreign(site)) },
    'a certificate of its own making': { ...bare, cert: own.stdout, key: readFileSync(join(site.dir, 'own.key')) },
  };
  for (const [what, options] of Object.entries(tried)) {
    assert.equal(await isLetIn(address, { ...options, username: 'gw-1', password: 'x' }), false, what);
  }
  // The server's own certificate is of the authority, and for a server alone.
  const made = ['certificate', '--data-dir', site.bridgeDir, '--host', 'gw-1', '--cert', join(site.dir, 's.pem')];
  assert.equal(bridgeCommand([...made, '--key', join(site.dir, 's.key')]).code, 0);
  const server = { cert: readFileSync(join(site.dir, 's.pem')), key: readFileSync(join(site.dir, 's.key')) };
  assert.equal(await isLetIn(address, { ...bare, ...server }), false);
  // MQTT in clear at the port for TLS.
  const clear = connectTcp(site.mqtts, '127.0.0.1');
  clear.resume();
  clear.write(Buffer.from('101000044d5154540402003c000467772d31', 'hex'));
  await closeOf(clear);
  const audit = bridgeCommand(['audit', '--data-dir', site.bridgeDir]).stdout;
  assert.match(audit, /"did":"connect","on":"the port for certificates"/);
  // And the gateway itself gets in after all that.
  const { send } = await connect(t, site, 'gw-1', dataDir1);
  assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir1).privateKey, 1))).result, 'stored');
});

test('a client of ours does not speak to a server of another authority, nor to one of another name', async (t) => {
  const site = await runSite(t);
  const dataDir1 = joined(site, 'gw-1');
  const options = settings(dataDir1);
  const stranger = await foreign(site);
  await assert.rejects(
    mqtt.connectAsync(`mqtts://127.0.0.1:${site.mqtts}`, { ...options, ca: stranger.cert }),
    /certificate/,
  );
  const socket = connectTls({
    host: '127.0.0.1',
    port: site.mqtts,
    servername: 'elsewhere.example',
    ca: readFileSync(join(dataDir1, 'keys/bridge-ca.pem')),
  });
  const [error] = (await once(socket, 'error')) as [Error & { code?: string }];
  assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
});

test('M2: what a gateway may do follows from its certificate: topics of others end the connection, and it is in the audit who tried', async (t) => {
  const site = await runSite(t);
  joined(site, 'gw-1');
  const dataDir2 = joined(site, 'gw-2');
  const address = `mqtts://127.0.0.1:${site.mqtts}`;
  for (const username of ['gw-1', 'bridge', 'reader']) {
    await assert.rejects(mqtt.connectAsync(address, settings(dataDir2, { username, password: 'x' })), username);
  }
  const topics = [
    topicOf('demo', 'gw-1', 'up'),
    topicOf('demo', 'gw-1', 'ack'),
    topicOf('demo', 'gw-2', 'ack'),
    topicOf('demo', 'gw-2', 'cmd'),
    topicOf('other', 'gw-2', 'up'),
    '$SYS/x',
    'x',
  ];
  for (const topic of topics) {
    // With a client id that claims to be the other one.
    const client = await mqtt.connectAsync(address, settings(dataDir2, { clientId: 'gw-1' }));
    const closed = closeOf(client);
    client.publish(topic, 'x', { qos: 1 });
    await closed;
  }
  const client = await mqtt.connectAsync(address, settings(dataDir2));
  t.after(() => client.endAsync(true));
  for (const filter of [
    '#',
    'selvedge/v1/demo/+/ack',
    topicOf('demo', 'gw-1', 'ack'),
    topicOf('demo', 'gw-1', 'cmd'),
  ]) {
    const granted = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
    assert.ok(
      granted.every(({ qos }) => qos === 128),
      filter,
    );
  }
  const audit = bridgeCommand(['audit', '--data-dir', site.bridgeDir])
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; who: string; did: string; on: string; from: string | null });
  const tried = (did: string) =>
    audit.filter((line) => line.event === 'refused' && line.did === did && line.who === 'gw-2').map(({ on }) => on);
  assert.deepEqual(tried('connect'), ['gw-1', 'bridge', 'reader']);
  assert.deepEqual(tried('publish').sort(), topics.sort());
  assert.equal(tried('subscribe').length, 4);
  assert.ok(
    audit.filter(({ who }) => who === 'gw-2').every(({ event, from }) => event !== 'refused' || from === '127.0.0.1'),
  );
  assert.deepEqual(
    audit.filter(({ event }) => event !== 'refused').map(({ event, on }) => `${event} ${on}`),
    ['invited gw-1', 'joined gw-1', 'invited gw-2', 'joined gw-2'],
  );
});

test('strangers that connect and say nothing, or announce a gigabyte, are let go, and a gateway gets in meanwhile', async (t) => {
  const site = await runSite(t);
  const dataDir1 = joined(site, 'gw-1');
  const silent = Array.from({ length: 100 }, (_, index) =>
    connectTcp(index % 2 === 0 ? site.mqtts : site.enrolment, '127.0.0.1'),
  );
  const closed = Promise.all(silent.map(closeOf));
  for (const socket of silent) socket.resume();
  const ca = readFileSync(join(dataDir1, 'keys/bridge-ca.pem'));
  const say = async (text: string): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port: site.enrolment, ca });
    const closed = closeOf(socket);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.write(text);
    await closed;
    return heard;
  };
  const head = 'POST /v1/join HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const started = performance.now();
  const answers = await Promise.all([
    say(`${head}content-length: 1073741824\r\n\r\n{`),
    say(`${head}transfer-encoding: chunked\r\n\r\n40000000\r\n${'x'.repeat(100_000)}`),
    say(`${head}content-length: 100\r\n\r\n{`),
    say(`${head}x: ${'y'.repeat(100_000)}\r\n\r\n`),
    say('\u0000'.repeat(1_000)),
  ]);
  assert.ok(performance.now() - started < 30_000);
  assert.match(answers[0] ?? '', /^HTTP\/1\.1 413 /);
  assert.match(answers[1] ?? '', /^HTTP\/1\.1 413 /);
  assert.match(answers[3] ?? '', /^HTTP\/1\.1 431 /);
  const { send } = await connect(t, site, 'gw-1', dataDir1);
  assert.equal((await send(batchOf('gw-1', gatewayKeys(dataDir1).privateKey, 1))).result, 'stored');
  await closed;
});

test('who brings refusal after refusal to the port for joining has to wait, and the log does not grow with it', async (t) => {
  const site = await runSite(t);
  const dataDir1 = joined(site, 'gw-1');
  const ca = readFileSync(join(dataDir1, 'keys/bridge-ca.pem'), 'utf8');
  const { request } = await import('node:https');
  const ask = () =>
    new Promise<{ status: number; wait: string | undefined }>((resolve, reject) => {
      const asked = request(
        `https://127.0.0.1:${site.enrolment}/v1/join`,
        { method: 'POST', ca, agent: false, headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume();
          resolve({ status: response.statusCode ?? 0, wait: response.headers['retry-after'] });
        },
      );
      asked.on('error', reject);
      asked.end('{}');
    });
  const statuses: number[] = [];
  for (let count = 0; count < 40; count++) statuses.push((await ask()).status);
  assert.deepEqual(
    [403, 429].map((status) => statuses.filter((one) => one === status).length),
    [30, 10],
  );
  assert.ok(Number((await ask()).wait) > 0);
  assert.equal(site.bridge.log().match(/enrolment-refused/g)?.length, 30);
});
