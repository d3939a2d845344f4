/** Minutes in the bridge's store, and what a forked gateway's counters are reckoned with (`overlap.ts`). */
import { overlapSql } from './overlap.ts';

/** Added with version 2, as the migration and a new database make them. */
export const forkTablesSql = `-- Only of gateways with a fork: the boots that go before a branch where both have watched a machine at one time. Of the
-- children of one boot the one that sealed first goes on with its parent's branch, every other opens one; where two ways
-- part, everything on the side of the older child goes before. Ancestors never do: one chain cannot overlap itself.
CREATE TABLE branch_older (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  branch TEXT NOT NULL,                -- named after the boot that opened it
  PRIMARY KEY (gateway, boot, branch)
) WITHOUT ROWID;

-- Boots some of whose readings another boot has sent: those of minutes that it rebuilt when it started.
CREATE TABLE boot_rebuilt (
  gateway TEXT NOT NULL,
  boot TEXT NOT NULL,
  PRIMARY KEY (gateway, boot)
) WITHOUT ROWID;

-- The counter spans in summary of the boots in branch_older, joined where they meet; and for each branch those of all
-- boots that go before it.
CREATE TABLE counter_span (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  boot TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  from_value REAL NOT NULL,
  to_value REAL NOT NULL,
  PRIMARY KEY (gateway, machine, signal, boot, from_ms)
) WITHOUT ROWID;
CREATE TABLE counter_older (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  branch TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  from_value REAL NOT NULL,
  to_value REAL NOT NULL,
  PRIMARY KEY (gateway, machine, signal, branch, from_ms)
) WITHOUT ROWID;`;

/** Added with version 5. */
export const seriesTableSql = `-- The rows of summary with a counter, series by series; of gateways with a fork only, whose reckoning goes that way.
CREATE TABLE counter_series (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  minute_ms INTEGER NOT NULL,
  reading_boot TEXT NOT NULL,
  segment INTEGER NOT NULL,
  PRIMARY KEY (gateway, machine, signal, minute_ms, reading_boot, segment)
) WITHOUT ROWID;`;

/** As they are since version 5; before, their keys had the minute last. */
export const summaryTableSql = `-- Partial sums of one signal over one UTC minute: one row a key, the highest (revision, boot, n) of that key.
-- Partials of other (reading_boot, segment) of the same minute add up. Rows lie as they arrive, minute after minute of a
-- gateway: by series each row of a batch would have a page of its own.
CREATE TABLE summary (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  minute_ms INTEGER NOT NULL,
  reading_boot TEXT NOT NULL,
  segment INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  boot TEXT NOT NULL,                  -- of the record that won
  n INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  good INTEGER NOT NULL,
  sum REAL NOT NULL,
  integral REAL NOT NULL,
  covered_s REAL NOT NULL,
  min REAL,
  max REAL,
  first REAL,
  last REAL,
  counter_delta REAL,                  -- the counter columns are all NULL or all set
  counter_uncertainty REAL,
  counter_from REAL,
  counter_to REAL,
  counter_from_ms INTEGER,
  counter_to_ms INTEGER,
  counter_wraps INTEGER,
  counter_resets INTEGER,
  PRIMARY KEY (gateway, minute_ms, machine, signal, reading_boot, segment)
) WITHOUT ROWID;`;
export const stateTableSql = `-- Seconds by state over one UTC minute, kept as the summaries are.
CREATE TABLE state_summary (
  gateway TEXT NOT NULL,
  machine TEXT NOT NULL,
  minute_ms INTEGER NOT NULL,
  reading_boot TEXT NOT NULL,
  segment INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  boot TEXT NOT NULL,
  n INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  seconds TEXT NOT NULL,               -- JSON object: state -> seconds
  causes TEXT NOT NULL,                -- JSON object: stop cause -> seconds
  PRIMARY KEY (gateway, minute_ms, machine, reading_boot, segment)
) WITHOUT ROWID;`;

/**
 * Gateways without a fork are added up as they always were. Of the others what a fork has seen twice is taken off by series:
 * four figures in one text, as a subquery gives one value and each run of it reads the whole series.
 */
export const totalsViewSql = `CREATE VIEW counter_totals AS
SELECT gateway, machine, signal,
  sum(counter_delta) AS delta, sum(counter_uncertainty) AS uncertainty,
  sum(counter_wraps) AS wraps, sum(counter_resets) AS resets,
  min(counter_from_ms) AS from_ms, max(counter_to_ms) AS to_ms
FROM summary WHERE counter_delta IS NOT NULL
GROUP BY gateway, machine, signal HAVING gateway NOT IN (SELECT gateway FROM branch_older)
UNION ALL
SELECT gateway, machine, signal,
  delta + (twice ->> 0), uncertainty + (twice ->> 1), wraps + (twice ->> 2), resets + (twice ->> 3), from_ms, to_ms
FROM (
SELECT s.gateway, s.machine, s.signal,
  sum(s.counter_delta) AS delta, sum(s.counter_uncertainty) AS uncertainty,
  sum(s.counter_wraps) AS wraps, sum(s.counter_resets) AS resets,
  min(s.counter_from_ms) AS from_ms, max(s.counter_to_ms) AS to_ms,
  (SELECT format('[%!.17g,%!.17g,%d,%d]', total(counted_delta - counter_delta),
    total(counted_uncertainty - counter_uncertainty), total(counted_wraps - counter_wraps),
    total(counted_resets - counter_resets)) FROM (
${overlapSql(`
  WHERE i.gateway = s.gateway AND i.machine = s.machine AND i.signal = s.signal`)}
  )) AS twice
FROM (SELECT DISTINCT gateway FROM branch_older) g CROSS JOIN summary s ON s.gateway = g.gateway
WHERE s.counter_delta IS NOT NULL
GROUP BY s.gateway, s.machine, s.signal
);`;

export const overlapViewSql = `CREATE VIEW counter_overlap AS
${overlapSql('')};`;
