/** The audit of writes: added to alone, and whatever is done to it from outside is found. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { verifyAudit } from '../../../agent/store/audit.ts';
import type { AuditEntry } from '../../../agent/store/audit-entry.ts';
import { openStore } from '../../../agent/store/open.ts';
import { journalMigrations, migrate, schemaVersion } from '../../../agent/store/schema.ts';
import { bootA, nowMs, temporaryDir } from './making.ts';

const clock = { wallMs: () => nowMs };

const step = (write: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  write,
  step: 'proposed',
  atMs: nowMs + 0.5,
  monotonicMs: 12.25,
  proposedBy: 'amina',
  confirmedBy: null,
  machine: 'ls-1',
  setPoint: 'speed.max',
  unit: 'RPM',
  from: 400,
  to: 3200,
  reason: 'thicker cloth',
  outcome: null,
  detail: null,
  readBack: null,
  ...more,
});

async function filled(t: TestContext): Promise<string> {
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock, boot: bootA });
  for (const write of ['w1', 'w2', 'w3']) {
    await store.audit(step(write));
    await store.audit(step(write, { step: 'intent', confirmedBy: 'amina' }));
    await store.audit(step(write, { step: 'result', confirmedBy: 'amina', outcome: 'written', readBack: 3200 }));
  }
  await store.close();
  return join(dataDir, 'journal.db');
}

/** The file as somebody has it who can write it and does not care for triggers. */
function tampered(path: string, sql: string): ReturnType<typeof verifyAudit> {
  const db = new BetterSqlite(path);
  try {
    db.exec(`DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_no_delete; ${sql}`);
    return verifyAudit(db);
  } finally {
    db.close();
  }
}

test('A1, A2: each row is bound to the one before it, as docs/STORE.md says', async (t) => {
  const db = new BetterSqlite(await filled(t), { readonly: true });
  t.after(() => db.close());
  let prev = '0'.repeat(64);
  const rows = db.prepare('SELECT id, prev, hash, body FROM audit ORDER BY id').all() as Record<string, string>[];
  assert.equal(rows.length, 9);
  for (const [at, row] of rows.entries()) {
    assert.equal(row['prev'], prev);
    prev = createHash('sha256').update(`${prev}\n${row['body']}`).digest('hex');
    assert.equal(row['hash'], prev);
    assert.equal((JSON.parse(row['body'] ?? '') as { id: number }).id, at + 1);
  }
  assert.deepEqual(verifyAudit(db), { rows: 9, head: { id: 9, hash: prev }, problems: [] });
});

test('an empty audit is whole', async (t) => {
  const dataDir = temporaryDir(t);
  await (await openStore({ dataDir, clock })).close();
  const db = new BetterSqlite(join(dataDir, 'journal.db'), { readonly: true });
  t.after(() => db.close());
  assert.deepEqual(verifyAudit(db), { rows: 0, head: null, problems: [] });
});

test('A3: the database refuses to change or delete a row', async (t) => {
  const db = new BetterSqlite(await filled(t));
  t.after(() => db.close());
  assert.throws(() => db.exec("UPDATE audit SET body = '{}' WHERE id = 2"), /never changed/);
  assert.throws(() => db.exec('DELETE FROM audit WHERE id = 2'), /never changed/);
});

const tricks: readonly (readonly [what: string, sql: string, at: number])[] = [
  ['a changed value', `UPDATE audit SET body = replace(body, '3200', '3100') WHERE id = 5`, 5],
  [
    'a changed name',
    `UPDATE audit SET body = replace(body, '"confirmedBy":"amina"', '"confirmedBy":"rahim"') WHERE id = 6`,
    6,
  ],
  ['a changed column', `UPDATE audit SET machine = 'ls-2' WHERE id = 4`, 4],
  ['a removed row', 'DELETE FROM audit WHERE id = 5', 5],
  ['a removed first row', 'DELETE FROM audit WHERE id = 1', 1],
  ['rows cut off at the end', 'DELETE FROM audit WHERE id > 7', 8],
  ['all rows gone', 'DELETE FROM audit', 1],
  [
    'a row added by hand',
    `INSERT INTO audit SELECT 10, hash, hash, 'w4', 'ls-1', 0, '{"id":10}' FROM audit WHERE id = 9`,
    10,
  ],
  [
    'two rows changed about',
    'UPDATE audit SET id = 100 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 100',
    2,
  ],
  ['a removed row with the others moved up', 'DELETE FROM audit WHERE id = 9; UPDATE audit SET id = 9 WHERE id = 8', 8],
];
for (const [what, sql, at] of tricks) {
  test(`A1, A2: ${what} is found`, async (t) => {
    const { problems } = tampered(await filled(t), sql);
    assert.equal(problems[0]?.id, at, JSON.stringify(problems));
  });
}

test('a write is told by its newest row, the newest write first, in pages', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  for (const write of ['w1', 'w2', 'w3']) await store.audit(step(write));
  await store.audit(step('w1', { step: 'dropped', outcome: 'dropped' }));
  const first = await store.writes({ limit: 2 });
  assert.deepEqual(
    first.items.map((one) => [one.write, one.step]),
    [
      ['w1', 'dropped'],
      ['w3', 'proposed'],
    ],
  );
  assert.deepEqual(first.items[1], step('w3'));
  const second = await store.writes({ limit: 2, before: first.next });
  assert.deepEqual([second.items.map((one) => one.write), second.next], [['w2'], null]);
});

test('on a full disk an audit row is refused, and nothing of it is there', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock, journalMaxBytes: 260_000 });
  t.after(() => store.close());
  let stored = 0;
  const fill = async (): Promise<void> => {
    for (; stored < 10_000; stored += 1) await store.audit(step(`w${stored}`, { reason: 'x'.repeat(500) }));
  };
  await assert.rejects(fill(), { key: 'storeFull' });
  const db = new BetterSqlite(join(dataDir, 'journal.db'), { readonly: true });
  t.after(() => db.close());
  const { rows, problems } = verifyAudit(db);
  assert.deepEqual([rows, problems], [stored, []]);
});

test('a journal of the version before gets the audit and keeps its rows', (t) => {
  const db: Database = new BetterSqlite(join(temporaryDir(t), 'journal.db'));
  t.after(() => db.close());
  migrate(db, journalMigrations.slice(0, 2), 1);
  db.exec(`INSERT INTO boot (boot, started_ms) VALUES ('${bootA}', 5); INSERT INTO total VALUES ('acked', 7)`);
  assert.equal(schemaVersion(db), 2);
  migrate(db, journalMigrations, 2);
  assert.equal(schemaVersion(db), journalMigrations.length);
  assert.deepEqual(db.prepare('SELECT boot, started_ms FROM boot').raw().all(), [[bootA, 5]]);
  assert.deepEqual(db.prepare('SELECT * FROM total').raw().all(), [['acked', 7]]);
  assert.deepEqual(verifyAudit(db), { rows: 0, head: null, problems: [] });
});

test('migrations that are out never change', () => {
  const hashes = journalMigrations
    .slice(0, 2)
    .map((sql) => createHash('sha256').update(sql).digest('hex').slice(0, 16));
  assert.deepEqual(hashes, ['850cd8e99af1d009', '4254890fc0ac82fb']);
});
