/**
 * The tables of journal.db and ring.db, as numbered migrations. `docs/STORE.md` explains them to a reader with a SQL shell.
 *
 * Times are UTC milliseconds, ids text, `body` is the whole wire record as JSON (`cloud-bridge/contract.ts`).
 *
 * journal.db
 *   boot           one row per process start, in order; `next_seq` numbers the batches of that boot
 *   machine        newest description of each machine
 *   event          state changes, gaps, resets, outages, clock steps …
 *   alert          every step in the life of every occurrence, append-only
 *   occurrence     where each occurrence stands: its newest `alert` row, and whether it is open
 *   summary        per machine, signal and minute: the partial with the highest (revision, boot, n) of its key
 *   state_summary  the same for seconds by state and by cause (JSON objects)
 *   packed         minutes older than some hours, packed by machine and hour; and hours folded from minutes, by machine and day
 *   counter_last   last end point of each counter
 *   outbox         records that wait to be sealed into a batch, oldest first
 *   evidence_file  files that events `evidence` name: waiting for the bridge, sent, refused, gone, or kept without an uplink
 *   batch          sealed batches: pending, acked or dead; the bytes go when it is acked, the row stays
 *   gap            what was removed or folded for its age or for want of room, and whether the bridge was told
 *   audit          every step of every write to a machine, append-only, each row bound to the one before (`agent/store/audit.ts`)
 *   audit_head     number and hash of the newest audit row
 *   command_key    highest counter of the commands of each key of the bridge
 *   command        the newest commands with their answers
 *   remote_request what the bridge asked for and somebody at the gateway has to allow
 *   total          running totals: sealed, acked, redelivered, dead_dropped (batches) …
 * ring.db
 *   block          raw readings, one row per machine and some seconds (`agent/ring/block.ts` has the format of `bytes`)
 *   span           time range of each run of finished blocks: the only index over `block`
 *
 * `crc` is a sum over what the row says (`agent/store/row-sums.ts`); null: the row has none.
 *
 * Summaries are clustered by minute, so a minute of a whole floor lands on a few neighbouring pages: by machine and signal it
 * would dirty one page per signal and minute, gigabytes a day of flash wear.
 */
import type { Database } from 'better-sqlite3';
import { StoreError } from './errors.ts';

const partialKey = `
  minute_ms INTEGER NOT NULL, machine TEXT NOT NULL`;
const partialRest = `
  reading_boot TEXT NOT NULL, segment INTEGER NOT NULL, revision INTEGER NOT NULL,
  boot TEXT NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL`;

export const journalMigrations: readonly string[] = [
  `
CREATE TABLE boot (
  id INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE, previous_boot TEXT, started_ms INTEGER NOT NULL,
  next_seq INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE machine (
  machine TEXT PRIMARY KEY, boot TEXT NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE event (
  id INTEGER PRIMARY KEY, boot TEXT NOT NULL, n INTEGER NOT NULL, machine TEXT NOT NULL, at_ms INTEGER NOT NULL,
  event TEXT NOT NULL, phase TEXT NOT NULL, from_ms INTEGER, body TEXT NOT NULL, UNIQUE (boot, n)
);
CREATE INDEX event_machine ON event (machine, at_ms);
CREATE INDEX event_time ON event (at_ms);
CREATE TABLE alert (
  id INTEGER PRIMARY KEY, boot TEXT NOT NULL, n INTEGER NOT NULL, machine TEXT NOT NULL, at_ms INTEGER NOT NULL,
  occurrence TEXT NOT NULL, type TEXT NOT NULL, rule TEXT NOT NULL, signal TEXT, priority TEXT NOT NULL,
  transition TEXT NOT NULL, state TEXT NOT NULL, onset_ms INTEGER NOT NULL, raised_ms INTEGER NOT NULL,
  cleared_ms INTEGER, cause TEXT, body TEXT NOT NULL, UNIQUE (boot, n)
);
CREATE INDEX alert_occurrence ON alert (occurrence, id);
CREATE TABLE occurrence (
  occurrence TEXT PRIMARY KEY, machine TEXT NOT NULL, type TEXT NOT NULL, priority TEXT NOT NULL, state TEXT NOT NULL,
  onset_ms INTEGER NOT NULL, raised_ms INTEGER NOT NULL, cleared_ms INTEGER, is_open INTEGER NOT NULL,
  last_alert INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX occurrence_open ON occurrence (raised_ms) WHERE is_open = 1;
CREATE INDEX occurrence_time ON occurrence (raised_ms);
CREATE TABLE summary (${partialKey}, signal TEXT NOT NULL,${partialRest},
  samples INTEGER NOT NULL, good INTEGER NOT NULL, sum REAL NOT NULL, integral REAL NOT NULL, covered_s REAL NOT NULL,
  min REAL, max REAL, first REAL, last REAL,
  counter_delta REAL, counter_uncertainty REAL, counter_from REAL, counter_to REAL,
  counter_from_ms INTEGER, counter_to_ms INTEGER, counter_wraps INTEGER, counter_resets INTEGER,
  PRIMARY KEY (minute_ms, machine, signal, reading_boot, segment)
) WITHOUT ROWID;
CREATE TABLE state_summary (${partialKey},${partialRest},
  seconds TEXT NOT NULL, causes TEXT NOT NULL,
  PRIMARY KEY (minute_ms, machine, reading_boot, segment)
) WITHOUT ROWID;
CREATE TABLE counter_last (
  machine TEXT NOT NULL, signal TEXT NOT NULL, value REAL NOT NULL, at_ms INTEGER NOT NULL,
  reading_boot TEXT NOT NULL, segment INTEGER NOT NULL, PRIMARY KEY (machine, signal)
) WITHOUT ROWID;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, boot TEXT NOT NULL, n INTEGER NOT NULL, lane TEXT NOT NULL, kind TEXT NOT NULL,
  committed_ms INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX outbox_lane ON outbox (lane, id);
CREATE TABLE batch (
  id INTEGER PRIMARY KEY, boot TEXT NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL, lane TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'acked', 'dead')),
  records INTEGER NOT NULL, first_n INTEGER NOT NULL, last_n INTEGER NOT NULL, wire_bytes INTEGER NOT NULL,
  sealed_ms INTEGER NOT NULL, oldest_ms INTEGER NOT NULL, sends INTEGER NOT NULL DEFAULT 0, last_sent_ms INTEGER,
  acked_ms INTEGER, result TEXT, code TEXT, bytes BLOB, UNIQUE (boot, seq)
);
CREATE INDEX batch_waiting ON batch (state, lane, id) WHERE state <> 'acked';
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`,
  // A start asks which spans the process before left open; most events are instants.
  `CREATE INDEX event_span ON event (machine, event, id) WHERE phase <> 'instant';`,
  // Without an index on time: these rows are few, and are read from the newest down.
  `
CREATE TABLE audit (
  id INTEGER PRIMARY KEY, prev TEXT NOT NULL, hash TEXT NOT NULL, write_id TEXT NOT NULL, machine TEXT NOT NULL,
  at_ms INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX audit_write ON audit (write_id, id);
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
`,
  `
CREATE TABLE evidence_file (
  id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, media_type TEXT NOT NULL,
  boot TEXT NOT NULL, n INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'kept', 'stored', 'refused', 'gone')), code TEXT, settled_ms INTEGER
);
CREATE INDEX evidence_waiting ON evidence_file (id) WHERE state = 'waiting';
`,
  `
CREATE TABLE command_key (key TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE command (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, counter INTEGER NOT NULL, command_id TEXT NOT NULL, command TEXT NOT NULL,
  kind TEXT NOT NULL, at_ms INTEGER NOT NULL, answer TEXT, UNIQUE (key, counter)
);
CREATE TABLE remote_request (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waits', 'allowed', 'denied')),
  asked_ms INTEGER NOT NULL, decided_ms INTEGER, UNIQUE (kind, body)
);
`,
  // A table with row numbers: large values in one without lie in its inner pages.
  `
CREATE TABLE packed (
  id INTEGER PRIMARY KEY, hours INTEGER NOT NULL CHECK (hours IN (1, 24)), from_ms INTEGER NOT NULL, machine TEXT NOT NULL,
  records INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (hours, from_ms, machine)
);
CREATE TABLE gap (
  id INTEGER PRIMARY KEY, step TEXT NOT NULL, why TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  records INTEGER NOT NULL, bytes INTEGER NOT NULL, noted_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'telling', 'told'))
);
CREATE INDEX batch_oldest ON batch (oldest_ms, records) WHERE state = 'pending';
CREATE INDEX evidence_acked ON evidence_file (id) WHERE state IN ('stored', 'kept');
`,
  // A sum over each row, which whoever changes a row makes anew; where somebody does not, it goes.
  `
ALTER TABLE boot ADD COLUMN crc INTEGER;
ALTER TABLE machine ADD COLUMN crc INTEGER;
ALTER TABLE event ADD COLUMN crc INTEGER;
ALTER TABLE alert ADD COLUMN crc INTEGER;
ALTER TABLE occurrence ADD COLUMN crc INTEGER;
ALTER TABLE summary ADD COLUMN crc INTEGER;
ALTER TABLE state_summary ADD COLUMN crc INTEGER;
ALTER TABLE counter_last ADD COLUMN crc INTEGER;
ALTER TABLE outbox ADD COLUMN crc INTEGER;
ALTER TABLE batch ADD COLUMN crc INTEGER;
CREATE TRIGGER boot_changed AFTER UPDATE OF boot, previous_boot, started_ms ON boot WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.boot, new.previous_boot, new.started_ms) IS NOT (old.boot, old.previous_boot, old.started_ms)
  BEGIN UPDATE boot SET crc = NULL WHERE id = new.id; END;
CREATE TRIGGER machine_changed AFTER UPDATE ON machine WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.machine, new.boot, new.n, new.at_ms, new.body) IS NOT (old.machine, old.boot, old.n, old.at_ms, old.body)
  BEGIN UPDATE machine SET crc = NULL WHERE machine = new.machine; END;
CREATE TRIGGER event_changed AFTER UPDATE ON event WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.boot, new.n, new.machine, new.at_ms, new.event, new.phase, new.from_ms, new.body) IS NOT (old.boot, old.n,
    old.machine, old.at_ms, old.event, old.phase, old.from_ms, old.body)
  BEGIN UPDATE event SET crc = NULL WHERE id = new.id; END;
CREATE TRIGGER alert_changed AFTER UPDATE ON alert WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.boot, new.n, new.machine, new.at_ms, new.occurrence, new.type, new.rule, new.signal, new.priority, new.transition,
    new.state, new.onset_ms, new.raised_ms, new.cleared_ms, new.cause, new.body) IS NOT (old.boot, old.n, old.machine,
    old.at_ms, old.occurrence, old.type, old.rule, old.signal, old.priority, old.transition, old.state, old.onset_ms,
    old.raised_ms, old.cleared_ms, old.cause, old.body)
  BEGIN UPDATE alert SET crc = NULL WHERE id = new.id; END;
CREATE TRIGGER occurrence_changed AFTER UPDATE ON occurrence WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.occurrence, new.machine, new.type, new.priority, new.state, new.onset_ms, new.raised_ms, new.cleared_ms, new.is_open,
    new.last_alert) IS NOT (old.occurrence, old.machine, old.type, old.priority, old.state, old.onset_ms, old.raised_ms,
    old.cleared_ms, old.is_open, old.last_alert)
  BEGIN UPDATE occurrence SET crc = NULL WHERE occurrence = new.occurrence; END;
CREATE TRIGGER summary_changed AFTER UPDATE ON summary WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.minute_ms, new.machine, new.signal, new.reading_boot, new.segment, new.revision, new.boot, new.n, new.at_ms,
    new.samples, new.good, new.sum, new.integral, new.covered_s, new.min, new.max, new.first, new.last, new.counter_delta,
    new.counter_uncertainty, new.counter_from, new.counter_to, new.counter_from_ms, new.counter_to_ms, new.counter_wraps,
    new.counter_resets) IS NOT (old.minute_ms, old.machine, old.signal, old.reading_boot, old.segment, old.revision, old.boot,
    old.n, old.at_ms, old.samples, old.good, old.sum, old.integral, old.covered_s, old.min, old.max, old.first, old.last,
    old.counter_delta, old.counter_uncertainty, old.counter_from, old.counter_to, old.counter_from_ms, old.counter_to_ms,
    old.counter_wraps, old.counter_resets)
  BEGIN UPDATE summary SET crc = NULL WHERE minute_ms = new.minute_ms AND machine = new.machine AND signal = new.signal AND reading_boot = new.reading_boot AND segment = new.segment; END;
CREATE TRIGGER state_summary_changed AFTER UPDATE ON state_summary WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.minute_ms, new.machine, new.reading_boot, new.segment, new.revision, new.boot, new.n, new.at_ms, new.seconds,
    new.causes) IS NOT (old.minute_ms, old.machine, old.reading_boot, old.segment, old.revision, old.boot, old.n, old.at_ms,
    old.seconds, old.causes)
  BEGIN UPDATE state_summary SET crc = NULL WHERE minute_ms = new.minute_ms AND machine = new.machine AND reading_boot = new.reading_boot AND segment = new.segment; END;
CREATE TRIGGER counter_last_changed AFTER UPDATE ON counter_last WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.machine, new.signal, new.value, new.at_ms, new.reading_boot, new.segment) IS NOT (old.machine, old.signal, old.value,
    old.at_ms, old.reading_boot, old.segment)
  BEGIN UPDATE counter_last SET crc = NULL WHERE machine = new.machine AND signal = new.signal; END;
CREATE TRIGGER outbox_changed AFTER UPDATE ON outbox WHEN new.crc IS old.crc AND new.crc IS NOT NULL
  AND (new.boot, new.n, new.lane, new.kind, new.committed_ms, new.body) IS NOT (old.boot, old.n, old.lane, old.kind,
    old.committed_ms, old.body)
  BEGIN UPDATE outbox SET crc = NULL WHERE id = new.id; END;
`,
  // A roll map is folded from a few of a year's events (`roll-events.ts`).
  `
CREATE INDEX event_roll ON event (machine, id) WHERE event IN ('fabric_finding', 'fabric_finding_goes_on', 'fabric_finding_refined',
  'roll_begun', 'roll_looked');
CREATE INDEX event_roll_begun ON event (machine, id) WHERE event = 'roll_begun';
`,
  // What people did with one alert (`act-events.ts`). A body that does not read is in it, too: an index must not refuse a row.
  `
CREATE INDEX event_act ON event (CASE WHEN json_valid(body) THEN json_extract(body, '$.data.occurrence') END, id)
  WHERE event = 'alert_act';
`,
  // A start asks for the newest needle cases (`case-events.ts`).
  `
CREATE INDEX event_case ON event (machine, id) WHERE event IN ('needle_case_act', 'needle_case_opened');
CREATE INDEX event_case_opened ON event (machine, id) WHERE event = 'needle_case_opened';
`,
];

export const ringMigrations: readonly string[] = [
  `
CREATE TABLE block (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, boot TEXT NOT NULL,
  points INTEGER NOT NULL, bytes BLOB NOT NULL
);
CREATE TABLE span (
  id INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, bytes INTEGER NOT NULL
);
`,
  // A sum over each block, as over the rows of the journal.
  `ALTER TABLE block ADD COLUMN crc INTEGER;`,
];

/**
 * Brings a database to the newest version, one transaction per step, each recorded in `schema_version`.
 * @throws StoreError `storeTooNew` when a newer program wrote it; nothing is changed then.
 */
export function migrate(db: Database, migrations: readonly string[], nowMs: number): void {
  db.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL)');
  const found = schemaVersion(db);
  if (found > migrations.length) {
    throw new StoreError('storeTooNew', `${db.name} has schema ${found}, this version knows ${migrations.length}`);
  }
  for (const [index, sql] of migrations.entries()) {
    const version = index + 1;
    if (version <= found) continue;
    db.transaction(() => {
      db.exec(sql);
      db.prepare('INSERT INTO schema_version (version, applied_ms) VALUES (?, ?)').run(version, nowMs);
    })();
  }
}

/** Newest migration a database has seen; 0 for an empty one. */
export function schemaVersion(db: Database): number {
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").get();
  if (table === undefined) return 0;
  return Number(db.prepare('SELECT coalesce(max(version), 0) FROM schema_version').pluck().get());
}
