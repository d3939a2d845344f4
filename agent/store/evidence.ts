/**
 * The evidence side of the journal: which files wait to be sent, which the bridge has. Used by the writer thread inside its
 * transactions; the bytes are files of their own (`evidence-files.ts`).
 *
 * Invariants (test/unit/store/evidence.test.ts):
 *  V1  A file is in the table together with the first record that names it, or not at all.
 *  V2  A file is given to be sent only when no record that names it waits in the outbox or in a batch: the bridge knows what it is
 *      before it comes.
 *  V3  A file waits until the bridge says it is stored, or refuses it for good, or it can no longer be read here.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { EventRecord, EvidenceData } from '../../cloud-bridge/contract.ts';
import { evidenceEvent } from './evidence-event.ts';
import type { FileSettlement, WaitingFile } from './outbox.ts';

export class EvidenceTable {
  readonly #sql: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#sql = prepareAll(db);
  }

  /** Notes the file an event names, if it is one that names a file. `sends`: there is an uplink to send it by. */
  note(boot: string, record: EventRecord, sends: boolean): void {
    if (record.event !== evidenceEvent) return;
    const file = fileIn(record.data);
    if (file === null) return;
    const { sha256, bytes, mediaType } = file;
    this.#sql.insert.run({ sha256, bytes, mediaType, boot, n: record.n, state: sends ? 'waiting' : 'kept' });
  }

  /** The oldest file whose record the bridge has; null when none waits. */
  next(): WaitingFile | null {
    return (this.#sql.next.get() as WaitingFile | undefined) ?? null;
  }

  /** False when it changed nothing. */
  settle({ sha256, result, code, atMs }: FileSettlement): boolean {
    return this.#sql.settle.run({ sha256, state: result, code, atMs }).changes > 0;
  }
}

/**
 * The file that the data of an event name; null: none. Records are held against the contract before they come to this thread, which loads no
 * schemas: here it is asked only whether a row can be made of it.
 */
function fileIn({
  sha256,
  bytes,
  mediaType,
}: EventRecord['data']): Pick<EvidenceData, 'sha256' | 'bytes' | 'mediaType'> | null {
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (typeof bytes !== 'number' || !Number.isInteger(bytes) || bytes < 1 || typeof mediaType !== 'string') return null;
  return { sha256, bytes, mediaType };
}

function prepareAll(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    // A file that is kept already may be named again; where it is gone the newer one stands for it.
    insert: one(`INSERT INTO evidence_file (sha256, bytes, media_type, boot, n, state)
      VALUES ($sha256, $bytes, $mediaType, $boot, $n, $state)
      ON CONFLICT (sha256) DO UPDATE SET boot = $boot, n = $n, state = $state, code = NULL, settled_ms = NULL
      WHERE state = 'gone'`),
    // Evidence records have a lane of their own, so both look-ups meet few rows.
    next: one(`SELECT sha256, bytes FROM evidence_file AS f WHERE state = 'waiting'
      AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.lane = 'evidence' AND o.boot = f.boot AND o.n = f.n)
      AND NOT EXISTS (SELECT 1 FROM batch AS b WHERE b.state = 'pending' AND b.lane = 'evidence' AND b.boot = f.boot
        AND f.n BETWEEN b.first_n AND b.last_n) ORDER BY id LIMIT 1`),
    settle: one(`UPDATE evidence_file SET state = $state, code = $code, settled_ms = $atMs
      WHERE sha256 = $sha256 AND state = 'waiting'`),
  };
}
