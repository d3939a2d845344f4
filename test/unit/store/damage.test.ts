import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import { openStore } from '../../../agent/store/open.ts';
import { isSound, makeFolders, show, type Shown, type Truth } from './flipping.ts';
import { nowMs, temporaryDir } from './making.ts';

const root = mkdtempSync(join(tmpdir(), 'selvedge-damage-'));
let truth: Truth = { byNumber: new Map(), readings: new Map() };
before(() => (truth = makeFolders(root)));
after(() => rmSync(root, { recursive: true }));

/** Does something to a copy of a folder, and opens it. */
function openAfter(t: TestContext, folder: 'closed' | 'killed', harm: (dataDir: string) => void): Shown {
  const dataDir = temporaryDir(t);
  cpSync(join(root, folder), dataDir, { recursive: true });
  harm(dataDir);
  const shown = show(dataDir, truth);
  assert.deepEqual([shown.wrong, shown.refused, shown.spoilt], [[], [], 0]);
  assert.ok(isSound(dataDir));
  // The next start has nothing to tell.
  assert.deepEqual(openAgain(dataDir), []);
  return shown;
}
function openAgain(dataDir: string): readonly string[] {
  const db = new BetterSqlite(join(dataDir, 'journal.db'));
  // What the first opening stored under the name that the next will have.
  db.exec("DELETE FROM boot WHERE boot = 'bbbbbbbbbbbbbbbb'; DELETE FROM event WHERE boot = 'bbbbbbbbbbbbbbbb'");
  db.close();
  return show(dataDir, truth).quarantined;
}

const whole = (t: TestContext, folder: 'closed' | 'killed' = 'closed') => openAfter(t, folder, () => undefined);

test('a folder nothing was done to shows all, stopped or killed, and puts nothing aside', (t) => {
  for (const folder of ['closed', 'killed'] as const) {
    const { quarantined, missingRecords, missingReadings } = whole(t, folder);
    assert.deepEqual([quarantined, missingRecords, missingReadings], [[], 0, 0]);
  }
});

test('the folder of a first start that is killed at once is sound: its files are empty, and all is in their logs', async (t) => {
  const dataDir = temporaryDir(t);
  const clock = { wallMs: () => nowMs };
  const store = await openStore({ dataDir, clock });
  const [record] = truth.byNumber.values();
  assert.ok(record !== undefined);
  await store.commit([{ lane: 'live', record }], { urgent: true });
  const killed = join(temporaryDir(t), 'killed');
  cpSync(dataDir, killed, { recursive: true });
  await store.close();
  assert.equal(statSync(join(killed, 'journal.db')).size, 4096, 'nothing was copied from the log yet');
  const next = await openStore({ dataDir: killed, clock });
  t.after(() => next.close());
  assert.deepEqual([next.recovery.quarantined, next.recovery.previousBoot], [[], null]);
  assert.equal((await next.outboxCounts()).records, 1);
});

for (const name of ['journal.db', 'ring.db']) {
  test(`a power cut in the middle of the first page of a new ${name} is taken back, not told as damage`, async (t) => {
    const dataDir = temporaryDir(t);
    const page = readFileSync(join(root, 'killed', name))
      .subarray(0, 4096)
      .fill(0, 0, 512);
    writeFileSync(join(dataDir, name), page);
    writeFileSync(join(dataDir, `${name}-journal`), rollbackJournal({ pagesBefore: 0 }));
    const store = await openStore({ dataDir, clock: { wallMs: () => nowMs } });
    t.after(() => store.close());
    assert.deepEqual(store.recovery.quarantined, []);
  });

  test(`what no rollback journal takes back of a damaged ${name} is put aside and told as before`, (t) => {
    const { quarantined } = openAfter(t, 'closed', (dataDir) => {
      const path = join(dataDir, name);
      const sizePages = statSync(path).size / 4096;
      writeFileSync(path, readFileSync(path).fill(0, 0, 512));
      writeFileSync(`${path}-journal`, rollbackJournal({ pagesBefore: sizePages }));
    });
    assert.equal(quarantined.length, 1);
  });
}

/** A rollback journal that holds no page: https://www.sqlite.org/fileformat2.html#the_rollback_journal */
function rollbackJournal({ pagesBefore }: { pagesBefore: number }): Buffer {
  const header = Buffer.alloc(512);
  Buffer.from('d9d505f920a163d7', 'hex').copy(header);
  header.writeUInt32BE(pagesBefore, 16);
  header.writeUInt32BE(512, 20);
  header.writeUInt32BE(4096, 24);
  return header;
}

test('any byte of the header may be another, and nothing is lost', (t) => {
  const bytes = readFileSync(join(root, 'closed', 'journal.db'));
  for (const at of [0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 28, 44, 47, 56, 59, 92]) {
    const { missingRecords } = openAfter(t, 'closed', (dataDir) => {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x13;
      writeFileSync(join(dataDir, 'journal.db'), flipped);
    });
    assert.equal(missingRecords, 0, `byte ${at}`);
  }
});

for (const name of ['journal.db', 'ring.db']) {
  test(`${name} cut short anywhere is put aside and told; what is before the cut is mostly there`, (t) => {
    const { length } = readFileSync(join(root, 'closed', name));
    for (const part of [0.02, 0.3, 0.5, 0.9, 0.999]) {
      const { quarantined } = openAfter(t, 'closed', (dataDir) =>
        truncateSync(join(dataDir, name), Math.floor(length * part)),
      );
      assert.equal(quarantined.length, 1, `${part}`);
    }
  });

  test(`an empty ${name} is as none: a new one is made, and no start says that it was damaged`, (t) => {
    const { quarantined } = openAfter(t, 'closed', (dataDir) => {
      writeFileSync(join(dataDir, name), '');
    });
    assert.deepEqual(quarantined, []);
  });

  test(`a folder in the place of ${name} is refused with its name, and nothing is changed`, async (t) => {
    const dataDir = temporaryDir(t);
    mkdirSync(join(dataDir, name));
    await assert.rejects(openStore({ dataDir, clock: { wallMs: () => nowMs } }), {
      key: 'dataDirUnusable',
      message: new RegExp(name),
    });
  });
}

/** Where the schema of a file has its row of a table: type, name and table name lie side by side, behind the head of the row. */
function rowsOfTables(bytes: Buffer): { readonly name: string; readonly at: number }[] {
  return [...bytes.toString('latin1').matchAll(/table([a-z_]+)\1/g)].map(({ index, 1: name = '' }) => ({
    name,
    at: index,
  }));
}
for (const name of ['journal.db', 'ring.db'])
  test(`the table of versions of ${name} may go by any other word: what it says of the others is not needed to read them`, (t) => {
    const bytes = readFileSync(join(root, 'closed', name));
    let found = 0;
    // A page that was split keeps what went to the other one, where nobody reads it any more.
    for (const row of rowsOfTables(bytes).filter((one) => one.name === 'schema_version'))
      for (let at = row.at + 'table'.length; at < row.at + 'tableschema_versionschema_version'.length; at++) {
        const shown = openAfter(t, 'closed', (dataDir) => {
          const harmed = Buffer.from(bytes);
          harmed[at] = (harmed[at] ?? 0) ^ 1;
          writeFileSync(join(dataDir, name), harmed);
        });
        found += shown.quarantined.length;
        assert.deepEqual([shown.missingRecords, shown.missingReadings], [0, 0], `at ${at}`);
      }
    assert.ok(found >= 'schema_version'.length, `${found} were found`);
  });

test('a table of the journal whose words give its key another name is left out and told, and the start comes to its end', (t) => {
  const bytes = readFileSync(join(root, 'closed', 'journal.db'));
  const words = [...bytes.toString('latin1').matchAll(/CREATE TABLE ([a-z_]+) \(\n/g)];
  assert.ok(words.length > 10, `${words.length} tables`);
  let told = 0;
  for (const { index, 0: text, 1: name } of words) {
    const { quarantined } = openAfter(t, 'closed', (dataDir) => {
      const harmed = Buffer.from(bytes);
      // "id INTEGER PRIMARY KEY" is the column "Jid" then, or a column "J" of the type "id INTEGER".
      harmed[index + text.length - 1] = '\n'.charCodeAt(0) ^ 64;
      writeFileSync(join(dataDir, 'journal.db'), harmed);
    });
    // Some of the words are left from a page that was split; nobody reads them.
    if (quarantined.length > 0) told++;
    for (const one of quarantined) assert.match(one, new RegExp(`not all of .*${name}`));
  }
  assert.ok(told > 10, `${told} were told`);
});

test('journal and ring that have changed places are both put aside: neither is read as the other', (t) => {
  const { quarantined, missingRecords } = openAfter(t, 'closed', (dataDir) => {
    copyFileSync(join(root, 'closed', 'journal.db'), join(dataDir, 'ring.db'));
    copyFileSync(join(root, 'closed', 'ring.db'), join(dataDir, 'journal.db'));
  });
  assert.equal(quarantined.length, 2);
  assert.equal(missingRecords, truth.byNumber.size);
});

test('a log that belongs to another database costs what was in the right one, and nothing else', (t) => {
  const { missingRecords, quarantined } = openAfter(t, 'killed', (dataDir) =>
    copyFileSync(join(root, 'killed', 'ring.db-wal'), join(dataDir, 'journal.db-wal')),
  );
  assert.ok(missingRecords > 0 && quarantined.length > 0);
});

test('without its log a killed database is what it was at the last checkpoint', (t) => {
  const { missingRecords, quarantined } = openAfter(t, 'killed', (dataDir) => rmSync(join(dataDir, 'journal.db-wal')));
  assert.ok(missingRecords > 0 && missingRecords < truth.byNumber.size);
  // Nobody can know that there was one.
  assert.deepEqual(quarantined, []);
});

test('a damaged row of boots does not keep its records from being sent', (t) => {
  const { quarantined, missingRecords } = openAfter(t, 'closed', (dataDir) => {
    const db = new BetterSqlite(join(dataDir, 'journal.db'));
    db.exec("DROP TRIGGER boot_changed; UPDATE boot SET boot = 'aaaaaaaaaaaaaaab'");
    db.close();
  });
  assert.equal(quarantined.length, 1);
  assert.equal(missingRecords, 0);
});

test('an alert whose place in the list of occurrences is damaged stays open', async (t) => {
  const dataDir = temporaryDir(t);
  cpSync(join(root, 'closed'), dataDir, { recursive: true });
  const db = new BetterSqlite(join(dataDir, 'journal.db'));
  db.exec("DROP TRIGGER occurrence_changed; UPDATE occurrence SET is_open = 0 WHERE occurrence = 'o-ls-1-5'");
  db.close();
  const store = await openStore({ dataDir, clock: { wallMs: () => nowMs } });
  t.after(() => store.close());
  assert.equal(store.recovery.quarantined.length, 1);
  assert.ok(store.recovery.openOccurrences.some(({ occurrence }) => occurrence === 'o-ls-1-5'));
});

test('a damaged database of an earlier version gives back what reads', async (t) => {
  const dataDir = temporaryDir(t);
  const bytes = gunzipSync(readFileSync(join(import.meta.dirname, '../../fixtures/store/journal-1.db.gz')));
  bytes[16] = 7;
  writeFileSync(join(dataDir, 'journal.db'), bytes);
  const store = await openStore({ dataDir, clock: { wallMs: () => nowMs } });
  t.after(() => store.close());
  assert.equal(store.recovery.quarantined.length, 1);
  assert.equal((await store.events({})).items.length, 2);
  assert.equal((await store.outboxCounts()).records, 5);
});
