/**
 * The yardstick for the drain: the same records into SQLite by better-sqlite3 and nothing else, one transaction a batch, synchronous
 * FULL; a process of its own: `DATA_DIR DATABASE`. Of evidence a row a file. A row a record, a column a field, its identity the primary key. Unpacking the
 * batches is not counted. Before that, as a sign that nothing disturbs, rows of 120 B as the reference machine inserted them. Prints how many records
 * there were, how long their transactions took, and how many of those rows a second went in.
 */
import { zstdDecompressSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import { evidenceIn, journalOf } from './sync-sealed.ts';

type Fields = Record<string, unknown>;
const [, , dataDir = '', database = ''] = process.argv;

const source = new BetterSqlite(journalOf(dataDir), { readonly: true });
const db = new BetterSqlite(database);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
const inserts = new Map<string, BetterSqlite.Statement<Fields>>();

function flat(boot: string, record: Fields): Fields {
  const row: Fields = { gateway: 'bench-gw', boot };
  for (const [name, value] of Object.entries(record)) {
    if (name === 'counter') {
      for (const part of ['delta', 'uncertainty', 'from', 'to', 'fromMs', 'toMs', 'wraps', 'resets'])
        row[`counter_${part}`] = (value as Fields | null)?.[part] ?? null;
    } else row[name] = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  }
  return row;
}

function insertOf(kind: string, row: Fields): BetterSqlite.Statement<Fields> {
  const known = inserts.get(kind);
  if (known !== undefined) return known;
  const columns = Object.keys(row);
  db.exec(`CREATE TABLE "${kind}" (${columns.map((c) => `"${c}"`).join(', ')}, PRIMARY KEY (gateway, boot, n))`);
  const made = db.prepare<Fields>(`INSERT INTO "${kind}" VALUES (${columns.map((c) => `$${c}`).join(', ')})`);
  inserts.set(kind, made);
  return made;
}

const controlPerS = control();

let tookMs = 0;
let records = 0;
const batches = source.prepare("SELECT boot, bytes FROM batch WHERE state = 'pending' ORDER BY id");
for (const { boot, bytes } of batches.iterate() as Iterable<{ boot: string; bytes: Buffer }>) {
  const body = JSON.parse(zstdDecompressSync(bytes).toString('utf8')) as { records: Fields[] };
  const rows = body.records.map((record) => [flat(boot, record), String(record['kind'])] as const);
  for (const [row, kind] of rows) insertOf(kind, row);
  const fromMs = performance.now();
  db.transaction(() => {
    for (const [row, kind] of rows) inserts.get(kind)?.run(row);
  }).immediate();
  tookMs += performance.now() - fromMs;
  records += rows.length;
}
db.exec('CREATE TABLE evidence (sha256 TEXT PRIMARY KEY, bytes BLOB)');
const insertFile = db.prepare('INSERT INTO evidence VALUES (?, ?)');
for (const { sha256, bytes } of evidenceIn(dataDir)) {
  const fromMs = performance.now();
  insertFile.run(sha256, bytes);
  tookMs += performance.now() - fromMs;
}
db.close();
process.stdout.write(`${JSON.stringify({ records, tookMs, controlPerS })}\n`);

/** A hundred transactions of a thousand rows of 120 B. */
function control(): number {
  db.exec('CREATE TABLE control (id INTEGER PRIMARY KEY, bytes BLOB)');
  const insert = db.prepare('INSERT INTO control (bytes) VALUES (?)');
  const bytes = Buffer.alloc(120, 7);
  const fromMs = performance.now();
  for (let batch = 0; batch < 100; batch += 1) {
    db.transaction(() => {
      for (let row = 0; row < 1_000; row += 1) insert.run(bytes);
    }).immediate();
  }
  const perS = 100_000_000 / (performance.now() - fromMs);
  db.exec('DROP TABLE control');
  return perS;
}
