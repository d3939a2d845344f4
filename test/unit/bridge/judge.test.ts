import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import {
  decodeUp,
  encodeUp,
  maxBatchWireBytes,
  parseTopic,
  sha256Hex,
  signBatch,
  topicOf,
} from '../../../cloud-bridge/contract.ts';
import { judge } from '../../../cloud-bridge/judge.ts';
import { body, event, keyPair, seal } from './making.ts';

const { publicKey, privateKey } = keyPair();
const stranger = keyPair();
const from = { site: 'demo', gateway: 'demo-gw' };
const find = (id: string) => (id === 'demo-gw' ? { id, site: 'demo', key: publicKey } : null);
const verdictOf = (payload: Buffer, topic = from, registry: Parameters<typeof judge>[2] = find) => {
  const verdict = judge(payload, topic, registry);
  return verdict.verdict === 'answer' ? `${verdict.result} ${verdict.code}` : verdict.verdict;
};

test('a sound batch is to be committed, with its name and its records', () => {
  const batch = seal(body(), privateKey);
  const verdict = judge(batch.payload, from, find);
  assert.equal(verdict.verdict, 'commit');
  if (verdict.verdict !== 'commit') return;
  assert.deepEqual(verdict.batch.name, batch.name);
  assert.deepEqual(verdict.batch.body, body());
});

/** Bytes that decode to nothing of ours, under any name and signature. */
const garbled = (payload: Buffer, change: (header: Record<string, unknown>) => void, bytes?: Buffer) => {
  const end = payload.indexOf(0x0a);
  const header = JSON.parse(payload.toString('utf8', 0, end)) as Record<string, unknown>;
  change(header);
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes ?? payload.subarray(end + 1)]);
};

test('J1, J2: under the name of a genuine batch nobody else brings about a refusal, or a wait of anything but that send', () => {
  const genuine = seal(body(), privateKey);
  const forged = seal(body(), stranger.privateKey);
  assert.equal(verdictOf(forged.payload), 'later bad-signature');
  const tried = {
    'no signature': garbled(genuine.payload, (header) => delete header['sig']),
    'signature of no text': garbled(genuine.payload, (header) => (header['sig'] = 7)),
    'own signature': garbled(genuine.payload, (header) => (header['sig'] = garbledSig(forged.payload))),
    'own signature, other version': garbled(forged.payload, (header) => (header['v'] = 9)),
    'other number': garbled(genuine.payload, (header) => (header['seq'] = 2)),
    'other hash': garbled(genuine.payload, (header) => (header['sha256'] = '0'.repeat(64))),
    'other boot': garbled(genuine.payload, (header) => (header['boot'] = 'f'.repeat(16))),
    'other version': garbled(genuine.payload, (header) => (header['v'] = 9), randomBytes(300)),
    'wrong length': garbled(genuine.payload, (header) => (header['bytes'] = 1), randomBytes(300)),
    'a length of a gigabyte': garbled(genuine.payload, (header) => (header['bytes'] = 1e9), randomBytes(300)),
    'a field more': garbled(genuine.payload, (header) => (header['more'] = 1), randomBytes(300)),
    'cut short': genuine.payload.subarray(0, -1),
    'too long': Buffer.concat([genuine.payload, randomBytes(maxBatchWireBytes)]),
    'far too long': Buffer.concat([genuine.payload, Buffer.alloc(3 * 1024 * 1024)]),
    'other bytes': garbled(genuine.payload, () => undefined, randomBytes(300)),
    'no bytes': garbled(genuine.payload, () => undefined, Buffer.alloc(0)),
  };
  for (const [what, payload] of Object.entries(tried)) {
    assert.match(verdictOf(payload), /^later (bad-signature|damaged)$/, what);
  }
  // Of a header that was changed around a sound batch the batch counts.
  for (const change of [
    (header: Record<string, unknown>) => (header['v'] = 'x'),
    (header: Record<string, unknown>) => delete header['v'],
    (header: Record<string, unknown>) => (header['bytes'] = 1),
    (header: Record<string, unknown>) => delete header['bytes'],
    (header: Record<string, unknown>) => (header['more'] = 1),
  ]) {
    assert.equal(verdictOf(garbled(genuine.payload, change)), 'commit', change.toString());
  }
  // The very bytes again are a repeat, on its own topic; on that of another site they are nothing.
  assert.deepEqual(judge(genuine.payload, { ...from, site: 'elsewhere' }, find), {
    verdict: 'drop',
    reason: 'foreign',
  });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(genuine.payload.length - 1), (noise, at) => {
      const changed = Buffer.from(genuine.payload);
      changed.set(noise.subarray(0, changed.length - at), at);
      if (changed.equals(genuine.payload)) return;
      const said = verdictOf(changed);
      // Of JSON and base64 there are several spellings: then it is the gateway's own word still.
      assert.match(said, /^(later (bad-signature|damaged|unknown-gateway|unknown-version)|drop|commit)$/);
    }),
  );
});

function garbledSig(payload: Buffer): string {
  return (JSON.parse(payload.toString('utf8', 0, payload.indexOf(0x0a))) as { sig: string }).sig;
}

test('what the gateway signed wrongly is refused', () => {
  assert.equal(verdictOf(seal(body(), privateKey, { content: '{"v":1' }).payload), 'refused malformed');
  assert.equal(verdictOf(seal(body(), privateKey, { bytes: Buffer.from('no zstd') }).payload), 'refused malformed');
  assert.equal(verdictOf(seal(body({ records: [] }), privateKey).payload), 'refused malformed');
  assert.equal(verdictOf(seal(body(), privateKey, { name: { seq: 2 } }).payload), 'refused malformed');
  const surplus = { ...body(), surplus: 1 };
  assert.equal(verdictOf(seal(body(), privateKey, { content: JSON.stringify(surplus) }).payload), 'refused malformed');
});

test('over 64 KiB on the wire or 1 MiB unpacked is refused, and a small bomb is not unpacked', () => {
  const wide = seal(body(), privateKey, { bytes: randomBytes(maxBatchWireBytes + 1) });
  assert.equal(verdictOf(wide.payload), 'refused too-large');
  const wider = seal(body(), privateKey, { bytes: randomBytes(maxBatchWireBytes + 4096) });
  assert.equal(verdictOf(wider.payload), 'refused too-large');
  const bomb = zstdCompressSync(Buffer.alloc(200 * 1024 * 1024, 0x20));
  assert.ok(bomb.length < maxBatchWireBytes);
  // A frame of two bytes that asks its reader to keep 128 MiB (RFC 8878, 3.1.1.1.2: exponent 17, 10 + 17 bits).
  const greedy = Buffer.from('28b52ffd00881300007b7d', 'hex');
  assert.equal(verdictOf(seal(body(), privateKey, { bytes: greedy }).payload), 'refused malformed');
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(verdictOf(seal(body(), privateKey, { bytes: bomb }).payload), 'refused too-large');
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
});

test('a newer version is kept by the gateway, whatever else it brings', () => {
  assert.equal(verdictOf(seal(body(), privateKey, { v: 2 }).payload), 'later unknown-version');
  const name = { gateway: 'demo-gw', boot: 'a'.repeat(16), seq: 1, sha256: sha256Hex(Buffer.alloc(0)) };
  const header = { v: 2, ...name, compression: 'other', sig: signBatch(name, privateKey) };
  assert.equal(verdictOf(Buffer.from(`${JSON.stringify(header)}\n`)), 'later unknown-version');
  const newBody = { ...body(), v: 2, surplus: true };
  assert.equal(
    verdictOf(seal(body(), privateKey, { content: JSON.stringify(newBody) }).payload),
    'later unknown-version',
  );
  const newRecord = { ...body(), records: [event(1), { ...event(2), v: 2, kind: 'finding' }] };
  assert.equal(
    verdictOf(seal(body(), privateKey, { content: JSON.stringify(newRecord) }).payload),
    'later unknown-version',
  );
});

test('a configuration that can be put right makes it wait: unknown gateway, wrong site', () => {
  const batch = seal(body(), privateKey);
  assert.equal(
    verdictOf(batch.payload, from, () => null),
    'later unknown-gateway',
  );
  const misplaced = seal(body({ site: 'elsewhere' }), privateKey).payload;
  assert.equal(verdictOf(misplaced), 'later wrong-site');
  assert.equal(verdictOf(misplaced, { ...from, site: 'elsewhere' }), 'later wrong-site');
  const revoked = (id: string) => ({ id, site: 'demo', key: publicKey, revoked: true });
  assert.equal(verdictOf(batch.payload, from, revoked), 'later revoked');
});

test('while keys rotate a batch counts with either, and with no third', () => {
  const next = keyPair();
  const rotating = (id: string) => ({ id, site: 'demo', key: next.publicKey, previousKey: publicKey });
  assert.equal(verdictOf(seal(body(), privateKey).payload, from, rotating), 'commit');
  assert.equal(verdictOf(seal(body(), next.privateKey).payload, from, rotating), 'commit');
  assert.equal(verdictOf(seal(body(), stranger.privateKey).payload, from, rotating), 'later bad-signature');
});

test('bytes that are not those that were signed may come again undamaged', () => {
  const { payload } = seal(body(), privateKey);
  const damaged = Buffer.from(payload);
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  assert.equal(verdictOf(damaged), 'later damaged');
});

test('nobody is answered about a batch of another gateway, and no answer goes to what has no name', () => {
  const { payload } = seal(body(), privateKey);
  assert.deepEqual(judge(payload, { site: 'demo', gateway: 'other' }, find), { verdict: 'drop', reason: 'foreign' });
  for (const noise of [Buffer.alloc(0), Buffer.from('\n'), Buffer.from('{}\n'), randomBytes(2000)]) {
    assert.deepEqual(judge(noise, from, find), { verdict: 'drop', reason: 'unnamed' });
  }
});

test('whatever single byte is changed, nothing is stored but what was signed, under the name it was signed with', () => {
  const { payload, name } = seal(body(), privateKey);
  fc.assert(
    fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(payload);
      changed[at] = (changed[at] ?? 0) ^ mask;
      const verdict = judge(changed, from, find);
      // What is neither name nor signature nor bytes says nothing, and JSON and base64 have several spellings.
      if (at > payload.indexOf(0x0a)) assert.notEqual(verdict.verdict, 'commit');
      if (verdict.verdict !== 'commit') return;
      assert.deepEqual([verdict.batch.name, verdict.batch.body], [name, body()]);
    }),
  );
});

test('an up payload and a topic are read back as they were made', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const name = { gateway: 'g', boot: 'a'.repeat(16), seq: 1, sha256: sha256Hex(bytes) };
      const header = { v: 1, ...name, bytes: bytes.length, sig: 'x' };
      assert.deepEqual(decodeUp(encodeUp(header, bytes)), { header, bytes: Buffer.from(bytes) });
    }),
  );
  assert.deepEqual(parseTopic(topicOf('s', 'g', 'up')), { site: 's', gateway: 'g', channel: 'up' });
  assert.equal(parseTopic('selvedge/v1/s/g/up/more'), null);
  assert.equal(parseTopic('selvedge/v1/S/g/up'), null);
});
