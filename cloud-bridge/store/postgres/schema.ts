/**
 * The bridge's store in PostgreSQL 13 or later: the tables and views of `docs/bridge-store.md`, with the same names and
 * columns. What differs: JSON is `jsonb`, `online` a boolean, the summaries lie by time (`layout.ts`), and
 * the islands of a fork (`counter_older`) are a view, as nothing needs them but the reader of a forked gateway.
 *
 * A text that a gateway may make as long as it likes is indexed by its hash: an entry of an index has room for 2,700 bytes.
 *
 * Text is compared by its bytes, as SQLite does and as the pages of the API need, whatever the database's language.
 */
import { grafanaViews } from './grafana.ts';
import { byTime, hasTimescale, makeHypertables } from './layout.ts';
import { makeOpenAlerts } from './open-alerts.ts';
import type { Session } from './sessions.ts';

const tables = `
CREATE TABLE gateway (
  gateway TEXT PRIMARY KEY,
  site TEXT NOT NULL,
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL
);
CREATE TABLE boot (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  previous_boot TEXT,
  generation BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  sealed_ms BIGINT,
  branch TEXT,
  PRIMARY KEY (gateway, boot)
);
CREATE INDEX boot_previous ON boot (gateway, previous_boot);
CREATE TABLE batch (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  seq BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  lane TEXT NOT NULL,
  clock TEXT NOT NULL,
  sealed_ms BIGINT NOT NULL,
  received_ms BIGINT NOT NULL,
  records BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  repeats BIGINT NOT NULL,
  PRIMARY KEY (gateway, boot, seq)
);
CREATE TABLE ledger (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  from_n BIGINT NOT NULL,
  to_n BIGINT NOT NULL,
  PRIMARY KEY (gateway, boot, from_n)
);
CREATE TABLE record_machine (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n BIGINT NOT NULL,
  machine TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  machine_kind TEXT NOT NULL,
  profile TEXT NOT NULL,
  profile_version BIGINT NOT NULL,
  line TEXT,
  station TEXT,
  identification JSONB NOT NULL,
  signals JSONB NOT NULL,
  PRIMARY KEY (gateway, boot, n)
);
CREATE INDEX record_machine_machine ON record_machine (gateway, machine);
CREATE TABLE record_event (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n BIGINT NOT NULL,
  machine TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  event TEXT NOT NULL,
  phase TEXT NOT NULL,
  from_ms BIGINT,
  data JSONB NOT NULL,
  PRIMARY KEY (gateway, boot, n)
);
CREATE INDEX record_event_time ON record_event (at_ms, gateway, boot, n);
CREATE TABLE record_alert (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  n BIGINT NOT NULL,
  machine TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  occurrence TEXT NOT NULL,
  type TEXT NOT NULL,
  rule TEXT NOT NULL,
  signal TEXT,
  priority TEXT NOT NULL,
  transition TEXT NOT NULL,
  state TEXT NOT NULL,
  onset_ms BIGINT NOT NULL,
  raised_ms BIGINT NOT NULL,
  cleared_ms BIGINT,
  cause TEXT,
  text TEXT NOT NULL,
  evidence JSONB NOT NULL,
  actor TEXT,
  PRIMARY KEY (gateway, boot, n)
);
CREATE INDEX record_alert_occurrence ON record_alert (gateway, md5(occurrence));
CREATE INDEX record_alert_time ON record_alert (at_ms, gateway, boot, n);
CREATE TABLE status (
  gateway TEXT PRIMARY KEY,
  boot TEXT NOT NULL,
  previous_boot TEXT,
  connection BIGINT NOT NULL,
  online BOOLEAN NOT NULL,
  at_ms BIGINT NOT NULL,
  agent_version TEXT NOT NULL,
  session TEXT NOT NULL,
  received_ms BIGINT NOT NULL
);
CREATE TABLE branch_older (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  branch TEXT NOT NULL,
  PRIMARY KEY (gateway, boot, branch)
);`;

const summaries = (partition: string) => `
CREATE TABLE summary (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  minute_ms BIGINT NOT NULL,
  reading_boot TEXT NOT NULL,
  segment BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  boot TEXT NOT NULL,
  n BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  samples BIGINT NOT NULL,
  good BIGINT NOT NULL,
  sum DOUBLE PRECISION NOT NULL,
  integral DOUBLE PRECISION NOT NULL,
  covered_s DOUBLE PRECISION NOT NULL,
  min DOUBLE PRECISION,
  max DOUBLE PRECISION,
  first DOUBLE PRECISION,
  last DOUBLE PRECISION,
  counter_delta DOUBLE PRECISION,
  counter_uncertainty DOUBLE PRECISION,
  counter_from DOUBLE PRECISION,
  counter_to DOUBLE PRECISION,
  counter_from_ms BIGINT,
  counter_to_ms BIGINT,
  counter_wraps BIGINT,
  counter_resets BIGINT,
  PRIMARY KEY (gateway, machine, signal, minute_ms, reading_boot, segment)
)${partition};
CREATE INDEX summary_time ON summary (minute_ms, gateway, machine, signal);
CREATE TABLE state_summary (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  minute_ms BIGINT NOT NULL,
  reading_boot TEXT NOT NULL,
  segment BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  boot TEXT NOT NULL,
  n BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  seconds JSONB NOT NULL,
  causes JSONB NOT NULL,
  PRIMARY KEY (gateway, machine, minute_ms, reading_boot, segment)
)${partition};
CREATE INDEX state_summary_time ON state_summary (minute_ms, gateway, machine);`;

const overlapView = `CREATE VIEW counter_overlap AS
SELECT gateway, machine, signal, minute_ms, reading_boot, segment,
  CASE WHEN inside THEN 'whole' ELSE 'part' END AS overlap,
  counter_delta, counter_uncertainty, counter_wraps, counter_resets,
  CASE WHEN inside THEN 0 WHEN exact AND covered <= counter_to - counter_from THEN counter_to - counter_from - covered
    ELSE counter_delta * (1 - covered_ms::double precision / nullif(counter_to_ms - counter_from_ms, 0)) END AS counted_delta,
  CASE WHEN inside THEN 0 WHEN exact AND covered <= counter_to - counter_from THEN 0
    ELSE counter_uncertainty + abs(counter_delta) END AS counted_uncertainty,
  CASE WHEN inside THEN 0 ELSE counter_wraps END AS counted_wraps,
  CASE WHEN inside THEN 0 ELSE counter_resets END AS counted_resets
FROM (
  SELECT i.gateway, i.machine, i.signal, r.minute_ms, r.reading_boot, r.segment,
    min(r.counter_delta) AS counter_delta, min(r.counter_uncertainty) AS counter_uncertainty,
    min(r.counter_wraps) AS counter_wraps, min(r.counter_resets) AS counter_resets,
    min(r.counter_from_ms) AS counter_from_ms, min(r.counter_to_ms) AS counter_to_ms,
    min(r.counter_from) AS counter_from, min(r.counter_to) AS counter_to,
    bool_or(i.from_ms <= least(r.counter_from_ms, r.counter_to_ms)
      AND i.to_ms >= greatest(r.counter_from_ms, r.counter_to_ms)) AS inside,
    bool_and(r.counter_uncertainty = 0 AND r.counter_wraps = 0 AND r.counter_resets = 0
      AND abs(r.counter_to - r.counter_from - r.counter_delta) <= 1e-9 * abs(r.counter_to)
      AND (i.from_ms <= r.counter_from_ms OR i.from_value BETWEEN r.counter_from AND r.counter_to)
      AND (i.to_ms >= r.counter_to_ms OR i.to_value BETWEEN r.counter_from AND r.counter_to)
      AND (i.from_ms <= r.counter_from_ms OR i.to_ms >= r.counter_to_ms OR i.from_value <= i.to_value)) AS exact,
    sum(CASE WHEN i.to_ms < r.counter_to_ms THEN i.to_value ELSE r.counter_to END
      - CASE WHEN i.from_ms > r.counter_from_ms THEN i.from_value ELSE r.counter_from END) AS covered,
    sum(least(i.to_ms, r.counter_to_ms) - greatest(i.from_ms, r.counter_from_ms)) AS covered_ms
  FROM counter_older i
  JOIN summary r ON r.counter_delta IS NOT NULL AND r.gateway = i.gateway AND r.machine = i.machine AND r.signal = i.signal
    AND r.counter_from_ms < i.to_ms AND r.counter_to_ms > i.from_ms
  JOIN boot b ON b.gateway = r.gateway AND b.boot = r.reading_boot AND b.branch = i.branch
  GROUP BY i.gateway, i.machine, i.signal, r.minute_ms, r.reading_boot, r.segment
) AS met;`;

const views = `
CREATE VIEW ledger_watermark AS
SELECT b.gateway, b.boot,
  coalesce((SELECT to_n FROM ledger l WHERE l.gateway = b.gateway AND l.boot = b.boot AND l.from_n = 1), 0) AS watermark,
  coalesce((SELECT sum(to_n - from_n + 1) FROM ledger l WHERE l.gateway = b.gateway AND l.boot = b.boot), 0) AS stored
FROM boot b;

CREATE VIEW fork AS
SELECT gateway, previous_boot, count(*) AS boots, min(first_ms) AS first_ms, max(first_ms) AS noticed_ms
FROM boot WHERE previous_boot IS NOT NULL
GROUP BY gateway, previous_boot HAVING count(*) > 1;

CREATE VIEW machine AS
SELECT gateway, machine, boot, n, at_ms, machine_kind, profile, profile_version, line, station, identification, signals
FROM (
  SELECT r.*, row_number() OVER (
    PARTITION BY r.gateway, r.machine ORDER BY b.generation DESC, r.at_ms DESC, r.boot DESC, r.n DESC
  ) AS place
  FROM record_machine r JOIN boot b USING (gateway, boot)
) AS placed WHERE place = 1;

CREATE VIEW alert_current AS
SELECT a.* FROM record_alert a JOIN boot b USING (gateway, boot)
WHERE NOT EXISTS (
  SELECT 1 FROM record_alert later JOIN boot lb USING (gateway, boot)
  WHERE later.gateway = a.gateway AND md5(later.occurrence) = md5(a.occurrence) AND later.occurrence = a.occurrence AND (
    CASE WHEN later.boot = a.boot THEN later.n > a.n
    ELSE (lb.generation, later.at_ms, later.boot) > (b.generation, a.at_ms, a.boot) END
  )
);

-- The counter spans of all boots that go before a branch, joined to islands where they meet or touch.
CREATE VIEW counter_older AS
SELECT gateway, machine, signal, branch, min(from_ms) AS from_ms, max(to_ms) AS to_ms,
  (array_agg(from_value ORDER BY from_ms, from_value))[1] AS from_value,
  (array_agg(to_value ORDER BY to_ms DESC, to_value DESC))[1] AS to_value
FROM (
  SELECT opened.*, sum(opens) OVER (
    PARTITION BY gateway, branch, machine, signal ORDER BY from_ms, to_ms, reading_boot, minute_ms, segment
    ROWS UNBOUNDED PRECEDING
  ) AS island
  FROM (
    SELECT o.gateway, o.branch, s.machine, s.signal, s.reading_boot, s.minute_ms, s.segment,
      s.counter_from_ms AS from_ms, s.counter_to_ms AS to_ms, s.counter_from AS from_value, s.counter_to AS to_value,
      CASE WHEN s.counter_from_ms <= max(s.counter_to_ms) OVER (
        PARTITION BY o.gateway, o.branch, s.machine, s.signal
        ORDER BY s.counter_from_ms, s.counter_to_ms, s.reading_boot, s.minute_ms, s.segment
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) THEN 0 ELSE 1 END AS opens
    FROM branch_older o JOIN summary s ON s.gateway = o.gateway AND s.reading_boot = o.boot
    WHERE s.counter_from_ms <= s.counter_to_ms
  ) AS opened
) AS numbered
GROUP BY gateway, branch, machine, signal, island;

${overlapView}

CREATE VIEW counter_totals AS
SELECT s.gateway, s.machine, s.signal,
  s.delta + coalesce(o.delta, 0) AS delta, s.uncertainty + coalesce(o.uncertainty, 0) AS uncertainty,
  s.wraps + coalesce(o.wraps, 0) AS wraps, s.resets + coalesce(o.resets, 0) AS resets, s.from_ms, s.to_ms
FROM (
  SELECT gateway, machine, signal,
    sum(counter_delta) AS delta, sum(counter_uncertainty) AS uncertainty,
    sum(counter_wraps) AS wraps, sum(counter_resets) AS resets,
    min(counter_from_ms) AS from_ms, max(counter_to_ms) AS to_ms
  FROM summary WHERE counter_delta IS NOT NULL GROUP BY gateway, machine, signal
) AS s LEFT JOIN (
  SELECT gateway, machine, signal,
    sum(counted_delta - counter_delta) AS delta, sum(counted_uncertainty - counter_uncertainty) AS uncertainty,
    sum(counted_wraps - counter_wraps) AS wraps, sum(counted_resets - counter_resets) AS resets
  FROM counter_overlap GROUP BY gateway, machine, signal
) AS o USING (gateway, machine, signal);`;

const byBytes = (sql: string) => sql.replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"');

async function makeFirst(session: Session): Promise<void> {
  await session.query(byBytes(tables));
  if (await hasTimescale(session)) {
    await session.query(byBytes(summaries('')));
    await makeHypertables(session);
  } else {
    await session.query(byBytes(summaries(' PARTITION BY RANGE (minute_ms)')));
    for (const table of byTime) await session.query(`CREATE TABLE ${table}_other PARTITION OF ${table} DEFAULT`);
  }
  await session.query(views);
}

async function makeFiles(session: Session): Promise<void> {
  await session.query(`
CREATE TABLE evidence_file (
  gateway TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size BIGINT NOT NULL,
  whole BOOLEAN NOT NULL,
  received_ms BIGINT NOT NULL,
  PRIMARY KEY (gateway, sha256)
);
CREATE TABLE evidence_chunk (
  gateway TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  chunk BIGINT NOT NULL,
  bytes BYTEA NOT NULL,
  PRIMARY KEY (gateway, sha256, chunk)
);`);
}

async function makeCounted(session: Session): Promise<void> {
  await session.query(
    byBytes(`
ALTER TABLE gateway ADD COLUMN batches BIGINT NOT NULL DEFAULT 0, ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN forks BIGINT NOT NULL DEFAULT 0;
CREATE TABLE alert_first (
  gateway TEXT NOT NULL,
  occurrence TEXT NOT NULL,
  raised_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX alert_first_key ON alert_first (gateway, md5(occurrence));
CREATE INDEX alert_first_time ON alert_first (raised_ms, gateway);
DROP VIEW alert_current;
CREATE VIEW alert_current AS
SELECT f.gateway, f.occurrence, f.raised_ms AS first_raised_ms, a.boot, a.n,
  a.machine, a.at_ms, a.type, a.rule, a.signal, a.priority, a.transition, a.state,
  a.onset_ms, a.raised_ms, a.cleared_ms, a.cause, a.text, a.evidence, a.actor
FROM alert_first f
JOIN record_alert a
  ON a.gateway = f.gateway AND md5(a.occurrence) = md5(f.occurrence) AND a.occurrence = f.occurrence
JOIN boot b ON b.gateway = a.gateway AND b.boot = a.boot
WHERE NOT EXISTS (
  SELECT 1 FROM record_alert later JOIN boot lb USING (gateway, boot)
  WHERE later.gateway = a.gateway AND md5(later.occurrence) = md5(a.occurrence) AND later.occurrence = a.occurrence AND (
    CASE WHEN later.boot = a.boot THEN later.n > a.n
    ELSE (lb.generation, later.at_ms, later.boot) > (b.generation, a.at_ms, a.boot) END
  )
);
INSERT INTO alert_first SELECT gateway, occurrence, min(raised_ms) FROM record_alert GROUP BY gateway, occurrence;
UPDATE gateway SET batches = counted.batches, repeats = counted.repeats
  FROM (SELECT gateway, count(*) AS batches, sum(repeats) AS repeats FROM batch GROUP BY gateway) AS counted
  WHERE counted.gateway = gateway.gateway;
UPDATE gateway SET forks = counted.forks
  FROM (SELECT gateway, count(*) AS forks FROM fork GROUP BY gateway) AS counted WHERE counted.gateway = gateway.gateway;`),
  );
}

/** A row for each batch, with its new records as the text of a JSON array: the fan-out takes it apart. */
async function makeOutgoing(session: Session): Promise<void> {
  await session.query(
    byBytes(`
CREATE TABLE fan_out (only_row BOOLEAN PRIMARY KEY CHECK (only_row));
CREATE TABLE outgoing (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site TEXT NOT NULL,
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  received_ms BIGINT NOT NULL,
  records TEXT NOT NULL
);`),
  );
}

/** Rows lie as they arrive, minute after minute of a gateway; only the counters are indexed by series, too. */
async function makeByMinute(session: Session): Promise<void> {
  await session.rebuild(`
ALTER TABLE summary DROP CONSTRAINT summary_pkey;
ALTER TABLE summary ADD PRIMARY KEY (gateway, minute_ms, machine, signal, reading_boot, segment);
DROP INDEX summary_time;
CREATE INDEX summary_counter ON summary (gateway, machine, signal, minute_ms) WHERE counter_delta IS NOT NULL;
ALTER TABLE state_summary DROP CONSTRAINT state_summary_pkey;
ALTER TABLE state_summary ADD PRIMARY KEY (gateway, minute_ms, machine, reading_boot, segment);
DROP INDEX state_summary_time;
${overlapView.replace('CREATE VIEW', 'CREATE OR REPLACE VIEW')}`);
}

/** Step n brings a database from version n to n + 1. */
export const migrations: readonly ((session: Session) => Promise<void>)[] = [
  makeFirst,
  makeFiles,
  makeCounted,
  makeOutgoing,
  makeByMinute,
  makeOpenAlerts,
  async (session) => void (await session.query(grafanaViews)),
];
