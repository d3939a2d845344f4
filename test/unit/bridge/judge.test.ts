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

test('what the gateway signed wrongly is refused', () => {
  assert.equal(verdictOf(seal(body(), stranger.privateKey).payload), 'refused bad-signature');
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
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(verdictOf(seal(body(), privateKey, { bytes: bomb }).payload), 'refused too-large');
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
});

test('a newer version is kept by the gateway, whatever else it brings', () => {
  assert.equal(verdictOf(seal(body(), privateKey, { v: 2 }).payload), 'later unknown-version');
  const name = { gateway: 'demo-gw', boot: 'a'.repeat(16), seq: 1, sha256: sha256Hex(Buffer.alloc(0)) };
  const header = { v: 2, ...name, compression: 'other' };
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
  assert.equal(verdictOf(batch.payload, { ...from, site: 'elsewhere' }), 'later wrong-site');
  assert.equal(verdictOf(seal(body({ site: 'elsewhere' }), privateKey).payload), 'later wrong-site');
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

test('no change of a single byte is stored', () => {
  const { payload } = seal(body(), privateKey);
  fc.assert(
    fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(payload);
      changed[at] = (changed[at] ?? 0) ^ mask;
      // JSON white space and base64's unused bits may change without changing what is said.
      const same = JSON.stringify(decodeUp(changed)) === JSON.stringify(decodeUp(payload));
      const sigBits = 'header' in decodeUp(changed) && at < payload.indexOf(0x0a);
      if (!same && !sigBits) assert.notEqual(judge(changed, from, find).verdict, 'commit');
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
