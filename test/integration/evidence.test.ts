import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import type { Store } from '../../agent/store/open.ts';
import { alert, event } from '../unit/bridge/making.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, runGateway, runProxy, temporaryDir, until } from './sync-rig.ts';

async function keep(store: Store, n: number, bytes: Buffer): Promise<string> {
  const sha256 = await store.keepFile(bytes);
  const data = { sha256, bytes: bytes.length, mediaType: 'image/webp', role: 'crop', occurrence: 'o-1' };
  const record = event(n, { event: 'evidence', atMs: clock.wallMs(), data });
  await store.commit([{ lane: 'evidence', record }], { urgent: false });
  return sha256;
}
const waiting = async (store: Store) => (await store.outboxCounts()).files;

function filesAtBridge(bridgeDir: string): Map<string, Buffer> {
  const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
  try {
    const rows = db
      .prepare(`SELECT sha256, bytes FROM evidence_chunk JOIN evidence_file USING (gateway, sha256)
        WHERE whole = 1 ORDER BY sha256, chunk`)
      .raw()
      .all() as [string, Buffer][];
    return new Map(
      [...Map.groupBy(rows, ([name]) => name)].map(([name, some]) => [
        name,
        Buffer.concat(some.map(([, bytes]) => bytes)),
      ]),
    );
  } finally {
    db.close();
  }
}

test('files of every size arrive whole, through cuts and eaten answers, and only after their records', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const proxy = await runProxy(t, () => bridge.mqtt);
  const dataDir = temporaryDir(t);
  const { store, uplink } = await runGateway(t, { dataDir, port: proxy.port, gateway, bridgeDir });
  const files = [1, 24_000, 48 * 1024, 48 * 1024 + 1, 700_000].map((size) => randomBytes(size));
  const names: string[] = [];
  for (const [at, bytes] of files.entries()) {
    names.push(await keep(store, at + 1, bytes));
    proxy.mode = at % 2 === 0 ? 'eat' : 'cut';
    await new Promise((resolve) => setTimeout(resolve, 30));
    proxy.mode = 'open';
  }
  await drained(store);
  await until('all files are with the bridge', async () => (await waiting(store)) === 0);
  const there = filesAtBridge(bridgeDir);
  assert.deepEqual([...there.keys()].sort(), names.toSorted());
  for (const [at, bytes] of files.entries()) assert.deepEqual(there.get(names[at] ?? ''), bytes);
  await until('the view is up to date', () => uplink.view().outboxFiles === 0);
});

test('a large file under way does not hold up an alert; a file that is gone is let go and said', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const lines: string[] = [];
  const { store } = await runGateway(
    t,
    { dataDir: temporaryDir(t), port: bridge.mqtt, gateway, bridgeDir },
    { log: (_level, message) => lines.push(message) },
  );
  await keep(store, 1, randomBytes(4 * 1024 * 1024));
  await drained(store);
  await store.commit([{ lane: 'alerts', record: alert(2, { atMs: clock.wallMs() }) }], { urgent: true });
  await drained(store);
  assert.equal(await waiting(store), 1, 'the alert was there before the file');
  await until('the file is there', async () => (await waiting(store)) === 0);
});

test('a file that was deleted here is let go, and the log says so', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const dataDir = temporaryDir(t);
  const at = { dataDir, port: 1, gateway, bridgeDir };
  const first = await runGateway(t, at);
  await keep(first.store, 1, randomBytes(100));
  await first.stop();
  rmSync(join(dataDir, 'evidence'), { recursive: true });
  const bridge = await runBridge(t, bridgeDir);
  const lines: string[] = [];
  const second = await runGateway(t, { ...at, port: bridge.mqtt }, { log: (_level, message) => lines.push(message) });
  await until('it is let go', async () => (await waiting(second.store)) === 0);
  await until('it is said', () => lines.some((line) => line.includes('gone or damaged')));
  assert.equal(filesAtBridge(bridgeDir).size, 0);
});
