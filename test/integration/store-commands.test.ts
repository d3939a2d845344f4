import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
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
