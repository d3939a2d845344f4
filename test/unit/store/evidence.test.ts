import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { batchLimits } from '../../../agent/store/checked.ts';
import { openJournal } from '../../../agent/store/journal.ts';
import { Outbox } from '../../../agent/store/sealing.ts';
import { event } from '../bridge/making.ts';
import { bootA, entry, nowMs, seal, temporaryDir } from './making.ts';

const sha = (letter: string) => letter.repeat(64);
const naming = (n: number, sha256: string) => ({
  ...entry(
    event(n, {
      event: 'evidence',
      data: { sha256, bytes: 9, mediaType: 'image/webp', role: 'crop', occurrence: null },
    }),
  ),
  lane: 'evidence' as const,
});

function open(t: TestContext, outbox = true) {
  const journal = openJournal(join(temporaryDir(t), 'journal.db'), { nowMs, outbox });
  t.after(() => journal.close());
  journal.transaction(() => journal.beginBoot(bootA, nowMs));
  return { journal, outbox: new Outbox(journal.db, batchLimits), table: journal.evidence };
}
const sealOne = (outbox: Outbox) => {
  const [batch] = outbox.take({ lane: 'evidence', limit: 1, exclude: [], seal, lingerMs: 0, backlogAfterMs: 120_000 });
  assert.ok(batch !== undefined);
  return batch;
};

test('V1: a file is in the table with its record, or not at all; an event of another kind names none', (t) => {
  const { journal, table } = open(t);
  assert.throws(() => journal.transaction(() => journal.insert(bootA, [naming(1, sha('a')), naming(1, sha('b'))])));
  assert.equal(journal.db.prepare('SELECT count(*) FROM evidence_file').pluck().get(), 0);
  journal.insert(bootA, [entry(event(1, { data: { sha256: sha('a'), bytes: 1 } }))]);
  assert.equal(table.next(), null);
});

test('V2: a file is given when its record is acked: not while it waits, and not while its batch is under way', (t) => {
  const { journal, outbox, table } = open(t);
  journal.insert(bootA, [naming(1, sha('a')), naming(2, sha('b'))]);
  assert.equal(table.next(), null);
  const batch = sealOne(outbox);
  assert.equal(table.next(), null);
  outbox.settle({ ...batch, result: 'later', code: 'busy', atMs: nowMs });
  assert.equal(table.next(), null);
  outbox.settle({ ...batch, result: 'stored', code: null, atMs: nowMs });
  assert.deepEqual(table.next(), { sha256: sha('a'), bytes: 9 });
  assert.equal(outbox.counts().files, 2);
});

test('V3: a file waits until it is stored, refused or gone; refused ones can be put back in line', (t) => {
  const { journal, outbox, table } = open(t);
  journal.insert(bootA, [naming(1, sha('a')), naming(2, sha('b')), naming(3, sha('c'))]);
  outbox.settle({ ...sealOne(outbox), result: 'stored', code: null, atMs: nowMs });
  const settle = (letter: string, result: 'stored' | 'refused' | 'gone') =>
    table.settle({ sha256: sha(letter), result, code: null, atMs: nowMs });
  assert.equal(settle('a', 'stored'), true);
  assert.equal(settle('a', 'refused'), false);
  assert.equal(settle('b', 'refused'), true);
  assert.deepEqual(table.next(), { sha256: sha('c'), bytes: 9 });
  assert.equal(settle('c', 'gone'), true);
  assert.equal(table.next(), null);
  assert.equal(outbox.retryFiles(), 1);
  assert.deepEqual(table.next(), { sha256: sha('b'), bytes: 9 });
});

test('a file named again waits again only where it was gone', (t) => {
  const { journal, outbox, table } = open(t);
  journal.insert(bootA, [naming(1, sha('a'))]);
  outbox.settle({ ...sealOne(outbox), result: 'stored', code: null, atMs: nowMs });
  table.settle({ sha256: sha('a'), result: 'stored', code: null, atMs: nowMs });
  journal.insert(bootA, [naming(2, sha('a'))]);
  assert.equal(outbox.counts().files, 0);
  journal.db.prepare("UPDATE evidence_file SET state = 'gone'").run();
  journal.insert(bootA, [naming(3, sha('a'))]);
  assert.equal(outbox.counts().files, 1);
});

test('without an uplink a file is kept and waits for nobody', (t) => {
  const { journal, outbox } = open(t, false);
  journal.insert(bootA, [naming(1, sha('a'))]);
  assert.equal(outbox.counts().files, 0);
  assert.equal(journal.db.prepare('SELECT state FROM evidence_file').pluck().get(), 'kept');
});
