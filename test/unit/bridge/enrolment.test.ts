import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { signed, signedRequest } from '../../../agent/sync/identity.ts';
import { Authority } from '../../../cloud-bridge/authority.ts';
import { enrolSigningText, type JoinFile, type RenewRequest } from '../../../cloud-bridge/contract.ts';
import { EnrolmentDesk, revoke, type DeskAnswer } from '../../../cloud-bridge/enrolment/desk.ts';
import { invite } from '../../../cloud-bridge/enrolment/invitation.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { fingerprintOf } from '../../../cloud-bridge/fingerprint.ts';
import { initialise, publicKeyOf } from '../../../cloud-bridge/keys.ts';
import { Registry, registrationOf, revokedSerials } from '../../../cloud-bridge/registry.ts';
import { temporaryDir } from './making.ts';

const hourMs = 3_600_000;
const lifeMs = 90 * 24 * hourMs;

interface Keys {
  readonly tls: KeyObject;
  readonly signing: KeyObject;
}
const newKeys = (): Keys => ({
  tls: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  signing: generateKeyPairSync('ed25519').privateKey,
});

async function office(t: TestContext) {
  const dir = dataDir(temporaryDir(t));
  initialise(dir);
  let nowMs = Date.UTC(2026, 5, 1);
  const authority = await Authority.open(dir, nowMs);
  const desk = new EnrolmentDesk({ dir, authority, certificateLifeMs: lifeMs, nowMs: () => nowMs });
  const registry = new Registry(
    dir,
    (error) => assert.fail(error.message),
    () => nowMs,
  );
  const enrol = (gateway: string, more: { site?: string; replace?: boolean } = {}): JoinFile =>
    invite(
      dir,
      {
        gateway,
        site: more.site ?? 'demo',
        enrolment: 'https://127.0.0.1:1',
        brokers: ['mqtts://127.0.0.1:1'],
        ca: authority,
        validMs: 24 * hourMs,
        replace: more.replace ?? false,
      },
      nowMs,
    );
  /** With what is said of the file changed by `more`. */
  const join = async (file: JoinFile, keys: Keys, more: Partial<JoinFile> = {}): Promise<DeskAnswer> => {
    const { gateway, site, secret } = { ...file, ...more };
    const { fields } = await signedRequest(gateway, keys.tls, keys.signing);
    return await desk.join({ ...fields, site, secret });
  };
  const renew = async (
    gateway: string,
    keys: Keys,
    by: { certificate: string; name?: string; signing: KeyObject; change?: Partial<RenewRequest> },
  ): Promise<DeskAnswer> => {
    const { fields, text } = await signedRequest(gateway, keys.tls, keys.signing);
    const peer = { name: by.name ?? gateway, fingerprint: fingerprintOf(by.certificate) };
    return await desk.renew({ ...fields, previousSig: signed(text, by.signing), ...by.change }, peer);
  };
  const wait = (ms: number) => void (nowMs += ms);
  const letsIn = (gateway: string, certificate: string) =>
    registry.certified({ name: gateway, fingerprint: fingerprintOf(certificate) }) !== null;
  return { dir, authority, desk, registry, enrol, join, renew, wait, letsIn, nowMs: () => nowMs };
}

const certificateOf = (answer: DeskAnswer): string => {
  if ('refused' in answer) throw new assert.AssertionError({ message: `refused: ${answer.refused}` });
  return answer.answer.certificate;
};
const refusalOf = (answer: DeskAnswer) => ('refused' in answer ? answer.refused : null);
const sameKey = (key: KeyObject | undefined, pem: KeyObject) =>
  key !== undefined && publicKeyOf(String(key.export({ type: 'spki', format: 'pem' })))?.equals(publicOf(pem)) === true;
const publicOf = (privateKey: KeyObject) => {
  const found = publicKeyOf(String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  assert.ok(found);
  return found;
};

test('N1: a join file is for one gateway, one site and the keys that come first; the same keys may ask again', async (t) => {
  const { enrol, join, letsIn, registry } = await office(t);
  const file = enrol('gw-1');
  const [first, second] = [newKeys(), newKeys()];
  assert.equal(refusalOf(await join(file, first, { gateway: 'gw-2' })), 'unknown');
  assert.equal(refusalOf(await join(file, first, { site: 'elsewhere' })), 'mismatch');
  assert.equal(refusalOf(await join(file, first, { secret: 'x'.repeat(43) })), 'unknown');
  assert.equal(registry.find('gw-1'), null, 'a try that failed has no traces');
  const [one, two] = [certificateOf(await join(file, first)), certificateOf(await join(file, first))];
  assert.deepEqual([letsIn('gw-1', one), letsIn('gw-1', two)], [false, true], 'the last one given counts');
  assert.equal(refusalOf(await join(file, second)), 'used');
  assert.equal(refusalOf(await join(file, { tls: first.tls, signing: second.signing })), 'used');
  assert.equal(refusalOf(await join(file, { tls: second.tls, signing: first.signing })), 'used');
  assert.ok(letsIn('gw-1', two));
});

test('N1: of many that use a join file at one moment one pair of keys gets in', async (t) => {
  const { enrol, join } = await office(t);
  const file = enrol('gw-1');
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await join(file, newKeys())));
  assert.equal(answers.filter((answer) => 'answer' in answer).length, 1);
  assert.ok(answers.every((answer) => 'answer' in answer || answer.refused === 'used'));
});

test('N1: it expires, for the keys that have used it as well', async (t) => {
  const { enrol, join, wait } = await office(t);
  const [used, unused] = [enrol('gw-1'), enrol('gw-2')];
  const keys = newKeys();
  certificateOf(await join(used, keys));
  wait(24 * hourMs - 1);
  certificateOf(await join(used, keys));
  wait(1);
  assert.equal(refusalOf(await join(used, keys)), 'expired');
  assert.equal(refusalOf(await join(unused, newKeys())), 'expired');
});

test('N2: a newer join file of a gateway ends the older ones; a gateway that is in wants --replace', async (t) => {
  const { enrol, join, letsIn } = await office(t);
  const old = enrol('gw-1');
  const file = enrol('gw-1');
  assert.equal(refusalOf(await join(old, newKeys())), 'unknown');
  const before = certificateOf(await join(file, newKeys()));
  assert.throws(() => enrol('gw-1'), /BRG-108/);
  const next = enrol('gw-1', { replace: true });
  assert.ok(letsIn('gw-1', before), 'until the new one is used the old identity counts');
  const after = certificateOf(await join(next, newKeys()));
  assert.deepEqual([letsIn('gw-1', before), letsIn('gw-1', after)], [false, true]);
  for (const name of ['bridge', 'reader', 'GW', 'a b', '../x', '', 'x'.repeat(41)]) {
    assert.throws(() => enrol(name), /BRG-107/, name);
  }
});

test('N3: no file of the data folder has the secret or anything it can be guessed from, and none but the user reads them', async (t) => {
  const { dir, enrol, join: joined } = await office(t);
  const file = enrol('gw-1');
  certificateOf(await joined(file, newKeys()));
  const files = readdirSync(dir.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length >= 6);
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name);
    assert.ok(!readFileSync(path, 'utf8').includes(file.secret), path);
    if (path.startsWith(dir.invitations)) assert.equal(statSync(path).mode & 0o077, 0, path);
  }
  assert.ok(Buffer.from(file.secret, 'base64url').length >= 32);
});

test('a request whose keys have not both signed it gets nothing and uses nothing up', async (t) => {
  const { desk, enrol, join } = await office(t);
  const file = enrol('gw-1');
  const { gateway, site, secret } = file;
  const [keys, stranger] = [newKeys(), newKeys()];
  const { fields } = await signedRequest(gateway, keys.tls, keys.signing);
  const other = await signedRequest(gateway, stranger.tls, stranger.signing);
  const tried = [
    { ...fields, sig: other.fields.sig },
    { ...fields, request: other.fields.request },
    { ...fields, publicKey: other.fields.publicKey },
    { ...fields, publicKey: 'no key' },
    {
      ...fields,
      request: 'no request',
      sig: signed(enrolSigningText({ ...fields, request: 'no request' }), keys.signing),
    },
  ];
  for (const request of tried) {
    assert.equal(refusalOf(await desk.join({ ...request, site, secret })), 'malformed');
  }
  certificateOf(await join(file, keys));
});

test('a renewal wants the certificate of the gateway itself and a signature of a key it has', async (t) => {
  const { enrol, join, renew, letsIn, wait } = await office(t);
  const [mine, other, next] = [newKeys(), newKeys(), newKeys()];
  const certificate = certificateOf(await join(enrol('gw-1'), mine));
  const others = certificateOf(await join(enrol('gw-2'), other));
  const by = { certificate, signing: mine.signing };
  assert.equal(
    refusalOf(await renew('gw-1', next, { certificate: others, name: 'gw-2', signing: other.signing })),
    'mismatch',
  );
  assert.equal(refusalOf(await renew('gw-1', next, { certificate: others, signing: mine.signing })), 'unknown');
  assert.equal(refusalOf(await renew('gw-1', next, { ...by, signing: other.signing })), 'mismatch');
  assert.equal(refusalOf(await renew('gw-1', next, { ...by, signing: next.signing })), 'mismatch');
  assert.equal(refusalOf(await renew('gw-3', next, { ...by, name: 'gw-3' })), 'unknown');
  assert.equal(refusalOf(await renew('gw-1', next, { ...by, change: { sig: 'AAAA' } })), 'malformed');
  assert.ok(letsIn('gw-1', certificate));
  wait(lifeMs);
  assert.equal(refusalOf(await renew('gw-1', next, by)), 'expired');
});

test('G2: while keys rotate both count until the old certificate ends, however often an answer is lost, and never a third', async (t) => {
  const { enrol, join, renew, letsIn, registry, wait } = await office(t);
  const [first, second, third] = [newKeys(), newKeys(), newKeys()];
  const old = certificateOf(await join(enrol('gw-1'), first));
  wait((lifeMs * 2) / 3);
  // The answers to these are lost; of the last one even the keys.
  certificateOf(await renew('gw-1', second, { certificate: old, signing: first.signing }));
  const repeated = certificateOf(await renew('gw-1', second, { certificate: old, signing: first.signing }));
  assert.deepEqual([letsIn('gw-1', old), letsIn('gw-1', repeated)], [true, true]);
  assert.ok(sameKey(registry.find('gw-1')?.key, second.signing));
  assert.ok(sameKey(registry.find('gw-1')?.previousKey, first.signing));
  const last = certificateOf(await renew('gw-1', third, { certificate: old, signing: first.signing }));
  const { key, previousKey } = registry.find('gw-1') ?? {};
  assert.ok(sameKey(key, third.signing) && sameKey(previousKey, first.signing), 'the gateway still has the first');
  assert.deepEqual([letsIn('gw-1', old), letsIn('gw-1', last), letsIn('gw-1', repeated)], [true, true, false]);
  wait(lifeMs / 3);
  assert.equal(registry.find('gw-1')?.previousKey, undefined, 'with the old certificate its key ends');
  assert.deepEqual([letsIn('gw-1', old), letsIn('gw-1', last)], [false, true]);
});

test('G3: a revoked gateway gets in by nothing: certificates, renewal, join files; enrolled anew it is back, and the old is not', async (t) => {
  const { dir, authority, enrol, join, renew, letsIn, registry, nowMs, wait } = await office(t);
  const [keys, next] = [newKeys(), newKeys()];
  const old = certificateOf(await join(enrol('gw-1'), keys));
  const open = enrol('gw-1', { replace: true });
  await revoke(dir, authority, 'gw-1', nowMs());
  assert.equal(letsIn('gw-1', old), false);
  assert.equal(registry.find('gw-1')?.revoked, true);
  assert.equal(refusalOf(await renew('gw-1', next, { certificate: old, signing: keys.signing })), 'revoked');
  assert.equal(refusalOf(await join(open, next)), 'unknown');
  const serials = () => revokedSerials(registrationOf(dir, 'gw-1') ?? assert.fail());
  const [serial] = serials();
  assert.ok(serial !== undefined);
  const back = certificateOf(await join(enrol('gw-1'), next));
  assert.deepEqual([letsIn('gw-1', old), letsIn('gw-1', back)], [false, true]);
  assert.deepEqual(serials(), [serial], 'the old one stays on the list for brokers');
  wait(lifeMs);
  certificateOf(await join(enrol('gw-1', { replace: true }), newKeys()));
  assert.deepEqual(serials(), [], 'until its time is over');
  await assert.rejects(revoke(dir, authority, 'gw-9', nowMs()), /BRG-117/);
});
