import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BridgeError } from '../../../cloud-bridge/errors.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { apiKey, initialise, publicKeyOf, signingKey } from '../../../cloud-bridge/keys.ts';
import { allowGateway, Registry } from '../../../cloud-bridge/registry.ts';
import { keyPair, temporaryDir } from './making.ts';

const withCode = (code: string) => (error: unknown) => error instanceof BridgeError && error.entry.code === code;
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('init makes keys for the owner alone, and keeps them when repeated', (t) => {
  const dir = dataDir(join(temporaryDir(t), 'new'));
  assert.throws(() => signingKey(dir), withCode('BRG-102'));
  assert.throws(() => apiKey(dir), withCode('BRG-102'));
  assert.equal(initialise(dir).made, true);
  const [key, api] = [readFileSync(dir.privateKey, 'utf8'), apiKey(dir)];
  assert.deepEqual([dir.privateKey, dir.apiKey].map(mode), ['600', '600']);
  assert.notEqual(publicKeyOf(readFileSync(dir.publicKey, 'utf8')), null);
  assert.equal(initialise(dir).made, false);
  assert.deepEqual([readFileSync(dir.privateKey, 'utf8'), apiKey(dir)], [key, api]);
  writeFileSync(dir.privateKey, 'no key');
  assert.throws(() => initialise(dir), withCode('BRG-106'));
});

test('a registered gateway logs in with its password, at once, until its file is gone', async (t) => {
  const root = temporaryDir(t);
  const dir = dataDir(root);
  initialise(dir);
  const reported: BridgeError[] = [];
  const registry = new Registry(dir, (error) => reported.push(error));
  const publicKeyFile = join(root, 'gw.pem');
  const passwordFile = join(root, 'gw.password');
  writeFileSync(publicKeyFile, keyPair().publicKey.export({ type: 'spki', format: 'pem' }));
  const options = { gateway: 'gw', site: 'demo', publicKeyFile, passwordFile, replace: false };
  assert.equal(registry.find('gw'), null);
  await allowGateway(dir, options);
  assert.equal(registry.find('gw')?.site, 'demo');
  assert.equal(mode(passwordFile), '600');
  assert.equal(mode(join(dir.gateways, 'gw.json')), '600');
  const password = readFileSync(passwordFile, 'utf8').trim();
  assert.ok(!readFileSync(join(dir.gateways, 'gw.json'), 'utf8').includes(password));
  assert.equal((await registry.authenticate('gw', Buffer.from(password)))?.id, 'gw');
  assert.equal(await registry.authenticate('gw', Buffer.from(`${password} `)), null);
  assert.equal(await registry.authenticate('other', Buffer.from(password)), null);
  assert.equal(await registry.authenticate('../gateways/gw', Buffer.from(password)), null);

  await allowGateway(dir, options);
  assert.equal(await registry.authenticate('gw', Buffer.from(password)), null, 'the old password still works');

  writeFileSync(publicKeyFile, keyPair().publicKey.export({ type: 'spki', format: 'pem' }));
  await assert.rejects(allowGateway(dir, options), withCode('BRG-108'));
  await allowGateway(dir, { ...options, replace: true });

  writeFileSync(join(dir.gateways, 'gw.json'), '{"v":1}');
  assert.equal(registry.find('gw'), null);
  assert.equal(registry.find('gw'), null);
  assert.deepEqual(
    reported.map(({ entry }) => entry.code),
    ['BRG-115'],
  );
  rmSync(join(dir.gateways, 'gw.json'));
  assert.equal(registry.find('gw'), null);
});

test('allow refuses unusable names, keys and places with the cure', async (t) => {
  const root = temporaryDir(t);
  const dir = dataDir(root);
  initialise(dir);
  const publicKeyFile = join(root, 'gw.pem');
  writeFileSync(publicKeyFile, keyPair().publicKey.export({ type: 'spki', format: 'pem' }));
  const good = { gateway: 'gw', site: 'demo', publicKeyFile, passwordFile: join(root, 'out'), replace: false };
  await assert.rejects(allowGateway(dir, { ...good, gateway: 'GW' }), withCode('BRG-107'));
  await assert.rejects(allowGateway(dir, { ...good, site: 'a/b' }), withCode('BRG-107'));
  await assert.rejects(allowGateway(dir, { ...good, publicKeyFile: join(root, 'none') }), withCode('BRG-100'));
  await assert.rejects(allowGateway(dir, { ...good, publicKeyFile: dir.apiKey }), withCode('BRG-106'));
  await assert.rejects(allowGateway(dir, { ...good, passwordFile: join(root, 'no', 'out') }), withCode('BRG-103'));
  assert.equal(new Registry(dir, () => undefined).find('gw'), null, 'registered although the password was lost');
});
