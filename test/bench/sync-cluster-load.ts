/**
 * Gateways that load a cluster, a process of its own: `BROKER_PORT FILES_JSON IN_FLIGHT RECORDS_EACH WARM_MS FOR_MS`. Each sends batches of
 * minute summaries, so many at a time, and the next when one is stored. Prints a line when the time that counts begins, and at its
 * end what was stored in it.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import mqtt from 'mqtt';
import { ackMessage, encodeUp, sha256Hex, signBatch, topicOf } from '../../cloud-bridge/contract.ts';
import { floorValues } from './sync-floor.ts';
import type { GatewayFiles } from './sync-parts.ts';
import { machineId } from './sync-play.ts';

const [, , port = '0', filesJson = '[]', inFlight = '1', recordsEach = '100', warmMs = '0', forMs = '0'] = process.argv;
const sendAgainMs = 5_000;
let batches = 0;
let refused = 0;
const end = new AbortController();

/** Minute after minute of ten machines. */
function recordsOf(boot: string, seq: number, nowMs: number) {
  return Array.from({ length: Number(recordsEach) }, (_, at) => {
    const n = (seq - 1) * Number(recordsEach) + at + 1;
    const [machine, minute] = [Math.floor(n / 24) % 10, Math.floor(n / 240)];
    const minuteMs = Math.floor(nowMs / 60_000) * 60_000 - 86_400_000 + minute * 60_000;
    const [signal, shown] = floorValues(machine, minute * 60)[1 + (n % 24)] ?? ['spindle.speed', 0];
    const value = Number(shown);
    const base = { n, v: 1, kind: 'summary', machine: machineId(machine), atMs: minuteMs + 60_000, minuteMs } as const;
    const totals = { samples: 60, good: 60, sum: 60 * value, integral: 60 * value, coveredS: 60, counter: null };
    const edges = { min: value, max: value, first: value, last: value };
    return { ...base, readingBoot: boot, segment: 0, revision: 1, signal, ...totals, ...edges };
  });
}

async function gateway({ site, gateway, key }: GatewayFiles): Promise<void> {
  const privateKey = createPrivateKey(readFileSync(key));
  const boot = randomBytes(8).toString('hex');
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 });
  const waiting = new Map<number, (result: string) => void>();
  client.on('message', (_topic, payload) => {
    const { data } = ackMessage.safeParse(JSON.parse(payload.toString()));
    if (data !== undefined && data.boot === boot) waiting.get(data.seq)?.(data.result);
  });
  await client.subscribeAsync(topicOf(site, gateway, 'ack'), { qos: 1 });
  let last = 0;
  const lane = async () => {
    while (!end.signal.aborted) {
      const seq = ++last;
      const nowMs = Date.now();
      const head = {
        v: 1,
        site,
        gateway,
        boot,
        previousBoot: null,
        seq,
        lane: 'live',
        sealedMs: nowMs,
        clock: 'synced',
      };
      const bytes = zstdCompressSync(JSON.stringify({ ...head, records: recordsOf(boot, seq, nowMs) }));
      const name = { gateway, boot, seq, sha256: sha256Hex(bytes) };
      const up = encodeUp({ v: 1, ...name, bytes: bytes.length, sig: signBatch(name, privateKey) }, bytes);
      for (let result = ''; result !== 'stored' && result !== 'repeat' && !end.signal.aborted;) {
        const answered = new Promise<string>((resolve) => waiting.set(seq, resolve));
        await client.publishAsync(topicOf(site, gateway, 'up'), up, { qos: 1 });
        result = await Promise.race([answered, delay(sendAgainMs, 'unanswered', { ref: false })]);
        if (result === 'refused') refused += 1;
      }
      waiting.delete(seq);
      batches += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
  await client.endAsync(true);
}

const all = Promise.all((JSON.parse(filesJson) as GatewayFiles[]).map(gateway));
const tell = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
await delay(Number(warmMs));
tell('measuring');
const before = batches;
const fromMs = performance.now();
await delay(Number(forMs));
const stored = batches - before;
tell({ batches: stored, records: stored * Number(recordsEach), tookMs: performance.now() - fromMs, refused });
end.abort();
await all;
