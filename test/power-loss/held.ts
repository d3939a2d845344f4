/**
 * What a data folder still has of the records it told, read from its journal by hand. Shares no code with the store.
 *
 * Invariants (test/unit/power-loss/held.test.ts):
 *  H1  A record is held when it waits in the outbox, or in a sealed batch, with the hash told; or in a batch that the bridge has answered.
 *  H2  Of an event and of an alert the row is there besides, with the hash told; of a minute the row, no lower than the one told.
 */
import { zstdDecompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { keyText, sha256Of } from '../torture/at-bridge.ts';
import { idOf, type Told } from '../torture/ledger.ts';

const batchBody = z.object({ boot: z.string(), records: z.array(z.looseObject({ n: z.int() })) });
const batchHead = z.object({ boot: z.string(), seq: z.int() });

/** Identities of the batches that were sent, by `boot/seq`. */
export type Sent = ReadonlyMap<string, readonly string[]>;

/** Name and identities of a payload of the topic `up`: a line of JSON, then zstd. */
export function sentIdentities(payload: Buffer): readonly [name: string, ids: readonly string[]] {
  const end = payload.indexOf(0x0a);
  const { boot, seq } = batchHead.parse(JSON.parse(payload.toString('utf8', 0, end)));
  return [`${boot}/${seq}`, recordsOf(payload.subarray(end + 1)).map(({ id }) => id)];
}

function recordsOf(bytes: Buffer): { readonly id: string; readonly sha256: string }[] {
  const { boot, records } = batchBody.parse(JSON.parse(zstdDecompressSync(bytes).toString('utf8')));
  return records.map((record) => ({ id: idOf({ boot, n: record.n }), sha256: sha256Of(record) }));
}

interface Row {
  readonly boot: string;
  readonly n: number;
  readonly body: string;
}
interface MinuteRow {
  readonly boot: string;
  readonly n: number;
  readonly revision: number;
  readonly machine: string;
  readonly signal: string | null;
  readonly minuteMs: number;
  readonly readingBoot: string;
  readonly segment: number;
}

/** The told records that the journal in `file` does not hold, with what is missing of each. */
export function missingIn(file: string, told: readonly Told[], sent: Sent): string[] {
  const db = new Database(file, { readonly: true });
  try {
    const rows = (sql: string) => db.prepare(sql).all();
    const hashes = (sql: string) =>
      new Map((rows(sql) as Row[]).map((row) => [idOf(row), sha256Of(JSON.parse(row.body))]));
    const history = new Map([
      ...hashes('SELECT boot, n, body FROM event'),
      ...hashes('SELECT boot, n, body FROM alert'),
    ]);
    const waiting = hashes('SELECT boot, n, body FROM outbox');
    for (const { bytes } of rows("SELECT bytes FROM batch WHERE state <> 'acked'") as { bytes: Buffer }[]) {
      for (const { id, sha256 } of recordsOf(bytes)) waiting.set(id, sha256);
    }
    const answered = new Set(
      (rows("SELECT boot, seq FROM batch WHERE state = 'acked'") as { boot: string; seq: number }[]).flatMap(
        ({ boot, seq }) => sent.get(`${boot}/${seq}`) ?? [],
      ),
    );
    const minutes = new Map(
      (
        rows(`SELECT boot, n, revision, machine, signal, minute_ms AS minuteMs, reading_boot AS readingBoot, segment FROM summary
          UNION ALL
          SELECT boot, n, revision, machine, NULL, minute_ms, reading_boot, segment FROM state_summary`) as MinuteRow[]
      ).map((row) => [keyText(row), row]),
    );
    return told.flatMap((record) => {
      const id = idOf(record);
      const missing: string[] = [];
      if (waiting.get(id) !== record.sha256 && !answered.has(id))
        missing.push(`${record.kind} ${id}: not in the outbox`);
      const isHistory = record.kind === 'event' || record.kind === 'alert';
      if (isHistory && history.get(id) !== record.sha256) missing.push(`${record.kind} ${id}: no row`);
      if (record.key !== null && !isAtLeast(minutes.get(record.key), record))
        missing.push(`${record.kind} ${id}: no row`);
      return missing;
    });
  } finally {
    db.close();
  }
}

function isAtLeast(row: MinuteRow | undefined, told: Told): boolean {
  if (row === undefined) return false;
  if (row.revision !== (told.revision ?? 0)) return row.revision > (told.revision ?? 0);
  return row.boot === told.boot ? row.n >= told.n : row.boot > told.boot;
}
