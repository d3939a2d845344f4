/**
 * The yardstick for store-cost, a process of its own: `DATABASE`. The same readings, a row each with an index on (machine, signal, at),
 * by better-sqlite3 in a writer thread, WAL, synchronous NORMAL as the agent's ring, a transaction a second. Prints the use.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import BetterSqlite from 'better-sqlite3';
import { floorValues } from './sync-floor.ts';
import { machineId } from './sync-play.ts';
import { forS, fromMs, load, measureUse, warmS } from './sync-store-load.ts';

type Row = [machine: string, signal: string, atMs: number, value: number];

function write(database: string): void {
  const db = new BetterSqlite(database);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(`CREATE TABLE reading (machine TEXT NOT NULL, signal TEXT NOT NULL, at INTEGER NOT NULL, value REAL);
    CREATE INDEX reading_series ON reading (machine, signal, at);`);
  const insert = db.prepare<Row>('INSERT INTO reading VALUES (?, ?, ?, ?)');
  parentPort?.on('message', (rows: readonly Row[] | null) => {
    if (rows === null) {
      db.close();
      parentPort?.close();
      return;
    }
    db.transaction(() => {
      for (const row of rows) insert.run(...row);
    }).immediate();
    parentPort?.postMessage(null, []);
  });
}

async function read(database: string): Promise<void> {
  const writer = new Worker(new URL(import.meta.url), { workerData: database });
  let readings = 0;
  const pass = async (fromS: number, toS: number) => {
    for (let s = fromS; s < toS; s += 1) {
      const rows: Row[] = [];
      for (let machine = 0; machine < load.machines; machine += 1) {
        const id = machineId(machine);
        for (const [signal, value] of floorValues(machine, s))
          rows.push([id, signal, fromMs + s * 1000, Number(value)]);
      }
      readings += rows.length;
      const stored = once(writer, 'message');
      writer.postMessage(rows, []);
      await stored;
    }
  };
  await pass(0, warmS);
  const used = measureUse([database]);
  readings = 0;
  await pass(warmS, warmS + forS);
  process.stdout.write(`${JSON.stringify(used(readings))}\n`);
  writer.postMessage(null, []);
}

if (isMainThread) await read(process.argv[2] ?? '');
else write(String(workerData));
