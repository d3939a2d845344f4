/**
 * The bridge's store, as plain SQL that anyone may read (`docs/bridge-store.md` is generated from this text).
 * Times are UTC milliseconds; ids and names are those of the wire contract; JSON columns hold what the record held.
 */
import { farIndexSql } from './overlap.ts';
import { alertCurrentSql, alertFirstSql, alertOpenSql, openAlertsSql } from './schema-alerts.ts';
import {
  forkTablesSql,
  overlapViewSql,
  seriesTableSql,
  stateTableSql,
  summaryTableSql,
  totalsViewSql,
} from './schema-minutes.ts';

/** Each version changes a table, column, index or view: so a damaged number is told from a newer version (`open.ts`). */
export const schemaVersion = 6;

/** Added with version 3. */
const fileTablesSql = `-- Evidence: files that events 'evidence' name by their hash.
CREATE TABLE evidence_file (
  gateway TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,               -- bytes of the whole file
  whole INTEGER NOT NULL,              -- 1: all chunks are there, and hash to its name
  received_ms INTEGER NOT NULL,        -- first chunk; when it is whole, the last
  PRIMARY KEY (gateway, sha256)
) WITHOUT ROWID;
CREATE TABLE evidence_chunk (
  gateway TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  chunk INTEGER NOT NULL,              -- from 0; chunks of 48 KiB, the last has the rest
  bytes BLOB NOT NULL,
  PRIMARY KEY (gateway, sha256, chunk)
);`;

/** What version 4 adds and is worked out from other rows; a salvaged store gets it in the same way. */
export const workedOutSql = `INSERT OR REPLACE INTO alert_first
  SELECT gateway, occurrence, min(raised_ms) FROM record_alert GROUP BY gateway, occurrence;
UPDATE gateway SET batches = counted.batches, repeats = counted.repeats
  FROM (SELECT gateway, count(*) AS batches, sum(repeats) AS repeats FROM batch GROUP BY gateway) counted
  WHERE counted.gateway = gateway.gateway;
UPDATE gateway SET forks = counted.forks FROM (SELECT gateway, count(*) AS forks FROM fork GROUP BY gateway) counted
  WHERE counted.gateway = gateway.gateway;`;

export const schemaSql = `
-- A gateway that has been heard at least once.
CREATE TABLE gateway (
  gateway TEXT PRIMARY KEY,
  site TEXT NOT NULL,                  -- 'unknown': lost with a damaged database, until it is heard again
  first_ms INTEGER NOT NULL,           -- first and last time anything of it was stored, on the bridge's clock
  last_ms INTEGER NOT NULL,
  batches INTEGER NOT NULL DEFAULT 0,  -- stored; counted as they are, so that nobody has to count them
  repeats INTEGER NOT NULL DEFAULT 0,  -- arrivals of them after the first
  forks INTEGER NOT NULL DEFAULT 0     -- rows in the view fork
) WITHOUT ROWID;

-- One start of a gateway's agent. Boots that name one previous_boot are a fork: see the view.
CREATE TABLE boot (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  previous_boot TEXT,                  -- NULL: the first start with an empty journal, or lost as above
  generation INTEGER NOT NULL,         -- steps from the oldest known boot of its chain; orders boots, as their ids are random
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  sealed_ms INTEGER,                   -- earliest sealing of a stored batch, on the gateway's clock; NULL: none yet
  branch TEXT,                         -- the boot that opened the branch it is on; NULL: the gateway has no fork
  PRIMARY KEY (gateway, boot)
) WITHOUT ROWID;
CREATE INDEX boot_previous ON boot (gateway, previous_boot);

-- Every batch that was stored. Its name is (gateway, boot, seq, sha256).
CREATE TABLE batch (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  lane TEXT NOT NULL,
  clock TEXT NOT NULL,                 -- unsynced, synced or stepped, when it was sealed
  sealed_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,        -- first arrival, on the bridge's clock
  records INTEGER NOT NULL,
  bytes INTEGER NOT NULL,              -- on the wire, packed
  repeats INTEGER NOT NULL,            -- arrivals after the first
  PRIMARY KEY (gateway, boot, seq)
) WITHOUT ROWID;

-- Which record numbers of each boot have been stored, as closed ranges that never touch. Of a gateway of which rows were
-- lost with a damaged database it holds the numbers of the rows that are left.
CREATE TABLE ledger (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  from_n INTEGER NOT NULL,
  to_n INTEGER NOT NULL,
  PRIMARY KEY (gateway, boot, from_n)
) WITHOUT ROWID;

CREATE TABLE record_machine (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n INTEGER NOT NULL,
  machine TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  machine_kind TEXT NOT NULL,
  profile TEXT NOT NULL,
  profile_version INTEGER NOT NULL,
  line TEXT,
  station TEXT,
  identification TEXT NOT NULL,        -- JSON object
  signals TEXT NOT NULL,               -- JSON array of {signal, kind, unit}
  PRIMARY KEY (gateway, boot, n)
) WITHOUT ROWID;
CREATE INDEX record_machine_machine ON record_machine (gateway, machine);

CREATE TABLE record_event (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n INTEGER NOT NULL,
  machine TEXT NOT NULL,               -- or 'gateway'
  at_ms INTEGER NOT NULL,
  event TEXT NOT NULL,
  phase TEXT NOT NULL,                 -- instant, opened or closed
  from_ms INTEGER,
  data TEXT NOT NULL,                  -- JSON object
  PRIMARY KEY (gateway, boot, n)
) WITHOUT ROWID;
CREATE INDEX record_event_time ON record_event (at_ms, gateway, boot, n);

-- Each step in the life of each occurrence; never changed afterwards.
CREATE TABLE record_alert (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n INTEGER NOT NULL,
  machine TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  occurrence TEXT NOT NULL,
  type TEXT NOT NULL,
  rule TEXT NOT NULL,
  signal TEXT,
  priority TEXT NOT NULL,
  transition TEXT NOT NULL,
  state TEXT NOT NULL,
  onset_ms INTEGER NOT NULL,
  raised_ms INTEGER NOT NULL,
  cleared_ms INTEGER,
  cause TEXT,
  text TEXT NOT NULL,
  evidence TEXT NOT NULL,              -- JSON object
  actor TEXT,
  PRIMARY KEY (gateway, boot, n)
) WITHOUT ROWID;
CREATE INDEX record_alert_occurrence ON record_alert (gateway, occurrence);
CREATE INDEX record_alert_time ON record_alert (at_ms, gateway, boot, n);

${alertFirstSql}

${summaryTableSql}

-- Counter spans that reach far out of their minute; few.
${farIndexSql}

${forkTablesSql}

${seriesTableSql}

${stateTableSql}

-- The newest birth or death of each gateway.
CREATE TABLE status (
  gateway TEXT PRIMARY KEY,
  boot TEXT NOT NULL,
  previous_boot TEXT,
  connection INTEGER NOT NULL,
  online INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,              -- on the gateway's clock; of a death: when the connection was made
  agent_version TEXT NOT NULL,
  session TEXT NOT NULL,
  received_ms INTEGER NOT NULL
) WITHOUT ROWID;

${fileTablesSql}

-- All record numbers from 1 to the watermark are stored; above it there are holes.
CREATE VIEW ledger_watermark AS
SELECT b.gateway, b.boot,
  coalesce((SELECT to_n FROM ledger l WHERE l.gateway = b.gateway AND l.boot = b.boot AND l.from_n = 1), 0) AS watermark,
  coalesce((SELECT sum(to_n - from_n + 1) FROM ledger l WHERE l.gateway = b.gateway AND l.boot = b.boot), 0) AS stored
FROM boot b;

-- Cloned or restored gateways: boots that name the same previous boot.
CREATE VIEW fork AS
SELECT gateway, previous_boot, count(*) AS boots, min(first_ms) AS first_ms, max(first_ms) AS noticed_ms
FROM boot WHERE previous_boot IS NOT NULL
GROUP BY gateway, previous_boot HAVING count(*) > 1;

-- The newest description of each machine.
CREATE VIEW machine AS
SELECT gateway, machine, boot, n, at_ms, machine_kind, profile, profile_version, line, station, identification, signals
FROM (
  SELECT r.*, row_number() OVER (
    PARTITION BY r.gateway, r.machine ORDER BY b.generation DESC, r.at_ms DESC, r.boot DESC, r.n DESC
  ) AS place
  FROM record_machine r JOIN boot b USING (gateway, boot)
) WHERE place = 1;

${alertCurrentSql}

${alertOpenSql}

-- The mark of a fork: summary rows of a younger branch whose counter span overlaps spans of older ones, and what they
-- count. overlap 'whole': those have counted it all, so the row counts nothing. 'part': it counts what lies beyond, by the
-- counter's own values; where a wrap, a reset or a contradiction hides that, a share of its delta, with the whole delta
-- added to the uncertainty. A row that is not here counts as it stands. To add up counters yourself,
-- take off what these rows count too much; give both the same gateway, machine, signal and minutes:
--   SELECT sum(counter_delta) - (SELECT total(counter_delta - counted_delta) FROM counter_overlap WHERE ...)
--   FROM summary WHERE ...
-- Overlap is judged by the gateways' clocks. Samples and seconds of states are those of both: a fork adds them up.
${overlapViewSql}

-- What each counter has counted in all, what a fork has seen twice counted once. Truth lies in delta - uncertainty ..
-- delta + uncertainty.
${totalsViewSql}
`;

/** Brings a database from version at + 1 to the next; what needs more than SQL is done by `open.ts`. */
export const migrations: readonly string[] = [
  `ALTER TABLE boot ADD COLUMN sealed_ms INTEGER;
ALTER TABLE boot ADD COLUMN branch TEXT;
UPDATE boot SET sealed_ms =
  (SELECT min(sealed_ms) FROM batch WHERE batch.gateway = boot.gateway AND batch.boot = boot.boot);
${forkTablesSql}
INSERT INTO boot_rebuilt SELECT DISTINCT gateway, reading_boot FROM summary WHERE reading_boot <> boot;
${farIndexSql}
DROP VIEW counter_totals;
${overlapViewSql}
${totalsViewSql}`,
  fileTablesSql,
  `ALTER TABLE gateway ADD COLUMN batches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway ADD COLUMN forks INTEGER NOT NULL DEFAULT 0;
${alertFirstSql}
DROP VIEW alert_current;
${alertCurrentSql}
${workedOutSql}`,
  `DROP VIEW counter_totals;
DROP VIEW counter_overlap;
DROP INDEX summary_time;
DROP INDEX summary_far;
DROP INDEX state_summary_time;
ALTER TABLE summary RENAME TO summary_by_series;
ALTER TABLE state_summary RENAME TO state_summary_by_machine;
${summaryTableSql}
${stateTableSql}
INSERT INTO summary SELECT * FROM summary_by_series ORDER BY gateway, minute_ms, machine, signal, reading_boot, segment;
INSERT INTO state_summary
  SELECT * FROM state_summary_by_machine ORDER BY gateway, minute_ms, machine, reading_boot, segment;
DROP TABLE summary_by_series;
DROP TABLE state_summary_by_machine;
${farIndexSql}
${seriesTableSql}
${overlapViewSql}
${totalsViewSql}`,
  `${alertOpenSql}
${openAlertsSql}`,
];
