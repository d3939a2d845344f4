/**
 * Makes the databases of `test/fixtures/store/` with the code of this checkout: `freeze.ts FOLDER`. It runs in old checkouts, too, so it
 * uses what every version had.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import BetterSqlite from 'better-sqlite3';
import { encodeRingBlock } from '../../../agent/ring/block.ts';
import { openStore, type Store } from '../../../agent/store/open.ts';

const [to = '.'] = process.argv.slice(2);
const content = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/store/content.json'), 'utf8'));
const { nowMs, first, second } = content;
const dataDir = mkdtempSync(join(tmpdir(), 'selvedge-freeze-'));
const clock = { wallMs: () => nowMs };
const seal = { site: content.site, gateway: content.gateway, clock: 'synced' as const, nowMs };
const request = { limit: 10, exclude: [], seal, lingerMs: 0, backlogAfterMs: 86_400_000 };

async function commit(store: Store, records: readonly { readonly kind: string }[]): Promise<void> {
  const lane = (kind: string) => (kind === 'alert' ? ('alerts' as const) : ('live' as const));
  await store.commit(
    records.map((record) => ({ lane: lane(record.kind), record: record as never })),
    { urgent: true },
  );
}

const one = await openStore({ dataDir, clock, boot: first.boot });
await commit(one, first.records);
for (const [lane, result] of [
  ['alerts', 'stored'],
  ['live', 'refused'],
] as const) {
  const [batch] = await one.take({ ...request, lane });
  if (batch === undefined) throw new TypeError(`nothing sealed of ${lane}`);
  const { boot, seq, sha256 } = batch;
  await one.noteSent([{ boot, seq }], nowMs);
  await one.settle({ boot, seq, sha256, result, code: result === 'refused' ? 'conflict' : null, atMs: nowMs });
}
await one.close();

const two = await openStore({ dataDir, clock, boot: second.boot });
await commit(two, second.records);
await two.take({ ...request, lane: 'alerts' });
// Not there before version 3.
if ('audit' in two) await two.audit(content.audit);
await two.appendRing(encodeRingBlock('ls-1', content.readings));
await two.close();

for (const name of ['journal', 'ring']) {
  const path = join(dataDir, `${name}.db`);
  const db = new BetterSqlite(path);
  const version = Number(db.prepare('SELECT max(version) FROM schema_version').pluck().get());
  db.pragma('journal_mode = DELETE');
  db.close();
  writeFileSync(join(to, `${name}-${version}.db.gz`), gzipSync(readFileSync(path), { level: 9 }));
}
rmSync(dataDir, { recursive: true });
