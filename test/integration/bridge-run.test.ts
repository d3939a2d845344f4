import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { topicOf } from '../../cloud-bridge/contract.ts';
import {
  alert,
  body,
  event,
  keyPair,
  machine,
  seal,
  stateSummary,
  status,
  summary,
  temporaryDir,
} from '../unit/bridge/making.ts';
import { bareProcessMs, bridgeCommand, connectGateway, runBridge } from './bridge-process.ts';

test('init, allow and run: a batch is stored, answered with a signed ack, and answered as a repeat afterwards', async (t) => {
  const dir = temporaryDir(t);
  const { publicKey, privateKey } = keyPair();
  const keyFile = join(dir, 'gw.pub.pem');
  const passwordFile = join(dir, 'gw.password');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const initialised = bridgeCommand(['init', '--data-dir', dir]);
  assert.deepEqual([initialised.code, initialised.stdout], [0, `${join(dir, 'bridge.pub.pem')}\n`]);
  const allowed = bridgeCommand([
    'allow',
    '--data-dir',
    dir,
    '--gateway',
    'demo-gw',
    '--site',
    'demo',
    '--public-key',
    keyFile,
    '--password-file',
    passwordFile,
  ]);
  assert.equal(allowed.code, 0, allowed.stderr);
  const password = readFileSync(passwordFile, 'utf8').trim();
  const gateway = { id: 'demo-gw', site: 'demo', key: privateKey, password };
  const announce = join(dir, 'announce.json');
  const bridge = await runBridge(t, dir, ['--announce', announce]);
  assert.equal((JSON.parse(readFileSync(announce, 'utf8')) as { mqtt: number }).mqtt, bridge.mqtt);

  const { send, client } = await connectGateway(t, bridge.mqtt, gateway, dir);
  const records = [machine(1), event(2), alert(3), summary(4), stateSummary(5)];
  const batch = seal(body({ records }), gateway.key);
  const ack = await send(batch.payload);
  assert.deepEqual(
    { ...ack, sig: '' },
    { v: 1, ...batch.name, result: 'stored', code: null, retryAfterS: null, sig: '' },
  );
  assert.equal((await send(batch.payload)).result, 'repeat');
  await client.publishAsync(topicOf('demo', 'demo-gw', 'status'), JSON.stringify(status()), { qos: 1, retain: true });

  const key = readFileSync(join(dir, 'api-key'), 'utf8').trim();
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${bridge.api}${path}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(response.status, 200, path);
    return (await response.json()) as { items: Record<string, unknown>[] };
  };
  assert.deepEqual(
    (await get('/api/alerts')).items.map((item) => item['occurrence']),
    ['o-1'],
  );
  assert.deepEqual(
    (await get('/api/machines')).items.map((item) => item['machine']),
    ['ls-1'],
  );
  assert.equal((await fetch(`http://127.0.0.1:${bridge.api}/api/alerts`)).status, 401);

  const { code, tookMs } = await bridge.stop('SIGINT');
  assert.equal(code, 0);
  // On a busy computer every process is slow: measured against one that does nothing.
  assert.ok(tookMs < Math.max(1000, 5 * bareProcessMs()), `stopping took ${tookMs} ms`);

  const db = new Database(join(dir, 'bridge.db'), { readonly: true });
  t.after(() => db.close());
  assert.deepEqual(db.prepare('SELECT seq, records, repeats FROM batch').all(), [{ seq: 1, records: 5, repeats: 1 }]);
  assert.deepEqual(db.prepare('SELECT machine, delta, uncertainty, resets FROM counter_totals').all(), [
    { machine: 'ls-1', delta: 4, uncertainty: 0, resets: 0 },
  ]);
  assert.deepEqual(db.prepare('SELECT online, connection FROM status').all(), [{ online: 1, connection: 1 }]);
});
