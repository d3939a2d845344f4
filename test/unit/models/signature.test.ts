import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { checkSignature, fingerprintOf, signManifest } from '../../../models/package/signature.ts';
import { keyPair, trusting } from './making.ts';

const { privateKey, publicKey } = keyPair();
const bytes = Buffer.from('{"what": "a manifest"}\n');
const trusted = trusting({ release: [publicKey] });

test('the very text: one line, made by hand from RFC 8032', () => {
  // Secret key of RFC 8032, 7.1, TEST 1, as PKCS 8; its public key is d75a9801…
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const key = createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  });
  const raw = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  assert.equal(raw, 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const line = signManifest(bytes, key);
  assert.match(line, /^ed25519 [0-9a-f]{64} [A-Za-z0-9+/]{86}==\n$/);
  // Ed25519 has no randomness.
  assert.equal(signManifest(bytes, key), line);
});

test('a good signature holds and tells the key', () => {
  const text = signManifest(bytes, privateKey);
  assert.equal(checkSignature(bytes, text, 'release', trusted), fingerprintOf(publicKey));
});

test('any flipped bit of bytes or signature is refused', () => {
  const text = signManifest(bytes, privateKey);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => checkSignature(changed, text, 'release', trusted), /MDL-104/);
  }
  const line = Buffer.from(text, 'latin1');
  for (let bit = 0; bit < line.length * 8; bit += 1) {
    const changed = Buffer.from(line);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => checkSignature(bytes, changed.toString('latin1'), 'release', trusted), /MDL-10[45]/);
  }
  assert.throws(() => checkSignature(bytes, `${text}\n`, 'release', trusted), /MDL-104/);
  assert.throws(() => checkSignature(bytes, '', 'release', trusted), /MDL-104/);
});

test('a key counts only for the signer it is listed for', () => {
  const text = signManifest(bytes, privateKey);
  assert.throws(() => checkSignature(bytes, text, 'release', trusting({ site: [publicKey] })), /MDL-105/);
  assert.throws(() => checkSignature(bytes, text, 'site', trusted), /MDL-105/);
  assert.throws(() => checkSignature(bytes, text, 'release', trusting({})), /MDL-105/);
  assert.throws(() => checkSignature(bytes, text, 'release', trusting({ release: [keyPair().publicKey] })), /MDL-105/);
});

test('a key that is named and did not sign is refused', () => {
  const other = keyPair();
  const forged = signManifest(bytes, other.privateKey).replace(
    fingerprintOf(other.publicKey),
    fingerprintOf(publicKey),
  );
  assert.throws(() => checkSignature(bytes, forged, 'release', trusted), /MDL-104/);
});
