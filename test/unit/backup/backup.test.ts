import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { Pace } from '../../../agent/backup/disk.ts';
import { openStore } from '../../../agent/store/open.ts';
import { event } from '../bridge/making.ts';
import { temporaryDir } from '../store/making.ts';
import { backUp, clock, eventsOf, namesBelow, otherFiles, storeEvents, textOf, writeOthers } from './making.ts';

test('K1: a backup holds the journal, keys, users, certificates and evidence, each with its hash, for its owner alone', async (t) => {
  const dataDir = temporaryDir(t);
  const boot = await storeEvents(dataDir, 20);
  writeOthers(dataDir, 'here');
  const config = join(temporaryDir(t), 'agent.yaml');
  writeFileSync(config, 'site: {}');
  const to = join(temporaryDir(t), 'of', 'today');
  const { manifest, gone } = await backUp(dataDir, to, { config: [config] });
  const data = ['journal.db', ...Object.keys(otherFiles)].map((name) => `data/${name}`);
  assert.deepEqual(namesBelow(to), ['config/1-agent.yaml', ...data, 'manifest.json'].sort());
  assert.deepEqual([gone, manifest.lastBoot, manifest.hasKey, manifest.hasRing], [0, boot, true, false]);
  assert.deepEqual(JSON.parse(textOf(to, 'manifest.json')), manifest);
  for (const { path, bytes, sha256 } of manifest.files) {
    const content = readFileSync(join(to, path));
    assert.deepEqual([content.length, createHash('sha256').update(content).digest('hex')], [bytes, sha256], path);
    assert.equal(statSync(join(to, path)).mode & 0o77, 0, path);
  }
  assert.equal(statSync(to).mode & 0o77, 0);
  assert.equal(eventsOf(join(to, 'data/journal.db')).length, 20);
  assert.ok(!existsSync(`${to}.unfinished`));
});

test('K4: without the key no private key and no hash of a password is in it', async (t) => {
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, 1);
  writeOthers(dataDir, 'here');
  const to = join(temporaryDir(t), 'backup');
  await backUp(dataDir, to, { withKey: false });
  assert.deepEqual(namesBelow(join(to, 'data')), [
    'discovered.json',
    'evidence/ab/abcdef.webp',
    'journal.db',
    'opcua/trust/plant.der',
  ]);
});

test('K3: while an agent commits, the backup is one moment, and no commit waits for its end', async (t) => {
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, 5_000);
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  const { boot } = store.recovery;
  let n = 0;
  const stop = new AbortController();
  let duringCopy = 0;
  const committing = (async () => {
    while (!stop.signal.aborted) {
      // Two records each: half of a commit would be an odd number.
      await store.commit(
        [n + 1, n + 2].map((one) => ({ lane: 'live', record: event(one) })),
        { urgent: true },
      );
      n += 2;
    }
  })();
  const to = join(temporaryDir(t), 'backup');
  // Slow enough that hundreds of commits fall into the copy.
  const slow = new Pace(1_000_000, (ms) => {
    duringCopy++;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  });
  const before = n;
  await backUp(dataDir, to, { pace: slow, withRing: true });
  const after = n;
  stop.abort();
  await committing;
  assert.ok(duringCopy > 3, `${duringCopy} waits`);
  assert.ok(after > before + 2, `commits went on: ${before} to ${after}`);
  const own = eventsOf(join(to, 'data/journal.db')).filter((id) => id.startsWith(boot));
  assert.ok(own.length >= before && own.length <= after && own.length % 2 === 0, `${own.length}`);
  assert.ok(existsSync(join(to, 'data/ring.db')));
  const db = new BetterSqlite(join(to, 'data/journal.db'), { readonly: true });
  t.after(() => db.close());
  const outbox = db.prepare('SELECT count(*) FROM outbox WHERE boot = ?').pluck().get(boot);
  assert.equal(outbox, own.length, 'records and their outbox rows are of one moment');
});

test('K2: what is there is not overwritten, and a backup does not go into the folder it is of', async (t) => {
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, 1);
  const parent = temporaryDir(t);
  const full = join(parent, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'mine'), 'mine');
  await assert.rejects(backUp(dataDir, full), /AGT-220/);
  await assert.rejects(backUp(dataDir, join(full, 'mine')), /AGT-220/);
  mkdirSync(join(parent, 'next.unfinished'));
  await assert.rejects(backUp(dataDir, join(parent, 'next')), /AGT-220 .*unfinished/);
  await assert.rejects(backUp(dataDir, join(dataDir, 'backup')), /AGT-103/);
  await assert.rejects(backUp(temporaryDir(t), join(parent, 'other')), /AGT-100/);
  assert.deepEqual(namesBelow(parent), ['full/mine']);
  const empty = join(parent, 'empty');
  mkdirSync(empty);
  await backUp(dataDir, empty);
  assert.ok(existsSync(join(empty, 'manifest.json')));
});

test('K1: damage in the journal is told, and a stopped or damaged backup leaves nothing', async (t) => {
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, 3_000);
  const to = join(temporaryDir(t), 'backup');
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(backUp(dataDir, to, { signal: stop.signal }), /AGT-224/);
  assert.deepEqual([existsSync(to), existsSync(`${to}.unfinished`)], [false, false]);
  const journal = join(dataDir, 'journal.db');
  const file = openSync(journal, 'r+');
  writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, Math.floor(statSync(journal).size / 8_192) * 4_096);
  closeSync(file);
  await assert.rejects(backUp(dataDir, to), /AGT-222/);
  assert.deepEqual([existsSync(to), existsSync(`${to}.unfinished`)], [false, false]);
});

test('a pace lets no more through than its bytes per second, and nothing is saved up in a pause', () => {
  let nowMs = 0;
  let slept = 0;
  const pace = new Pace(
    1_000_000,
    (ms) => {
      slept += ms;
      nowMs += ms;
    },
    () => nowMs,
  );
  for (let i = 0; i < 100; i++) pace.moved(100_000);
  assert.ok(Math.abs(slept - 10_000) < 1);
  nowMs += 60_000;
  slept = 0;
  for (let i = 0; i < 10; i++) pace.moved(100_000);
  assert.ok(Math.abs(slept - 1_000) < 1);
});
