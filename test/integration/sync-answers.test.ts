/** The uplink against a broker of the test's own, where answers can be forged. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Aedes } from 'aedes';
import {
  batchSignatureHolds,
  decodeUp,
  sha256Hex,
  signAck,
  topicOf,
  type BatchName,
} from '../../cloud-bridge/contract.ts';
import { openStore } from '../../agent/store/open.ts';
import { createUplink } from '../../agent/sync/uplink.ts';
import { event } from '../unit/bridge/making.ts';
import { clock, temporaryDir, until } from './sync-rig.ts';

/** A broker and one gateway with one record; `heard` fills with the batches it sends. */
async function runRig(t: TestContext) {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gatewayPair = generateKeyPairSync('ed25519');
  const bridgePair = generateKeyPairSync('ed25519');
  const heard: BatchName[] = [];
  broker.on('publish', (packet) => {
    if (packet.topic !== topicOf('demo', 'demo-gw', 'up')) return;
    const up = decodeUp(Buffer.from(packet.payload));
    if ('error' in up) return assert.fail(up.error);
    const { gateway, boot, seq, sha256, sig } = up.header;
    assert.ok(batchSignatureHolds({ gateway, boot, seq, sha256 }, sig, gatewayPair.publicKey));
    assert.equal(sha256, sha256Hex(up.bytes));
    heard.push({ gateway, boot, seq, sha256 });
  });
  const store = await openStore({ dataDir: temporaryDir(t), clock, groupCommitMs: 5 });
  const letters: (string | null)[] = [];
  const uplink = createUplink({
    site: 'demo',
    gateway: 'demo-gw',
    boot: store.recovery.boot,
    previousBoot: null,
    agentVersion: '0.1.0',
    url: `mqtt://127.0.0.1:${port}`,
    password: null,
    gatewayKey: gatewayPair.privateKey,
    bridgeKey: bridgePair.publicKey,
    store,
    clock,
    random: () => 0.5,
    log: () => undefined,
    ackTimeoutMs: 400,
    lingerMs: 5,
    clockState: () => 'synced',
    onDeadLetter: ({ code }) => letters.push(code),
  });
  await uplink.start(new AbortController().signal);
  t.after(async () => {
    await uplink.stop();
    await store.close();
    await new Promise<void>((resolve) => broker.close(resolve));
    server.close();
  });
  await store.commit([{ lane: 'live', record: event(1) }], { urgent: true });
  await until('the batch', () => heard.length > 0);
  const say = (payload: string) =>
    new Promise<void>((resolve) =>
      broker.publish(
        {
          cmd: 'publish',
          topic: topicOf('demo', 'demo-gw', 'ack'),
          payload: Buffer.from(payload),
          qos: 1,
          retain: false,
          dup: false,
        },
        () => resolve(),
      ),
    );
  const [name] = heard;
  assert.ok(name !== undefined);
  return {
    store,
    uplink,
    heard,
    letters,
    say,
    name,
    bridgeKey: bridgePair.privateKey,
    otherKey: gatewayPair.privateKey,
  };
}

test('U1: answers with a foreign key, name, hash or form release nothing; the bridge’s own does', async (t) => {
  const { store, uplink, say, name, bridgeKey, otherKey } = await runRig(t);
  const stored = { v: 1, ...name, result: 'stored', code: null, retryAfterS: null } as const;
  const forged = [
    JSON.stringify(signAck(stored, otherKey)),
    JSON.stringify({ ...signAck({ ...stored, result: 'later' }, bridgeKey), result: 'stored' }),
    JSON.stringify(signAck({ ...stored, gateway: 'other-gw' }, bridgeKey)),
    JSON.stringify({ ...stored, sig: 'AAAA' }),
    'no json',
    'x'.repeat(100_000),
  ];
  for (const payload of forged) await say(payload);
  await until('six ignored answers', () => uplink.counters().invalidAcks === forged.length);
  // Signed by the bridge, but of other batches: they release those, which do not exist.
  await say(JSON.stringify(signAck({ ...stored, sha256: '0'.repeat(64) }, bridgeKey)));
  await say(JSON.stringify(signAck({ ...stored, seq: name.seq + 1 }, bridgeKey)));
  await say(JSON.stringify(signAck({ ...stored, boot: '0'.repeat(16) }, bridgeKey)));
  await say('one more');
  await until('the last of them', () => uplink.counters().invalidAcks === forged.length + 1);
  assert.equal((await store.outboxCounts()).records, 1);
  await say(JSON.stringify(signAck(stored, bridgeKey)));
  await until('the release', async () => (await store.outboxCounts()).records === 0);
});

test('a batch without an answer is sent again with the same bytes, and counted', async (t) => {
  const { store, heard, name } = await runRig(t);
  await until('the third send', () => heard.length >= 3);
  assert.deepEqual(new Set(heard.map(({ sha256 }) => sha256)), new Set([name.sha256]));
  await until('the count', async () => (await store.outboxCounts()).redelivered >= 2);
});

test('S3: a refused batch becomes a dead letter that is told and kept, and is not sent again', async (t) => {
  const { store, letters, say, name, bridgeKey, heard } = await runRig(t);
  await say(
    JSON.stringify(signAck({ v: 1, ...name, result: 'refused', code: 'conflict', retryAfterS: null }, bridgeKey)),
  );
  await until('the dead letter', () => letters.length === 1);
  assert.deepEqual(letters, ['conflict']);
  const sent = heard.length;
  await store.commit([{ lane: 'live', record: event(2) }], { urgent: true });
  await until('the next batch', () => heard.length > sent);
  assert.ok(heard.slice(sent).every(({ seq }) => seq !== name.seq));
  assert.equal((await store.outboxCounts()).dead, 1);
});
