import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { sha256Hex, type BatchBody, type WireRecord } from '../../../cloud-bridge/contract.ts';
import { dataDir, type DataDir } from '../../../cloud-bridge/files.ts';
import { salvage } from '../../../cloud-bridge/store/salvage.ts';
import { schemaVersion } from '../../../cloud-bridge/store/schema.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import {
  alert,
  atMs,
  body,
  bootA,
  bootB,
  bootC,
  event,
  machine,
  stateSummary,
  summary,
  temporaryDir,
} from './making.ts';

const pageBytes = 4096;
const recordTables = ['record_machine', 'record_event', 'record_alert', 'summary', 'state_summary'];
const tables = ['gateway', 'boot', 'batch', 'ledger', ...recordTables];
const derived = ['alert_open', 'boot_rebuilt', 'branch_older', 'counter_span', 'counter_older'];
const views = ['machine', 'alert_current', 'counter_overlap', 'counter_totals', 'fork', 'ledger_watermark'];

function checked(of: Partial<BatchBody>): CheckedBatch {
  const whole = body(of);
  const sha256 = sha256Hex(Buffer.from(JSON.stringify(whole)));
  return { name: { gateway: whole.gateway, boot: whole.boot, seq: whole.seq, sha256 }, body: whole, wireBytes: 100 };
}

/** Batches of three gateways with all kinds of records; the second has a fork, and every minute is summarised twice. */
function fleet(minutes: number): CheckedBatch[] {
  const batches: CheckedBatch[] = [];
  for (const gateway of ['gw-1', 'gw-2', 'gw-3']) {
    for (const [boot, previousBoot] of [
      [bootA, null],
      [bootB, bootA],
      ...(gateway === 'gw-2' ? ([[bootC, bootA]] as const) : []),
    ] as const) {
      let n = 1;
      for (let seq = 1; seq <= minutes; seq++) {
        const minuteMs = atMs + (boot === bootA ? 0 : minutes * 60_000) + seq * 60_000;
        const key = { minuteMs, readingBoot: boot };
        const counter = { delta: 4, uncertainty: 0, from: seq * 4, to: seq * 4 + 4, wraps: 0, resets: 0 };
        const span = { fromMs: minuteMs, toMs: minuteMs + 60_000 };
        const records: WireRecord[] = [];
        if (seq === 1) records.push(machine(n++, { identification: { Text: 'Näherin 1 \u{1F9F5}' } }));
        records.push(event(n++), event(n++, { phase: 'opened', fromMs: atMs }));
        if (seq % 5 === 0) records.push(alert(n++, { occurrence: `${gateway}-${boot}-${seq}` }));
        for (const revision of [1, 2]) {
          records.push(summary(n++, { ...key, revision, counter: { ...counter, ...span } }));
          records.push(summary(n++, { ...key, revision, signal: 'head.temp', counter: null, min: null }));
          records.push(stateSummary(n++, { ...key, revision }));
        }
        batches.push(checked({ gateway, boot, previousBoot, seq, sealedMs: minuteMs, records }));
      }
    }
  }
  return batches;
}

/** Rows as text, without the times of receipt, what counts deliveries, and the status, which is not sent again. */
function contents(db: Database.Database, names: readonly string[] = [...tables, ...derived, ...views]) {
  const without = /^(received_ms|first_ms|last_ms|noticed_ms|repeats)$/;
  const rows = (table: string) =>
    db
      .prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`)
      .all()
      .map((row) => JSON.stringify(Object.entries(row).filter(([name]) => !without.test(name))))
      .sort();
  return Object.fromEntries(names.map((table) => [table, rows(table)]));
}

/** Numbers in the ledger that no row has, by gateway. */
function unfounded(db: Database.Database): Set<string> {
  const rows = recordTables.map((table) => `SELECT gateway, boot, n FROM ${table}`).join(' UNION ALL ');
  const numbers = db.prepare<[], { id: string }>(`SELECT gateway || ' ' || boot || ' ' || n AS id FROM (${rows})`);
  const known = new Set(numbers.all().map(({ id }) => id));
  const found = new Set<string>();
  const ledger = db.prepare<[], { gateway: string; boot: string; from_n: number; to_n: number }>(
    'SELECT * FROM ledger',
  );
  for (const { gateway, boot, from_n, to_n } of ledger.all()) {
    for (let n = from_n; n <= to_n; n++) if (!known.has(`${gateway} ${boot} ${n}`)) found.add(gateway);
  }
  return found;
}

function makeStore(t: TestContext, batches: readonly CheckedBatch[]) {
  const dir = dataDir(temporaryDir(t));
  const store = SqliteStore.open(dir, 1);
  store.commit(batches, 1);
  const before = contents(store.db);
  const roots = store.db.prepare<[], [string, number]>('SELECT name, rootpage FROM sqlite_schema').raw().all();
  store.close();
  return { dir, before, roots: new Map(roots), bytes: readFileSync(dir.database) };
}

/** Garbage over whole pages, the first of them being number 0. */
function damage(dir: DataDir, bytes: Buffer, firstPage: number, pages: number): Buffer {
  const damaged = Buffer.from(bytes);
  const end = Math.min(damaged.length, (firstPage + pages) * pageBytes);
  for (let at = firstPage * pageBytes; at < end; at++) damaged[at] = (at * 31 + 7) & 0xff;
  writeFileSync(dir.database, damaged);
  return damaged;
}

test('garbage over the middle costs the rows that lay there and no others; the ledger knows which, and they can come again', (t) => {
  const batches = fleet(120);
  const { dir, before, bytes } = makeStore(t, batches);
  const all = recordTables.reduce((sum, table) => sum + (before[table]?.length ?? 0), 0);
  assert.ok(all > 4_000, `${all} rows`);
  const pages = bytes.length / pageBytes;
  const damaged = damage(dir, bytes, Math.floor(pages / 2), 4);
  const store = SqliteStore.open(dir, 5000);
  t.after(() => store.close());
  assert.equal(store.quarantine?.path, `${dir.database}.bad-5000`);
  assert.deepEqual(readFileSync(store.quarantine.path), damaged, 'the damaged file is kept as it is');

  const after = contents(store.db);
  let kept = 0;
  for (const table of recordTables) {
    const known = new Set(before[table]);
    for (const row of after[table] ?? []) assert.ok(known.has(row), row);
    kept += after[table]?.length ?? 0;
  }
  // Four pages hold some hundred rows at most.
  assert.ok(kept < all && kept > all - 300, `${kept} of ${all} rows`);
  const { rows, incomplete, forgotten } = store.quarantine.saved;
  assert.ok(rows >= kept && incomplete.length > 0 && incomplete.every((name) => tables.includes(name)));
  assert.ok(forgotten !== null && forgotten >= all - kept);
  // V2: whoever lost rows has a ledger of rows alone; whoever lost none keeps what it had.
  const held = (gateway: string, of: typeof after) =>
    (of['ledger'] ?? []).filter((row) => row.includes(`"${gateway}"`));
  const suspicious = unfounded(store.db);
  let whole = 0;
  for (const gateway of ['gw-1', 'gw-2', 'gw-3']) {
    const lost = recordTables.some((table) => {
      const of = (rowsOf: readonly string[] | undefined) =>
        (rowsOf ?? []).filter((row) => row.includes(`"${gateway}"`));
      return of(before[table]).length !== of(after[table]).length;
    });
    if (lost) assert.ok(!suspicious.has(gateway), gateway);
    else assert.deepEqual(held(gateway, after), held(gateway, before), gateway);
    if (!lost) whole++;
  }
  assert.ok(whole > 0, 'four pages do not hit every gateway');

  const { outcomes } = store.commit(batches, 9);
  assert.ok(outcomes.includes('repeat') && outcomes.includes('stored') && !outcomes.includes('conflict'));
  assert.deepEqual(contents(store.db), before);
  assert.ok(store.commit(batches, 10).outcomes.every((outcome) => outcome === 'repeat'));
});

test('whichever page is damaged, what is saved is as it was, and what is sent again makes it whole', (t) => {
  const batches = fleet(9);
  const { dir, before, roots, bytes } = makeStore(t, batches);
  const pages = new Set(Array.from({ length: bytes.length / pageBytes }, (_, page) => page));
  let saved = 0;
  for (const page of pages) {
    damage(dir, bytes, page, 1);
    const store = SqliteStore.open(dir, 1_000 + page);
    if (store.quarantine === null) {
      // A free page, which nobody reads.
      store.close();
      continue;
    }
    const table = [...roots].find(([, root]) => root === page + 1)?.[0] ?? '';
    const why = `page ${page} ${table}: ${JSON.stringify(store.quarantine.saved)}`;
    const after = contents(store.db);
    for (const name of recordTables) {
      const known = new Set(before[name]);
      assert.ok(
        (after[name] ?? []).every((row) => known.has(row)),
        why,
      );
      saved += after[name]?.length ?? 0;
    }
    for (const gateway of unfounded(store.db)) {
      const rowsOf = (of: typeof after) =>
        recordTables.flatMap((name) => (of[name] ?? []).filter((row) => row.includes(`"${gateway}"`)));
      assert.deepEqual(rowsOf(after), rowsOf(before), `${why} ${gateway}`);
    }
    store.commit(batches, 9);
    assert.deepEqual(contents(store.db), before, why);
    store.close();
  }
  assert.ok(saved > 0);
});

test('what sits in a readable page and no bridge could have written is left out', (t) => {
  const { dir, before } = makeStore(t, fleet(9));
  const db = new Database(dir.database);
  db.exec(`UPDATE record_event SET data = '{"to":' WHERE gateway = 'gw-1' AND n = 2;
    UPDATE record_event SET at_ms = 'yesterday' WHERE gateway = 'gw-1' AND n = 3;
    UPDATE batch SET sha256 = 'x' WHERE gateway = 'gw-3' AND seq = 1`);
  db.close();
  // The root of an index, so that the file is damaged and every table reads.
  const probe = new Database(dir.database);
  const index = Number(
    probe.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'record_event_time'").pluck().get(),
  );
  probe.close();
  damage(dir, readFileSync(dir.database), index - 1, 1);
  const store = SqliteStore.open(dir, 7);
  t.after(() => store.close());
  const after = contents(store.db);
  assert.deepEqual(store.quarantine?.saved.incomplete, ['batch', 'record_event']);
  assert.equal(after['record_event']?.length, (before['record_event']?.length ?? 0) - 4);
  assert.equal(after['batch']?.length, (before['batch']?.length ?? 0) - 2);
  assert.deepEqual(after['summary'], before['summary']);
  assert.ok(!unfounded(store.db).has('gw-1'));
});

test('a damaged store of version 1 is saved into one of this version', (t) => {
  const dir = dataDir(temporaryDir(t));
  const { dir: now, before } = makeStore(t, fleet(9));
  const old = new Database(dir.database);
  old.exec(readFileSync(new URL('./store-version-1.sql', import.meta.url), 'utf8'));
  old.pragma('user_version = 1');
  old.exec(`ATTACH '${now.database}' AS now`);
  for (const table of tables) {
    const columns = old.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table).join(', ');
    old.exec(`INSERT INTO main.${table} SELECT ${columns} FROM now.${table}`);
  }
  const index = Number(
    old.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'record_event_time'").pluck().get(),
  );
  old.exec('DETACH now');
  old.close();
  damage(dir, readFileSync(dir.database), index - 1, 1);
  const store = SqliteStore.open(dir, 7);
  t.after(() => store.close());
  assert.ok(store.quarantine !== null);
  assert.equal(store.db.pragma('user_version', { simple: true }), schemaVersion);
  assert.deepEqual(contents(store.db), before);
});

test('a bridge that died while it replaced the damaged file goes on, or begins again', (t) => {
  const batches = fleet(9);
  const { dir, before, bytes } = makeStore(t, batches);
  // Whole, and the damaged one is out of the way already.
  renameSync(dir.database, `${dir.database}.new`);
  const first = SqliteStore.open(dir, 7);
  assert.deepEqual(contents(first.db), before);
  first.close();
  // The damaged one is still there: what was made of it is made again.
  damage(dir, bytes, Math.floor(bytes.length / pageBytes / 2), 1);
  writeFileSync(`${dir.database}.new`, 'half');
  writeFileSync(`${dir.database}.salvage`, 'half');
  const second = SqliteStore.open(dir, 8);
  t.after(() => second.close());
  second.commit(batches, 9);
  assert.deepEqual(contents(second.db), before);
  for (const name of ['.new', '.salvage']) assert.ok(!existsSync(dir.database + name), name);
});

test('V4: of evidence whole files with the right bytes are kept and chunks of files under way; what is damaged is forgotten', (t) => {
  const dir = dataDir(temporaryDir(t));
  const store = SqliteStore.open(dir, 1);
  const put = (text: string, more: { size?: number } = {}) => {
    const bytes = Buffer.from(text);
    const sha256 = sha256Hex(bytes);
    store.putChunk({ gateway: 'gw-1', sha256, size: more.size ?? bytes.length, chunk: 0, bytes }, 1);
    return sha256;
  };
  const [good, bad, lost, half] = [put('good'), put('bad'), put('lost'), put('half', { size: 60_000 })];
  store.db.prepare('UPDATE evidence_chunk SET bytes = ? WHERE sha256 = ?').run(Buffer.from('BAD'), bad);
  store.db.prepare('DELETE FROM evidence_file WHERE sha256 = ?').run(lost);
  store.close();
  const into = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => into.close());
  salvage(dir.database, into.db);
  assert.deepEqual(into.readFile('gw-1', good), Buffer.from('good'));
  assert.equal(into.readFile('gw-1', bad), null);
  const left = (table: string) => into.db.prepare(`SELECT DISTINCT sha256 FROM ${table} ORDER BY sha256`).pluck().all();
  assert.deepEqual(left('evidence_file'), [good, half].sort());
  assert.deepEqual(left('evidence_chunk'), [good, half].sort());
});
