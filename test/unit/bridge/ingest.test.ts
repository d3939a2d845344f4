import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { ackMessage, ackSignatureHolds, type AckMessage } from '../../../cloud-bridge/contract.ts';
import type { BridgeError } from '../../../cloud-bridge/errors.ts';
import { Ingest, maxWaiting, type IngestParts } from '../../../cloud-bridge/ingest.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import type { CheckedBatch, Trouble } from '../../../cloud-bridge/store/bridge-store.ts';
import { body, event, keyPair, seal } from './making.ts';

const gateway = keyPair();
const bridge = keyPair();
const from = { site: 'demo', gateway: 'demo-gw' };
const batchOf = (seq: number) => seal(body({ seq, records: [event(seq)] }), gateway.privateKey);

/** A store that is down or full, as against a batch that it cannot take. */
function troubleOf(error: unknown): Trouble | null {
  const code = error instanceof Database.SqliteError ? error.code : '';
  if (code === 'SQLITE_FULL') return 'full';
  return code.startsWith('SQLITE_CONSTRAINT') ? null : 'down';
}

function setUp(more: Partial<IngestParts> = {}) {
  const steps: string[] = [];
  const acks: AckMessage[] = [];
  const reported: BridgeError[] = [];
  const metrics = new BridgeMetrics();
  const commit = (batches: readonly CheckedBatch[]) => {
    steps.push(`commit ${batches.map(({ name }) => name.seq).join(' ')}`);
    return { outcomes: batches.map(() => 'stored' as const), fresh: batches.length, known: 0, forks: [] };
  };
  const ingest = new Ingest({
    store: { commit, troubleOf },
    find: (id) => (id === 'demo-gw' ? { id, site: 'demo', key: gateway.publicKey } : null),
    key: bridge.privateKey,
    nowMs: () => 1,
    publish: async (topic, payload) => {
      const ack = ackMessage.parse(JSON.parse(payload.toString()));
      assert.equal(topic, 'selvedge/v1/demo/demo-gw/ack');
      assert.ok(ackSignatureHolds(ack, bridge.publicKey));
      steps.push(`ack ${ack.seq} ${ack.result}`);
      acks.push(ack);
    },
    metrics,
    onFork: () => undefined,
    report: (error) => reported.push(error),
    ...more,
  });
  return { ingest, steps, acks, reported, metrics };
}

function failure(code: string): Error {
  return new Database.SqliteError('as the disk says', code);
}

test('I1: the answer follows the commit, and batches that wait share one', async () => {
  const { ingest, steps } = setUp();
  for (const seq of [1, 2, 3]) ingest.accept(batchOf(seq).payload, from);
  assert.deepEqual(steps, []);
  await ingest.stop();
  assert.deepEqual(steps, ['commit 1 2 3', 'ack 1 stored', 'ack 2 stored', 'ack 3 stored']);
});

test('I1: outcomes of the store are answered each to its batch; a conflict is refused', async () => {
  const outcomes = ['stored', 'repeat', 'conflict'] as const;
  const { ingest, acks } = setUp({ store: { commit: () => ({ outcomes, fresh: 1, known: 0, forks: [] }), troubleOf } });
  for (const seq of [1, 2, 3]) ingest.accept(batchOf(seq).payload, from);
  await ingest.stop();
  assert.deepEqual(
    acks.map(({ seq, result, code }) => [seq, result, code]),
    [
      [1, 'stored', null],
      [2, 'repeat', null],
      [3, 'refused', 'conflict'],
    ],
  );
});

test('I2: every payload that names a batch gets one answer, good and bad ones mixed', async () => {
  const { ingest, acks, metrics } = setUp();
  const bad = seal(body({ seq: 2 }), keyPair().privateKey);
  const newer = seal(body({ seq: 3 }), gateway.privateKey, { v: 9, content: 'of a later version' });
  for (const payload of [batchOf(1).payload, bad.payload, Buffer.from('noise'), newer.payload])
    ingest.accept(payload, from);
  await ingest.stop();
  const answers = acks.sort((a, b) => a.seq - b.seq).map(({ seq, result, code }) => `${seq} ${result} ${code}`);
  assert.deepEqual(answers, ['1 stored null', '2 later bad-signature', '3 later unknown-version']);
  assert.equal(metrics.dropped.unnamed, 1);
  assert.ok(acks.every(({ result, retryAfterS }) => (retryAfterS !== null) === (result === 'later')));
});

test('I3: a store that is down or full makes batches wait; it is said once an outage', async () => {
  for (const [sqlite, code] of [
    ['SQLITE_FULL', 'store-full'],
    ['SQLITE_IOERR_WRITE', 'store-down'],
    ['SQLITE_READONLY', 'store-down'],
    ['SQLITE_CORRUPT', 'store-down'],
  ] as const) {
    const { ingest, acks, reported } = setUp({
      store: {
        commit: () => {
          throw failure(sqlite);
        },
        troubleOf,
      },
    });
    for (const seq of [1, 2]) ingest.accept(batchOf(seq).payload, from);
    await new Promise((resolve) => setImmediate(resolve));
    ingest.accept(batchOf(3).payload, from);
    await ingest.stop();
    assert.deepEqual(new Set(acks.map((ack) => `${ack.result} ${ack.code}`)), new Set([`later ${code}`]));
    assert.ok(acks.length === 3 && acks.every(({ retryAfterS }) => (retryAfterS ?? 0) > 0));
    assert.deepEqual(
      reported.map(({ entry }) => entry.code),
      ['BRG-112'],
    );
  }
});

test('I4: one batch over the limit of those waiting is told busy', async () => {
  const { ingest, acks } = setUp();
  // Answered without being unpacked, to keep the test short.
  const { payload } = seal(body(), gateway.privateKey, { v: 2, bytes: Buffer.from('of a later version') });
  for (let count = 0; count <= maxWaiting; count += 1) ingest.accept(payload, from);
  assert.deepEqual(
    acks.map(({ result, code }) => `${result} ${code}`),
    ['later busy'],
  );
  await ingest.stop();
  assert.equal(acks.filter(({ code }) => code === 'unknown-version').length, maxWaiting);
});

test('I5: a batch the store cannot take does not hold up its neighbours', async () => {
  const { ingest, acks } = setUp({
    store: {
      commit: (batches) => {
        if (batches.some(({ name }) => name.seq === 2)) throw failure('SQLITE_CONSTRAINT_NOTNULL');
        return { outcomes: batches.map(() => 'stored' as const), fresh: 1, known: 0, forks: [] };
      },
      troubleOf,
    },
  });
  for (const seq of [1, 2, 3]) ingest.accept(batchOf(seq).payload, from);
  await ingest.stop();
  assert.deepEqual(
    acks.map(({ seq, result, code }) => `${seq} ${result} ${code}`),
    ['1 stored null', '2 later store-down', '3 stored null'],
  );
});

test('I6: a small batch goes before large ones that wait, which have their turn between small ones all the same', async () => {
  const { ingest, steps } = setUp();
  const large = (seq: number) => {
    const records = Array.from({ length: 400 }, (_, at) =>
      event(at + 1, { data: { to: randomBytes(96).toString('hex') } }),
    );
    const { payload } = seal(body({ seq, records }), gateway.privateKey);
    assert.ok(payload.length > 32 * 1024 && payload.length < 64 * 1024, `${payload.length} bytes`);
    return payload;
  };
  for (const seq of [1, 2, 3, 4, 5]) ingest.accept(large(seq), from);
  for (let seq = 6; seq <= 25; seq += 1) ingest.accept(batchOf(seq).payload, from);
  await ingest.stop();
  assert.deepEqual(
    steps.filter((step) => step.startsWith('commit')).map((step) => step.split(' ').slice(1).map(Number)),
    [[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21], [1], [22, 23, 24, 25], [2], [3], [4], [5]],
  );
});

test('an answer the broker does not take is counted; the gateway sends again', async () => {
  const { ingest, metrics } = setUp({ publish: () => Promise.reject(failure('away')) });
  ingest.accept(batchOf(1).payload, from);
  await ingest.stop();
  assert.equal(metrics.answersUnsent, 1);
});
