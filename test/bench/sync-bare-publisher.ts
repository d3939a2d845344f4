/**
 * The other yardstick for the drain: the same batches and files over QoS 1 by MQTT.js and nothing else, a hundred of them waiting for their
 * PUBACK at a time; a process of its own: `DATA_DIR PORT`. Prints how many records they were and how long it took.
 */
import BetterSqlite from 'better-sqlite3';
import mqtt from 'mqtt';
import { evidenceIn, journalOf } from './sync-sealed.ts';

const window = 100;
const [, , dataDir = '', port = '0'] = process.argv;
const source = new BetterSqlite(journalOf(dataDir), { readonly: true });
const batches = source
  .prepare("SELECT records, bytes FROM batch WHERE state = 'pending' ORDER BY id")
  .all() as readonly { readonly records: number; readonly bytes: Buffer }[];
source.close();
const payloads = [...batches, ...evidenceIn(dataDir)].map(({ bytes }) => bytes);

const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 });
const fromMs = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: window }, async () => {
    for (let payload = payloads[next++]; payload !== undefined; payload = payloads[next++]) {
      await client.publishAsync('selvedge/v1/bench/bench-gw/up', payload, { qos: 1 });
    }
  }),
);
const tookMs = performance.now() - fromMs;
await client.endAsync();
const records = batches.reduce((sum, batch) => sum + batch.records, 0);
process.stdout.write(`${JSON.stringify({ records, tookMs })}\n`);
