/** A broker that says it has a batch and has it not, and a bridge that has it and never says so: a batch leaves the outbox for neither. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import BetterSqlite from 'better-sqlite3';
import { topicOf } from '../../cloud-bridge/contract.ts';
import { alert, event } from '../unit/bridge/making.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, eventsAtBridge, runGateway, runProxy, temporaryDir, until } from './sync-rig.ts';

const live = (n: number) => ({ lane: 'live' as const, record: event(n, { atMs: clock.wallMs() }) });
const numbers = (boot: string, count: number) => Array.from({ length: count }, (_, i) => `${boot}/${i + 1}`).sort();

for (const forgets of ['batches', 'answers'] as const) {
  test(`U2, S3: a broker that acknowledges and forgets ${forgets} loses nothing: what it forgot is sent until the bridge has answered`, async (t) => {
    const bridgeDir = temporaryDir(t);
    const gateway = await registerGateway(bridgeDir);
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(async () => {
      await new Promise<void>((resolve) => broker.close(resolve));
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const topic = topicOf(gateway.site, gateway.id, forgets === 'batches' ? 'up' : 'ack');
    let forgetting = true;
    let forgotten = 0;
    // The sender gets its PUBACK; whoever subscribed hears nothing.
    broker.authorizePublish = (_client, packet, done) => {
      if (forgetting && packet.topic === topic) {
        forgotten++;
        packet.topic = 'forgotten';
      }
      done(null);
    };
    const passwordFile = join(bridgeDir, 'bridge.password');
    writeFileSync(passwordFile, 'any\n');
    const url = `mqtt://bridge@127.0.0.1:${port}`;
    await runBridge(t, bridgeDir, ['--broker', url, '--broker-password-file', passwordFile]);
    const { store } = await runGateway(t, { dataDir: temporaryDir(t), port, gateway, bridgeDir });
    for (let n = 1; n <= 12; n++) await store.commit([live(n)], { urgent: n % 4 === 0 });
    await store.commit([{ lane: 'alerts', record: alert(13) }], { urgent: true });
    await until('some were forgotten', () => forgotten >= 5);
    assert.equal((await store.outboxCounts()).records, 13, 'nothing left the outbox');
    assert.equal((await store.outboxCounts()).acked, 0);
    forgetting = false;
    await drained(store);
    assert.deepEqual(eventsAtBridge(bridgeDir), numbers(store.recovery.boot, 12));
    const { dead, redelivered } = await store.outboxCounts();
    assert.equal(dead, 0);
    assert.ok(redelivered > 0);
  });
}

test('S3: a bridge that commits and dies before it answers, again and again, ends with every record once', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  let port = 1;
  const proxy = await runProxy(t, () => port);
  const { store } = await runGateway(t, { dataDir: temporaryDir(t), port: proxy.port, gateway, bridgeDir });
  let n = 0;
  for (let death = 0; death < 3; death++) {
    for (let i = 0; i < 4; i++) await store.commit([live(++n)], { urgent: false });
    const doomed = await runBridge(t, bridgeDir, [], join(import.meta.dirname, 'bridge-killed-child.ts'));
    const died = once(doomed.child, 'exit');
    port = doomed.mqtt;
    assert.equal((await died)[1], 'SIGKILL');
    assert.equal((await store.outboxCounts()).acked, 0);
  }
  assert.ok(eventsAtBridge(bridgeDir).length > 0, 'it did commit');
  port = (await runBridge(t, bridgeDir)).mqtt;
  await drained(store);
  assert.deepEqual(eventsAtBridge(bridgeDir), numbers(store.recovery.boot, n));
  assert.equal((await store.outboxCounts()).dead, 0);
  const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
  t.after(() => db.close());
  assert.ok(Number(db.prepare('SELECT sum(repeats) FROM batch').pluck().get()) > 0, 'a batch came again');
});
