/**
 * A gateway with the agent's store and uplink and no machines, a process of its own: `DATA_DIR PORT FILES_JSON ALERTS_EVERY_MS`.
 * Prints a line when its store is open. At `drain` it connects, and commits an alert every so often until all that waited is
 * acked; at `idle MS` it commits alerts for so long. After each it prints what came of it; it ends with its input.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { RecordMaker } from '../../agent/records.ts';
import { openStore } from '../../agent/store/open.ts';
import { createUplink } from '../../agent/sync/uplink.ts';
import { machineId } from './sync-play.ts';
import { readText, type GatewayFiles } from './sync-parts.ts';

const [, , dataDir = '', port = '0', filesJson = '{}', alertsEveryMs = '100'] = process.argv;
const files = JSON.parse(filesJson) as GatewayFiles;
const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

const store = await openStore({ dataDir, clock });
const { boot, previousBoot } = store.recovery;
const before = await store.outboxCounts();
/** What waits unsealed are the records of evidence; they make one batch. */
let toSettle = before.batches + (before.unsealed.other > 0 ? 1 : 0);
let filesToSettle = before.files;
let refused = 0;
let onDrained: () => void = () => undefined;
const uplink = createUplink({
  site: files.site,
  gateway: files.gateway,
  boot,
  previousBoot,
  agentVersion: '0.0.0',
  url: `mqtt://127.0.0.1:${port}`,
  password: readText(files.password),
  gatewayKey: createPrivateKey(readFileSync(files.key)),
  bridgeKey: createPublicKey(readFileSync(files.bridgeKey)),
  store: {
    ...store,
    settle: async (settlement) => {
      const changed = await store.settle(settlement);
      if (changed && settlement.result === 'refused') refused += 1;
      // Alerts are of this boot, what waited of the one before.
      if (changed && settlement.boot !== boot && settlement.result !== 'later') toSettle -= 1;
      if (toSettle === 0 && filesToSettle === 0) onDrained();
      return changed;
    },
    settleFile: async (settlement) => {
      const changed = await store.settleFile(settlement);
      if (changed) filesToSettle -= 1;
      if (changed && settlement.result !== 'stored') refused += 1;
      if (toSettle === 0 && filesToSettle === 0) onDrained();
      return changed;
    },
  },
  clock,
  random: Math.random,
  log: () => undefined,
  clockState: () => 'synced',
});

const maker = new RecordMaker();
/** When each alert was handed to the store, UTC ms by its number. */
const alertsMs: Record<number, number> = {};

async function alertsUntil(end: AbortSignal): Promise<void> {
  for (let at = 0; !end.aborted; at += 1) {
    const nowMs = Date.now();
    const record = maker.make({
      kind: 'alert',
      machine: machineId(at % 100),
      atMs: nowMs,
      occurrence: `${boot}-${at}`,
      type: 'thread_break',
      rule: 'thread-break',
      signal: null,
      priority: 'high',
      transition: 'raised',
      state: 'active-unacked',
      onsetMs: nowMs,
      raisedMs: nowMs,
      clearedMs: null,
      cause: 'material.thread_break',
      text: 'Thread break',
      evidence: { code: 41 },
      actor: null,
    });
    alertsMs[record.n] = nowMs;
    await store.commit([{ lane: 'alerts', record }], { urgent: true });
    await delay(Number(alertsEveryMs) * (0.5 + Math.random()), undefined, { signal: end }).catch(() => undefined);
  }
}

const tell = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
tell({ boot, records: before.records, batches: before.batches, files: before.files });
let connected = false;
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ms = '0'] = line.split(' ');
  const end = new AbortController();
  const fromMs = performance.now();
  if (verb === 'drain') {
    const drained = new Promise<void>((resolve) => (onDrained = resolve));
    await uplink.start(new AbortController().signal);
    connected = true;
    const alerting = alertsUntil(end.signal);
    await drained;
    const tookMs = performance.now() - fromMs;
    end.abort();
    await alerting;
    tell({ tookMs, refused, alertsMs, cpuS: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 });
  } else {
    setTimeout(() => end.abort(), Number(ms));
    await alertsUntil(end.signal);
    tell({ alertsMs });
  }
  for (const n of Object.keys(alertsMs)) delete alertsMs[Number(n)];
}
if (connected) await uplink.stop();
await store.close();
