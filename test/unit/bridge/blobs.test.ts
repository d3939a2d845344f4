import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { Blobs, maxChunks } from '../../../cloud-bridge/blobs.ts';
import {
  blobAckMessage,
  blobAckSignatureHolds,
  decodeBlob,
  encodeBlob,
  evidenceChunkBytes,
  maxEvidenceBytes,
  sha256Hex,
  type BlobAckMessage,
} from '../../../cloud-bridge/contract.ts';
import type { BridgeError } from '../../../cloud-bridge/errors.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import type { Gateway } from '../../../cloud-bridge/registry.ts';
import type { BridgeStore } from '../../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { keyPair, temporaryDir } from './making.ts';

const from = { site: 'demo', gateway: 'gw-1' };
const gatewayKeys = keyPair();
const bridgeKeys = keyPair();
const file = randomBytes(2 * evidenceChunkBytes + 100);

function chunkOf(bytes: Buffer, chunk: number, key = gatewayKeys.privateKey, gateway = 'gw-1'): Buffer {
  const part = bytes.subarray(chunk * evidenceChunkBytes, (chunk + 1) * evidenceChunkBytes);
  return encodeBlob({ gateway, sha256: sha256Hex(bytes), size: bytes.length, chunk }, part, key);
}

function setUp(
  t: TestContext,
  store: Pick<BridgeStore, 'putChunk' | 'troubleOf'> | null = null,
  more: Partial<Gateway> = {},
) {
  const sqlite = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => sqlite.close());
  const acks: BlobAckMessage[] = [];
  const reported: BridgeError[] = [];
  const metrics = new BridgeMetrics();
  const blobs = new Blobs({
    store: store ?? sqlite,
    find: (id) => (id === 'gw-1' ? { id, site: 'demo', key: gatewayKeys.publicKey, ...more } : null),
    key: bridgeKeys.privateKey,
    nowMs: () => 5,
    publish: async (topic, payload) => {
      assert.equal(topic, 'selvedge/v1/demo/gw-1/ack');
      acks.push(blobAckMessage.parse(JSON.parse(payload.toString())));
    },
    metrics,
    report: (error) => reported.push(error),
  });
  return { sqlite, blobs, acks, metrics, reported };
}

test('D1: chunks in any order and again are answered with what the store holds, signed, until the file is whole', async (t) => {
  const { blobs, acks, sqlite } = setUp(t);
  for (const chunk of [2, 0, 0, 1, 1]) blobs.accept(chunkOf(file, chunk), from);
  await blobs.stop();
  assert.deepEqual(
    acks.map(({ result, held }) => [result, held]),
    [
      ['part', [[2, 2]]],
      [
        'part',
        [
          [0, 0],
          [2, 2],
        ],
      ],
      [
        'part',
        [
          [0, 0],
          [2, 2],
        ],
      ],
      ['stored', []],
      ['stored', []],
    ],
  );
  assert.ok(acks.every((ack) => blobAckSignatureHolds(ack, bridgeKeys.publicKey)));
  assert.deepEqual(sqlite.readFile('gw-1', sha256Hex(file)), file);
});

test('a file with signed bytes that are not what its name says is forgotten whole, and can be sent again', async (t) => {
  const { blobs, acks, sqlite } = setUp(t);
  const wrong = Buffer.from(file);
  wrong[5] = (wrong[5] ?? 0) ^ 1;
  const name = { gateway: 'gw-1', sha256: sha256Hex(file), size: file.length };
  blobs.accept(encodeBlob({ ...name, chunk: 0 }, wrong.subarray(0, evidenceChunkBytes), gatewayKeys.privateKey), from);
  for (const chunk of [1, 2, 0, 1, 2]) blobs.accept(chunkOf(file, chunk), from);
  await blobs.stop();
  assert.deepEqual(
    acks.map(({ result, code }) => code ?? result),
    ['part', 'part', 'damaged', 'part', 'part', 'stored'],
  );
  assert.deepEqual(sqlite.readFile('gw-1', sha256Hex(file)), file);
});

test('D2: what another key signed, a flipped bit, another gateway or a stranger gets no answer and changes nothing', async (t) => {
  const { blobs, acks, sqlite, metrics } = setUp(t);
  const flipped = chunkOf(file, 0);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  blobs.accept(chunkOf(file, 0, keyPair().privateKey), from);
  blobs.accept(flipped, from);
  blobs.accept(chunkOf(file, 0, gatewayKeys.privateKey, 'gw-2'), from);
  blobs.accept(chunkOf(file, 0), { site: 'demo', gateway: 'gw-9' });
  await blobs.stop();
  assert.deepEqual(acks, []);
  assert.equal(metrics.dropped.chunk, 4);
  assert.deepEqual(sqlite.rows('SELECT * FROM evidence_file'), []);
});

test('a chunk that another length is signed for is refused; the file that is there stays', async (t) => {
  const { blobs, acks, sqlite } = setUp(t);
  for (const chunk of [0, 1, 2]) blobs.accept(chunkOf(file, chunk), from);
  const other = { gateway: 'gw-1', sha256: sha256Hex(file), size: 10, chunk: 0 };
  blobs.accept(encodeBlob(other, file.subarray(0, 10), gatewayKeys.privateKey), from);
  await blobs.stop();
  assert.deepEqual(
    acks.map(({ result, code }) => code ?? result),
    ['part', 'part', 'stored', 'conflict'],
  );
  assert.deepEqual(sqlite.readFile('gw-1', sha256Hex(file)), file);
});

test('D3: one chunk over the limit is answered busy', async (t) => {
  const { blobs, acks } = setUp(t);
  for (let count = 0; count <= maxChunks; count += 1) blobs.accept(chunkOf(file, 0), from);
  assert.deepEqual(
    acks.map(({ code }) => code),
    ['busy'],
  );
  await blobs.stop();
  assert.equal(acks.length, maxChunks + 1);
});

test('D4: while the store is full or away every chunk is put off, and it is said once', async (t) => {
  for (const [trouble, code] of [
    ['full', 'store-full'],
    ['down', 'store-down'],
  ] as const) {
    const broken = {
      putChunk: () => {
        throw new TypeError('no');
      },
      troubleOf: () => trouble,
    };
    const { blobs, acks, reported } = setUp(t, broken);
    for (const chunk of [0, 1]) blobs.accept(chunkOf(file, chunk), from);
    await blobs.stop();
    assert.deepEqual(
      acks.map((ack) => [ack.result, ack.code]),
      [
        ['later', code],
        ['later', code],
      ],
    );
    assert.ok(acks.every(({ retryAfterS }) => (retryAfterS ?? 0) > 0));
    assert.equal(reported.length, 1);
  }
});

test('a gateway registered at another site is put off, not refused', async (t) => {
  const { blobs, acks } = setUp(t, null, { site: 'elsewhere' });
  blobs.accept(chunkOf(file, 0), from);
  await blobs.stop();
  assert.deepEqual(
    acks.map(({ code }) => code),
    ['wrong-site'],
  );
});

test('decodeBlob takes nothing but whole chunks of files within the limit, whatever the bytes', () => {
  const header = { v: 1, gateway: 'gw-1', sha256: 'ab'.repeat(32), size: 100, chunk: 0, sig: 'x' };
  const payload = (more: object, bytes: number) =>
    Buffer.concat([Buffer.from(`${JSON.stringify({ ...header, ...more })}\n`), Buffer.alloc(bytes)]);
  assert.ok(decodeBlob(payload({}, 100)) !== null);
  for (const bad of [
    payload({}, 99),
    payload({ chunk: 1 }, 100),
    payload({ v: 2 }, 100),
    payload({ size: 0 }, 0),
    payload({ size: maxEvidenceBytes + 1 }, evidenceChunkBytes),
    payload({ extra: 1 }, 100),
    payload({ size: 2 ** 31, chunk: 2 ** 20 }, evidenceChunkBytes),
  ]) {
    assert.equal(decodeBlob(bad), null);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeBlob(Buffer.from(bytes)) === null));
});

test('while keys rotate the one before counts as well; a revoked gateway is not heard', async (t) => {
  const next = keyPair();
  const rotating = setUp(t, null, { key: next.publicKey, previousKey: gatewayKeys.publicKey });
  rotating.blobs.accept(chunkOf(file, 0), from);
  rotating.blobs.accept(chunkOf(file, 1, next.privateKey), from);
  await rotating.blobs.stop();
  assert.equal(rotating.acks.length, 2);
  const revoked = setUp(t, null, { revoked: true });
  revoked.blobs.accept(chunkOf(file, 0), from);
  await revoked.blobs.stop();
  assert.deepEqual([revoked.acks, revoked.metrics.dropped.chunk], [[], 1]);
});
