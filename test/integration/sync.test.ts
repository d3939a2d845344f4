import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { join } from 'node:path';
import { requireProgram } from '../support/peers.ts';
import { alert, event } from '../unit/bridge/making.ts';
import { runMosquitto } from './bridge-peers.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, eventsAtBridge, runGateway, runProxy, temporaryDir, until } from './sync-rig.ts';

const live = (n: number) => ({ lane: 'live' as const, record: event(n, { atMs: clock.wallMs() }) });
const numbers = (boot: string, count: number) => Array.from({ length: count }, (_, i) => `${boot}/${i + 1}`).sort();

test('U2: through cuts, a black hole and eaten answers every record arrives exactly once, and the outage is told', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const proxy = await runProxy(t, () => bridge.mqtt);
  const dataDir = temporaryDir(t);
  const { store, uplink, outages } = await runGateway(t, { dataDir, port: proxy.port, gateway, bridgeDir });

  let n = 0;
  const commit = async (count: number) => {
    for (let i = 0; i < count; i++) await store.commit([live(++n)], { urgent: false });
  };
  await commit(20);
  await drained(store);
  for (const mode of ['cut', 'eat', 'hole'] as const) {
    const told = outages.length;
    proxy.mode = mode;
    await commit(10);
    await until(`an outage by ${mode}`, () => outages.length > told);
    proxy.mode = 'open';
    await commit(5);
    await drained(store);
    await until(`the end of the outage by ${mode}`, () => outages.length > told && outages.at(-1)?.phase === 'closed');
  }
  assert.deepEqual(eventsAtBridge(bridgeDir), numbers(store.recovery.boot, n));
  const counts = await store.outboxCounts();
  assert.equal(counts.sealed, counts.acked);
  assert.ok(counts.redelivered > 0, 'eaten answers make redeliveries');
  assert.ok(outages.length >= 6);
  for (const [index, outage] of outages.entries()) {
    assert.equal(outage.phase, index % 2 === 0 ? 'opened' : 'closed');
    if (outage.phase === 'closed') assert.equal(outage.fromMs, outages[index - 1]?.fromMs);
  }
  assert.equal(uplink.view().deadLetters, 0);
});

test('U2: what a stopped agent left behind is delivered by the next start, under its own boot', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const dataDir = temporaryDir(t);
  const first = await runGateway(t, { dataDir, port: 1, gateway, bridgeDir });
  await first.store.commit([1, 2, 3].map(live), { urgent: true });
  await first.store.commit([{ lane: 'alerts', record: alert(4) }], { urgent: true });
  await first.stop();

  const second = await runGateway(t, { dataDir, port: bridge.mqtt, gateway, bridgeDir });
  assert.equal(second.store.recovery.previousBoot, first.store.recovery.boot);
  await second.store.commit([live(1)], { urgent: false });
  await drained(second.store);
  assert.deepEqual(
    eventsAtBridge(bridgeDir),
    [...numbers(first.store.recovery.boot, 3), `${second.store.recovery.boot}/1`].sort(),
  );
});

test('a bridge that is killed and started again gets everything once', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  let bridge = await runBridge(t, bridgeDir);
  const proxy = await runProxy(t, () => bridge.mqtt);
  const { store } = await runGateway(t, { dataDir: temporaryDir(t), port: proxy.port, gateway, bridgeDir });
  for (let n = 1; n <= 30; n++) {
    await store.commit([live(n)], { urgent: false });
    if (n === 15) await bridge.stop('SIGKILL');
  }
  bridge = await runBridge(t, bridgeDir);
  await drained(store);
  assert.deepEqual(eventsAtBridge(bridgeDir), numbers(store.recovery.boot, 30));
});

test('U3, U4: a wrong password is a state that is told, records are kept, and a stop takes less than 1 s', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const at = { dataDir: temporaryDir(t), port: bridge.mqtt, gateway: { ...gateway, password: 'wrong' }, bridgeDir };
  const { store, uplink } = await runGateway(t, at);
  await store.commit([live(1)], { urgent: true });
  await until('the refusal', () => uplink.view().reason === 'refused: not authorised');
  assert.equal(uplink.view().connected, false);
  assert.equal((await store.outboxCounts()).records, 1);
  const fromMs = performance.now();
  await uplink.stop();
  assert.ok(performance.now() - fromMs < 1_000);
});

test('U3: after a stop no socket and no timer is left, whatever the uplink was doing', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const proxy = await runProxy(t, () => bridge.mqtt);
  const count = (kind: RegExp) => process.getActiveResourcesInfo().filter((name) => kind.test(name)).length;
  const timers = count(/^Timeout$/);
  for (const mode of ['open', 'cut', 'hole'] as const) {
    proxy.mode = 'open';
    const { store, uplink } = await runGateway(t, { dataDir: temporaryDir(t), port: proxy.port, gateway, bridgeDir });
    await store.commit([live(1)], { urgent: true });
    await until('connected', () => uplink.view().connected);
    proxy.mode = mode;
    await store.commit([live(2)], { urgent: true });
    const fromMs = performance.now();
    await uplink.stop();
    assert.ok(performance.now() - fromMs < 1_000, mode);
    // The proxy is in this process, too: its ends close with those of the uplink.
    proxy.mode = 'cut';
    await until(`no socket is left: ${mode}`, () => count(/^(TCP.*|TLS)Wrap$/) === count(/^TCPServerWrap$/), 5_000);
    assert.equal(count(/^Timeout$/), timers, mode);
    await store.close();
  }
});

test('on mosquitto the agent delivers, shows itself online, and offline when it stops', async (t) => {
  if (!requireProgram(t, 'mosquitto')) return;
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const port = await runMosquitto(t, bridgeDir, { bridge: 'b-password', [gateway.id]: gateway.password });
  const passwordFile = join(bridgeDir, 'bridge.password');
  writeFileSync(passwordFile, 'b-password\n');
  await runBridge(t, bridgeDir, [
    '--broker',
    `mqtt://bridge@127.0.0.1:${port}`,
    '--broker-password-file',
    passwordFile,
  ]);
  const { store, uplink } = await runGateway(t, { dataDir: temporaryDir(t), port, gateway, bridgeDir });
  for (let n = 1; n <= 50; n++) await store.commit([live(n)], { urgent: false });
  await drained(store);
  assert.deepEqual(eventsAtBridge(bridgeDir), numbers(store.recovery.boot, 50));
  const online = () => {
    const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
    const value = db.prepare('SELECT online FROM status').pluck().get();
    db.close();
    return value;
  };
  await until('online', () => online() === 1);
  await uplink.stop();
  await until('offline', () => online() === 0);
});
