/** A gateway without machines: store and uplink against a bridge, through a proxy that can misbehave. */
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { openStore, type Store } from '../../agent/store/open.ts';
import type { Outage } from '../../agent/sync/outage.ts';
import { createUplink } from '../../agent/sync/uplink.ts';
import type { Uplink, UplinkOptions } from '../../agent/sync/uplink-ports.ts';
import type { TestGateway } from './bridge-process.ts';

export const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

export function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-sync-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** Resolves when `ready` says so, asked every 20 ms; rejects with `what` after `withinMs`. */
export async function until(what: string, ready: () => boolean | Promise<boolean>, withinMs = 120_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await ready())) {
    if (performance.now() > endMs) throw new TypeError(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Proxy {
  readonly port: number;
  /** `open` passes all; `cut` breaks and refuses; `hole` keeps connections and passes nothing; `eat` passes only what goes up. */
  mode: 'open' | 'cut' | 'hole' | 'eat';
}
export async function runProxy(t: TestContext, target: () => number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: Proxy['mode'] = 'open';
  const pass = (from: Socket, to: Socket, up: boolean) => {
    sockets.add(from);
    from.on('data', (chunk) => {
      if (mode === 'open' || (mode === 'eat' && up)) to.write(chunk);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((near) => {
    if (mode === 'cut') return void near.destroy();
    const far = connect(target(), '127.0.0.1');
    pass(near, far, true);
    pass(far, near, false);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
      if (next === 'cut') for (const socket of sockets) socket.destroy();
    },
  };
}

export interface Gateway {
  readonly store: Store;
  readonly uplink: Uplink;
  readonly outages: Outage[];
  readonly stop: () => Promise<void>;
}
/** Opens the store in `dataDir` and starts the uplink to `port`; both end with the test. */
export async function runGateway(
  t: TestContext,
  at: { readonly dataDir: string; readonly port: number; readonly gateway: TestGateway; readonly bridgeDir: string },
  more: Partial<UplinkOptions> = {},
): Promise<Gateway> {
  const store = await openStore({ dataDir: at.dataDir, clock, groupCommitMs: 10 });
  const outages: Outage[] = [];
  const uplink = createUplink({
    site: at.gateway.site,
    gateway: at.gateway.id,
    boot: store.recovery.boot,
    previousBoot: store.recovery.previousBoot,
    agentVersion: '0.1.0',
    url: `mqtt://127.0.0.1:${at.port}`,
    password: at.gateway.password,
    gatewayKey: at.gateway.key,
    bridgeKey: createPublicKey(readFileSync(join(at.bridgeDir, 'bridge.pub.pem'))),
    store,
    clock,
    random: Math.random,
    log: () => undefined,
    lingerMs: 20,
    clockState: () => 'synced',
    ackTimeoutMs: 500,
    outageAfterMs: 1_000,
    reconnect: { minMs: 50, maxMs: 200 },
    onOutage: (outage) => outages.push(outage),
    ...more,
  });
  await uplink.start(new AbortController().signal);
  const stop = async () => {
    await uplink.stop();
    await store.close();
  };
  t.after(stop);
  return { store, uplink, outages, stop };
}

/** Identities of every event at the bridge, sorted as text; with repeats, were there any. */
export function eventsAtBridge(bridgeDir: string): string[] {
  const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
  try {
    return db.prepare("SELECT boot || '/' || n FROM record_event ORDER BY boot, n").pluck().all().map(String).sort();
  } finally {
    db.close();
  }
}

export async function drained(store: Store): Promise<void> {
  await until('the outbox is empty', async () => (await store.outboxCounts()).records === 0);
}
