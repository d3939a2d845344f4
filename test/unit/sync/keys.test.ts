import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify, createPublicKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { bridgePublicKey, gatewayKeys } from '../../../agent/sync/keys.ts';

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-keys-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

test('a gateway key is made once, readable by its owner alone, and stays', (t) => {
  const dir = temporaryDir(t);
  const first = gatewayKeys(dir);
  const second = gatewayKeys(dir);
  assert.equal(second.publicPem, first.publicPem);
  assert.equal(statSync(join(dir, 'keys', 'gateway.key')).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, 'keys')).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['gateway.key']);
  const text = Buffer.from('text');
  assert.ok(verify(null, text, createPublicKey(first.publicPem), sign(null, text, second.privateKey)));
});

test('a damaged or foreign key is refused with its path and never replaced', (t) => {
  const dir = temporaryDir(t);
  mkdirSync(join(dir, 'keys'));
  const path = join(dir, 'keys', 'gateway.key');
  writeFileSync(path, 'no key');
  assert.throws(() => gatewayKeys(dir), /AGT-300 .*gateway\.key/);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  writeFileSync(path, rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  assert.throws(() => gatewayKeys(dir), /AGT-300 .*rsa/);
  assert.throws(() => bridgePublicKey(join(dir, 'nowhere.pem')), /AGT-300 .*nowhere\.pem/);
  writeFileSync(join(dir, 'bridge.pem'), rsa.publicKey.export({ type: 'spki', format: 'pem' }));
  assert.throws(() => bridgePublicKey(join(dir, 'bridge.pem')), /AGT-300/);
});
