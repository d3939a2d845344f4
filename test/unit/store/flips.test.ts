/**
 * A byte of a database is another, anywhere: `SELVEDGE_FLIPS=1000 npm test -- test/unit/store/flips.test.ts` is the full proof (1,000 in each
 * file), 60 in each is what every run does beyond it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { isSound, lastCommit, makeFolders, show, type Truth } from './flipping.ts';

const flips = Number(process.env['SELVEDGE_FLIPS'] ?? 60);
/** So many make a test: one that says nothing for minutes would be taken for hanging. */
const flipsATest = 200;
const seed = fc.readConfigureGlobal().seed ?? Math.floor(Math.random() * 2 ** 31);
const root = mkdtempSync(join(tmpdir(), 'selvedge-flips-'));
let truth: Truth = { byNumber: new Map(), readings: new Map() };
before(() => (truth = makeFolders(root)));
after(() => rmSync(root, { recursive: true }));

const files = [
  ['closed', 'journal.db'],
  ['closed', 'ring.db'],
  ['killed', 'journal.db'],
  ['killed', 'journal.db-wal'],
  ['killed', 'ring.db'],
  ['killed', 'ring.db-wal'],
] as const;

for (const [folder, file] of files) {
  test(
    `B1 to B4: any byte of ${file} of a ${folder} store is another: it starts, shows nothing wrong, and tells what it lost`,
    { timeout: flips * 3_000 + 60_000 },
    async (t) => {
      const bytes = readFileSync(join(root, folder, file));
      let aside = 0;
      let missing = 0;
      const flip = fc.record({
        at: fc.integer({ min: 0, max: bytes.length - 1 }),
        by: fc.integer({ min: 1, max: 255 }),
      });
      const property = fc.property(flip, ({ at, by }) => {
        const dataDir = join(root, 'flipped');
        try {
          cpSync(join(root, folder), dataDir, { recursive: true });
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] ?? 0) ^ by;
          writeFileSync(join(dataDir, file), flipped);
          const shown = show(dataDir, truth);
          assert.deepEqual([shown.wrong, shown.refused, shown.spoilt], [[], [], 0]);
          if (shown.quarantined.length === 0) {
            // Of a log's last transaction nobody can say whether it had come to its end.
            // The ring's log is synced when it is copied into the ring: its end may be as a power cut leaves it.
            const torn =
              file === 'ring.db-wal'
                ? { records: 0, readings: Infinity }
                : file.endsWith('-wal')
                  ? lastCommit
                  : { records: 0, readings: 0 };
            assert.ok(
              shown.missingRecords <= torn.records && shown.missingReadings <= torn.readings,
              JSON.stringify(shown),
            );
          } else {
            aside++;
            missing += shown.missingRecords;
            assertKept(dataDir, flipped, file);
          }
          assert.ok(isSound(dataDir));
        } finally {
          rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
        }
      });
      for (let done = 0; done < flips; done += flipsATest) {
        const numRuns = Math.min(flipsATest, flips - done);
        await t.test(`${done + 1} to ${done + numRuns}`, () => fc.assert(property, { numRuns, seed: seed + done }));
        // All of it is one turn of the event loop, in which nothing can be told.
        await delay(50);
      }
      if (flips >= 60 && file === 'journal.db') {
        assert.ok(aside > flips / 10, `${aside} of ${flips} were found`);
        // One byte costs some rows, seldom more.
        assert.ok(missing < (aside * truth.byNumber.size) / 5, `${missing} records were missing after ${aside} flips`);
      }
    },
  );
}

/** The damaged bytes are there still, under another name. */
function assertKept(dataDir: string, flipped: Buffer, file: string): void {
  const sum = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const kept = readdirSync(dataDir).filter((name) => name.includes('.bad-'));
  assert.ok(
    kept.some((name) => sum(readFileSync(join(dataDir, name))) === sum(flipped)),
    `${file} is in none of ${kept.join()}`,
  );
}
