/**
 * The audit of what was written to machines: rows that are only ever added, each bound to the one before it by a hash.
 *
 * Invariants (test/unit/store/audit.test.ts):
 *  A1  A row's hash is SHA-256 over the hash before it, a line feed and its body; the body holds its number. So a row that was changed,
 *      removed, added or moved breaks the chain at that place.
 *  A2  `audit_head` has number and hash of the newest row, changed in the same transaction; so rows cut off at the end are missed.
 *  A3  The database itself refuses to change or delete a row (triggers).
 *
 * Whoever can write the file and knows this program can make a new chain. `selvedge audit verify` prints the newest hash; kept
 * elsewhere, it shows that too.
 */
import { createHash } from 'node:crypto';
import type { Database, Statement } from 'better-sqlite3';
import type { AuditEntry } from './audit-entry.ts';

/** A row as it stands in the database. */
export interface AuditRow {
  readonly id: number;
  readonly prev: string;
  readonly hash: string;
  readonly body: string;
}

/** The hash before the first row. */
export const auditStart = '0'.repeat(64);

export const auditHash = (prev: string, body: string): string =>
  createHash('sha256').update(`${prev}\n${body}`).digest('hex');

/** Adds rows. Inside a transaction of the journal. */
export class AuditLog {
  readonly #head: Statement;
  readonly #insert: Statement;
  readonly #move: Statement;

  constructor(db: Database) {
    this.#head = db.prepare('SELECT id, hash FROM audit_head');
    this.#insert = db.prepare(
      'INSERT INTO audit (id, prev, hash, write_id, machine, at_ms, body) VALUES ($id, $prev, $hash, $write, $machine, $atMs, $body)',
    );
    this.#move = db.prepare(
      'INSERT INTO audit_head (one, id, hash) VALUES (1, $id, $hash) ON CONFLICT (one) DO UPDATE SET id = $id, hash = $hash',
    );
  }

  append(boot: string, entry: AuditEntry): number {
    const head = this.#head.get() as { id: number; hash: string } | undefined;
    const id = (head?.id ?? 0) + 1;
    const prev = head?.hash ?? auditStart;
    const body = JSON.stringify({ id, boot, ...entry });
    const hash = auditHash(prev, body);
    const { write, machine, atMs } = entry;
    this.#insert.run({ id, prev, hash, write, machine, atMs: Math.round(atMs), body });
    this.#move.run({ id, hash });
    return id;
  }
}

export interface AuditVerdict {
  readonly rows: number;
  /** Number and hash of the newest row; null where there is none. */
  readonly head: { readonly id: number; readonly hash: string } | null;
  /** Each place where the chain does not hold, the first 20. */
  readonly problems: readonly { readonly id: number; readonly what: string }[];
}

const maxProblems = 20;

/** Looks at every row. Pure but for reading. */
export function verifyAudit(db: Database): AuditVerdict {
  const problems: { id: number; what: string }[] = [];
  const problem = (id: number, what: string): void => {
    if (problems.length < maxProblems) problems.push({ id, what });
  };
  let rows = 0;
  let last: { id: number; hash: string } | null = null;
  const all = db.prepare('SELECT id, prev, hash, write_id, machine, at_ms, body FROM audit ORDER BY id').iterate();
  for (const row of all as Iterable<AuditRow & { write_id: string; machine: string; at_ms: number }>) {
    rows += 1;
    const expected: number = (last?.id ?? 0) + 1;
    if (row.id !== expected) problem(expected, row.id === expected + 1 ? 'is missing' : `to ${row.id - 1} are missing`);
    else if (row.prev !== (last?.hash ?? auditStart)) problem(row.id, 'does not follow the row before it');
    if (row.hash !== auditHash(row.prev, row.body)) problem(row.id, 'was changed');
    else if (!bodyFits(row)) problem(row.id, 'says something else in its columns than in its body');
    last = { id: row.id, hash: row.hash };
  }
  const head = db.prepare('SELECT id, hash FROM audit_head').get() as { id: number; hash: string } | undefined;
  const lastId = last?.id ?? 0;
  if ((head?.id ?? 0) > lastId) problem(lastId + 1, `to ${head?.id ?? 0} are missing at the end`);
  else if ((head?.id ?? 0) < lastId) problem(lastId, 'is newer than the newest row that was noted');
  else if (head !== undefined && last !== null && head.hash !== last.hash)
    problem(lastId, 'is not the row that was noted');
  return { rows, head: last, problems };
}

function bodyFits(row: AuditRow & { write_id: string; machine: string; at_ms: number }): boolean {
  const body = JSON.parse(row.body) as { id?: unknown } & Partial<AuditEntry>;
  return (
    body.id === row.id &&
    body.write === row.write_id &&
    body.machine === row.machine &&
    Math.round(body.atMs ?? Number.NaN) === row.at_ms
  );
}
