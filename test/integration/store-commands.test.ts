import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { openStore } from '../../agent/store/open.ts';
import { event } from '../unit/bridge/making.ts';
import { nowMs, seal, takeFrom, temporaryDir } from '../unit/store/making.ts';

const root = join(import.meta.dirname, '../..');
function selvedge(...args: string[]): { code: number | null; out: string; err: string } {
  const done = spawnSync('sh', [join(root, 'agent/bin/selvedge'), ...args], { encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

test('key prints one and the same Ed25519 public key, or writes it to a file', (t) => {
  const dataDir = temporaryDir(t);
  const first = selvedge('key', '--data-dir', dataDir);
  assert.equal(first.code, 0, first.err);
  assert.equal(createPublicKey(first.out).asymmetricKeyType, 'ed25519');
  const out = join(dataDir, 'gateway.pub.pem');
  assert.equal(selvedge('key', '--data-dir', dataDir, '--out', out).code, 0);
  assert.equal(readFileSync(out, 'utf8'), first.out);
});

test('outbox lists what the bridge refused and puts it back in line beside a running agent', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock: { wallMs: () => nowMs } });
  t.after(() => store.close());
  await store.commit([{ lane: 'live', record: event(1) }], { urgent: true });
  const [batch] = await store.take(takeFrom('live', { seal }));
  assert.ok(batch !== undefined);
  const { boot, seq, sha256 } = batch;
  await store.settle({ boot, seq, sha256, result: 'refused', code: 'conflict', atMs: nowMs });
  const json = join(temporaryDir(t), 'outbox.json');
  const listed = selvedge('outbox', 'list', '--data-dir', dataDir, '--json', json);
  assert.equal(listed.code, 1);
  const told = JSON.parse(readFileSync(json, 'utf8')) as { counts: { dead: number }; batches: { seq: number }[] };
  assert.deepEqual([told.counts.dead, told.batches.map((one) => one.seq)], [1, [seq]]);
  assert.match(listed.out, /dead letters: 1 batches/);
  assert.match(listed.out, new RegExp(`${boot}/${seq} dead live 1 records .* refused \\(conflict\\)`));
  assert.equal(selvedge('outbox', 'retry', '--data-dir', dataDir).code, 0);
  assert.deepEqual(
    (await store.take(takeFrom('live', { seal }))).map((one) => one.sha256),
    [sha256],
  );
});

test('wrong use is one line with the cure, exit 2, and makes no database', (t) => {
  const dataDir = temporaryDir(t);
  const wrong = [
    ['outbox', 'list', '--data-dir', dataDir],
    ['outbox', 'list'],
    ['outbox', 'sell', '--data-dir', dataDir],
    ['key'],
  ];
  for (const args of wrong) {
    const { code, err } = selvedge(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^AGT-\d+ .*\n$/);
  }
  assert.ok(!existsSync(join(dataDir, 'journal.db')));
});

test('audit verify says whether the chain of writes is whole, beside a running agent', async (t) => {
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock: { wallMs: () => nowMs } });
  t.after(() => store.close());
  const write = { proposedBy: 'amina', confirmedBy: null, machine: 'ls-1', setPoint: 'speed.max', unit: 'RPM' };
  const step = { ...write, atMs: nowMs, monotonicMs: 5, from: 400, to: 3200, reason: 'test', detail: null };
  await store.audit({ ...step, write: 'w1', step: 'proposed', outcome: null, readBack: null });
  await store.audit({ ...step, write: 'w1', step: 'dropped', outcome: 'dropped', readBack: null });
  const json = join(temporaryDir(t), 'audit.json');
  const whole = selvedge('audit', 'verify', '--data-dir', dataDir, '--json', json);
  assert.equal(whole.code, 0, whole.err);
  const told = JSON.parse(readFileSync(json, 'utf8')) as { rows: number; head: { id: number; hash: string } };
  assert.deepEqual([told.rows, told.head.id], [2, 2]);
  const head = `2:${told.head.hash}`;
  assert.match(whole.out, new RegExp(`2 rows, the newest ${head}`));
  assert.equal(selvedge('audit', 'verify', '--data-dir', dataDir, '--head', head).code, 0);
  const other = selvedge('audit', 'verify', '--data-dir', dataDir, '--head', `2:${'0'.repeat(64)}`);
  assert.equal(other.code, 1);
  assert.match(other.out, /row 2 is another than was kept/);
  const db = new BetterSqlite(join(dataDir, 'journal.db'));
  db.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET body = replace(body, '3200', '9') WHERE id = 1`);
  db.close();
  const broken = selvedge('audit', 'verify', '--data-dir', dataDir, '--json', json);
  assert.equal(broken.code, 1);
  assert.match(broken.out, /row 1 was changed\nAGT-210 .* — do: /);
  for (const args of [['audit'], ['audit', 'verify'], ['audit', 'mend', '--data-dir', dataDir]]) {
    assert.equal(selvedge(...args).code, 2);
  }
});
