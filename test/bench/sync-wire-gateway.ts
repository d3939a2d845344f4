/**
 * A gateway whose hour passes in seconds, a process of its own: `DATA_DIR PORT FILES_JSON MACHINES MINUTES FROM_S`. The agent's
 * pipeline, store and uplink at a real bridge, with the timers of this thread moved by hand: time goes on only when all that was
 * due has been stored, sent and answered. Prints the bytes of the steady minutes.
 */
import { handFromMs, passMs } from './sync-hand-time.ts';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { openStore, type Store } from '../../agent/store/open.ts';
import { minutePairMs } from '../../agent/sync/uplink-ports.ts';
import { createUplink } from '../../agent/sync/uplink.ts';
import { readText, type GatewayFiles } from './sync-parts.ts';
import { HandClock, Play } from './sync-play.ts';
import { WireCount } from './sync-wire-count.ts';

const tickMs = 200;
/** Birth, descriptions and the first, unfinished minute. */
const warmMinutes = 2;
const [, , dataDir = '', port = '0', filesJson = '{}', machines = '0', minutes = '0', fromS = '0'] = process.argv;
const files = JSON.parse(filesJson) as GatewayFiles;

const wire = new WireCount();
const relay = await wire.start(Number(port));
const clock = new HandClock(handFromMs);
const opened = await openStore({ dataDir, clock, groupCommitMs: 1 });

/** Calls of the store without an answer, and batches without one from the bridge. */
let working = 0;
let inFlight = 0;
let batches = 0;
async function during<T>(work: Promise<T>): Promise<T> {
  working += 1;
  try {
    return await work;
  } finally {
    working -= 1;
  }
}
const store: Store = {
  ...opened,
  commit: (entries, options) => during(opened.commit(entries, options)),
  take: async (request) => {
    const taken = await during(opened.take(request));
    inFlight += taken.length;
    batches += taken.length;
    return taken;
  },
  settle: async (settlement) => {
    const changed = await during(opened.settle(settlement));
    if (changed && settlement.result !== 'later') inFlight -= 1;
    return changed;
  },
  noteSent: (sent, atMs) => during(opened.noteSent(sent, atMs)),
  outboxCounts: () => during(opened.outboxCounts()),
};
const play = new Play(
  { machines: Number(machines), intervalMs: 1_000, tickMs, fromS: Number(fromS), recovery: store.recovery },
  clock,
  { journal: (entries, urgent) => store.commit(entries, { urgent }), ring: () => undefined },
);
const uplink = createUplink({
  site: files.site,
  gateway: files.gateway,
  boot: store.recovery.boot,
  previousBoot: store.recovery.previousBoot,
  agentVersion: '0.0.0',
  url: `mqtt://127.0.0.1:${relay}`,
  password: readText(files.password),
  gatewayKey: createPrivateKey(readFileSync(files.key)),
  bridgeKey: createPublicKey(readFileSync(files.bridgeKey)),
  store,
  clock,
  random: Math.random,
  log: () => undefined,
  clockState: () => 'synced',
  // As the agent has it while minutes are sent only when they are over.
  minuteLingerMs: minutePairMs,
});

/** The uplink's connection: what it has written is to be at the relay, and what the relay has passed on is to be read. */
let socket: Socket | null = null;
subscribe('net.client.socket', (message) => {
  const made = (message as { readonly socket: Socket }).socket;
  made.once('connect', () => {
    if (made.remotePort === relay) socket = made;
  });
});
const isOnTheWire = () => (socket?.bytesWritten ?? 0) > wire.up || (socket?.bytesRead ?? 0) < wire.down;
const isUnderWay = () => working > 0 || inFlight > 0 || wire.pings > 0 || isOnTheWire();

async function pass(forMinutes: number): Promise<void> {
  for (let ms = 0; ms < forMinutes * 60_000; ms += tickMs) {
    play.step();
    passMs(tickMs);
    do await turn();
    while (isUnderWay());
  }
}

await uplink.start(new AbortController().signal);
while (!uplink.view().connected) await turn();
await pass(warmMinutes);
const before = { up: wire.up, down: wire.down, batches };
await pass(Number(minutes));
const { redelivered, outboxRecords } = uplink.view();
process.stdout.write(
  `${JSON.stringify({
    up: wire.up - before.up,
    down: wire.down - before.down,
    batches: batches - before.batches,
    connections: uplink.counters().connections,
    redelivered,
    outboxRecords,
  })}\n`,
);
process.exit(0);
