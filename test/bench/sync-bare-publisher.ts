/**
 * The other yardstick for the drain: the same batches over QoS 1 by MQTT.js and nothing else, a hundred of them waiting for their
 * PUBACK at a time; a process of its own: `JOURNAL PORT`. Prints how many records they were and how long it took.
 */
import BetterSqlite from 'better-sqlite3';
import mqtt from 'mqtt';

const window = 100;
const [, , journal = '', port = '0'] = process.argv;
const source = new BetterSqlite(journal, { readonly: true });
const batches = source
  .prepare("SELECT records, bytes FROM batch WHERE state = 'pending' ORDER BY id")
  .all() as readonly { readonly records: number; readonly bytes: Buffer }[];
source.close();

const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0 });
const fromMs = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: window }, async () => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      await client.publishAsync('selvedge/v1/bench/bench-gw/up', batch.bytes, { qos: 1 });
    }
  }),
);
const tookMs = performance.now() - fromMs;
await client.endAsync();
const records = batches.reduce((sum, batch) => sum + batch.records, 0);
process.stdout.write(`${JSON.stringify({ records, tookMs })}\n`);
