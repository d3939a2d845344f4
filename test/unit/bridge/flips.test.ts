/** A byte of the bridge's database is another, anywhere. `SELVEDGE_FLIPS=1000` makes as many as the full proof. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { sha256Hex } from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { alert, atMs, body, bootA, event, machine, stateSummary, summary } from './making.ts';

const flips = Number(process.env['SELVEDGE_FLIPS'] ?? 60);
const root = mkdtempSync(join(tmpdir(), 'selvedge-bridge-flips-'));
after(() => rmSync(root, { recursive: true }));

function batchOf(gateway: string, seq: number): CheckedBatch {
  const first = seq * 10;
  const minuteMs = atMs + seq * 60_000;
  const records = [
    machine(first),
    event(first + 1),
    alert(first + 2, { occurrence: `${gateway}-${seq}` }),
    summary(first + 3, { minuteMs }),
    stateSummary(first + 4, { minuteMs }),
  ];
  const whole = body({ gateway, boot: bootA, seq, records });
  const sha256 = sha256Hex(Buffer.from(JSON.stringify(whole)));
  return { name: { gateway, boot: bootA, seq, sha256 }, body: whole, wireBytes: 100 };
}

test(
  'with any byte of its database another the bridge starts, keeps a file it found damaged, and takes what comes',
  { timeout: flips * 3_000 + 60_000 },
  () => {
    const made = join(root, 'made');
    mkdirSync(made);
    const batches = ['gw-1', 'gw-2'].flatMap((gateway) =>
      Array.from({ length: 40 }, (_, i) => batchOf(gateway, i + 1)),
    );
    const store = SqliteStore.open(dataDir(made), 1);
    store.commit(batches, 1);
    store.close();
    const bytes = readFileSync(dataDir(made).database);
    const flip = fc.record({ at: fc.integer({ min: 0, max: bytes.length - 1 }), by: fc.integer({ min: 1, max: 255 }) });
    let round = 0;
    fc.assert(
      fc.property(flip, ({ at, by }) => {
        const dir = dataDir(join(root, `${round++}`));
        mkdirSync(dir.root);
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ by;
        writeFileSync(dir.database, flipped);
        try {
          const opened = SqliteStore.open(dir, 2);
          try {
            // The others are not held up by what one of them lost.
            assert.deepEqual(opened.commit([batchOf('gw-3', 1)], 3).outcomes, ['stored']);
            assert.equal(opened.db.pragma('quick_check', { simple: true }), 'ok');
          } finally {
            opened.close();
          }
          const aside = readdirSync(dir.root).find((name) => name.includes('.bad-'));
          const sum = (data: Buffer) => createHash('sha256').update(data).digest('hex');
          if (aside !== undefined) assert.equal(sum(readFileSync(join(dir.root, aside))), sum(flipped));
        } finally {
          rmSync(dir.root, { recursive: true });
        }
      }),
      { numRuns: flips },
    );
  },
);
