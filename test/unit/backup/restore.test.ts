import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import { restore } from '../../../agent/backup/restore.ts';
import { openStore } from '../../../agent/store/open.ts';
import { nowMs, temporaryDir } from '../store/making.ts';
import { backUp, clock, eventsOf, namesBelow, storeEvents, textOf, writeOthers } from './making.ts';
import type { BackupOptions } from '../../../agent/backup/make.ts';

async function someBackup(t: TestContext, more: Partial<BackupOptions> = {}): Promise<string> {
  const source = temporaryDir(t);
  await storeEvents(source, 3);
  writeOthers(source, 'new');
  const backup = join(temporaryDir(t), 'backup');
  await backUp(source, backup, more);
  return backup;
}

/** Everything below a folder, as text. */
function contents(root: string): Record<string, string> {
  return Object.fromEntries(
    namesBelow(root).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(root, name)))
        .digest('hex'),
    ]),
  );
}

test('a backup restored into no folder at all is a gateway again, with its key, and the next start is a new boot', async (t) => {
  const config = join(temporaryDir(t), 'agent.yaml');
  writeFileSync(config, 'site: {}');
  const backup = await someBackup(t, { config: [config] });
  const dataDir = join(temporaryDir(t), 'a', 'data');
  const restored = restore({ from: backup, dataDir, nowMs });
  assert.deepEqual([restored.setAside, restored.key], [null, 'restored']);
  assert.equal(textOf(restored.config ?? '', '1-agent.yaml'), 'site: {}');
  assert.equal(textOf(dataDir, 'keys/gateway.key'), 'private new');
  for (const name of ['journal.db', 'keys/gateway.key', 'users.json'])
    assert.equal(statSync(join(dataDir, name)).mode & 0o77, 0);
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  const [first] = eventsOf(join(dataDir, 'journal.db'));
  assert.equal(`${store.recovery.previousBoot}/1`, first);
  assert.equal((await store.outboxCounts()).records, 3, 'what waited, waits');
});

test('P3: a backup without keys and users leaves those that are there', async (t) => {
  const backup = await someBackup(t, { withKey: false });
  const dataDir = temporaryDir(t);
  await storeEvents(dataDir, 7);
  writeOthers(dataDir, 'old');
  const { key, setAside } = restore({ from: backup, dataDir, nowMs });
  assert.equal(key, 'kept');
  for (const name of ['keys/gateway.key', 'keys/gateway.crt', 'opcua/own/own.key', 'users.json'])
    assert.match(textOf(dataDir, name), / old$/, name);
  for (const name of ['opcua/trust/plant.der', 'discovered.json']) assert.match(textOf(dataDir, name), / new$/, name);
  assert.match(textOf(setAside ?? '', 'old', 'keys/gateway.key'), / old$/);
  const empty = temporaryDir(t);
  assert.equal(restore({ from: backup, dataDir: empty, nowMs }).key, 'none');
});

test('P2: while an agent runs on the folder nothing is changed', async (t) => {
  const backup = await someBackup(t);
  const dataDir = temporaryDir(t);
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  writeOthers(dataDir, 'old');
  const before = namesBelow(dataDir);
  assert.throws(() => restore({ from: backup, dataDir, nowMs }), /AGT-201/);
  assert.deepEqual(namesBelow(dataDir), before);
});

const harms: readonly (readonly [string, RegExp, (backup: string) => void])[] = [
  ['a changed file', /AGT-222/, (backup) => writeFileSync(join(backup, 'data/users.json'), 'hashes of passwords NEW')],
  ['a missing file', /AGT-222/, (backup) => rmSync(join(backup, 'data/evidence/ab/abcdef.webp'))],
  ['no manifest', /AGT-223/, (backup) => rmSync(join(backup, 'manifest.json'))],
  ['a manifest cut short', /AGT-223/, (backup) => writeFileSync(join(backup, 'manifest.json'), '{"v":1,')],
  ['a manifest of a newer version', /AGT-202/, (backup) => writeFileSync(join(backup, 'manifest.json'), '{"v":2}')],
  ['a path out of the folder', /AGT-223/, (backup) => rewrite(backup, 'data/discovered.json', 'data/../../evil')],
  ['an absolute path', /AGT-223/, (backup) => rewrite(backup, 'data/discovered.json', '/etc/evil')],
  ['a file of no known part', /AGT-223/, (backup) => rewrite(backup, 'data/discovered.json', 'lock.db')],
  ['no journal', /AGT-223/, (backup) => rewrite(backup, 'data/journal.db', 'data/other.db')],
  ['a journal of a newer version', /AGT-202/, (backup) => resum(backup, () => newer(join(backup, 'data/journal.db')))],
  [
    'a damaged journal with the right hash',
    /AGT-222/,
    (backup) => resum(backup, () => damage(join(backup, 'data/journal.db'))),
  ],
  [
    'a journal that is none, with the right hash',
    /AGT-222/,
    (backup) => resum(backup, () => writeFileSync(join(backup, 'data/journal.db'), 'none')),
  ],
];

for (const [what, code, harm] of harms) {
  test(`P1: ${what}: nothing is changed`, async (t) => {
    const backup = await someBackup(t);
    const dataDir = temporaryDir(t);
    await storeEvents(dataDir, 7);
    writeOthers(dataDir, 'old');
    const before = contents(dataDir);
    harm(backup);
    assert.throws(() => restore({ from: backup, dataDir, nowMs }), code);
    assert.deepEqual(contents(dataDir), before);
    const none = join(temporaryDir(t), 'none');
    assert.throws(() => restore({ from: backup, dataDir: none, nowMs }), code);
    assert.ok(!existsSync(none));
  });
}

test('a backup of an earlier schema is migrated by the next start', async (t) => {
  const backup = await someBackup(t);
  const dataDir = temporaryDir(t);
  const frozen = readFileSync(join(import.meta.dirname, '../../fixtures/store/journal-1.db.gz'));
  writeFileSync(join(backup, 'data/journal.db'), gunzipSync(frozen));
  resum(backup, () => undefined);
  restore({ from: backup, dataDir, nowMs });
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  assert.deepEqual(store.recovery.quarantined, []);
  assert.notEqual(store.recovery.previousBoot, null);
});

function rewrite(backup: string, from: string, to: string): void {
  const path = join(backup, 'manifest.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(`"${from}"`, `"${to}"`));
}

/** Changes a file and puts its new hash into the manifest. */
function resum(backup: string, change: () => void): void {
  change();
  const path = join(backup, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
    files: { path: string; bytes: number; sha256: string }[];
  };
  for (const file of manifest.files) {
    const bytes = readFileSync(join(backup, file.path));
    file.bytes = bytes.length;
    file.sha256 = createHash('sha256').update(bytes).digest('hex');
  }
  writeFileSync(path, JSON.stringify(manifest));
}

function newer(path: string): void {
  const db = new BetterSqlite(path);
  db.exec(
    'WITH RECURSIVE v (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < 999) INSERT OR IGNORE INTO schema_version SELECT n, 0 FROM v',
  );
  db.close();
}

function damage(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, Math.floor(statSync(path).size / 8_192) * 4_096);
  closeSync(file);
}
