/** Alerts in the bridge's store: when an occurrence was first raised, its newest step, and which are open. */
/** Added with version 4. */
export const alertFirstSql = `-- When each occurrence was first raised: the order of lists, as its current row may name a later time.
CREATE TABLE alert_first (
  gateway TEXT NOT NULL,
  occurrence TEXT NOT NULL,
  raised_ms INTEGER NOT NULL,
  PRIMARY KEY (gateway, occurrence)
) WITHOUT ROWID;
CREATE INDEX alert_first_time ON alert_first (raised_ms, gateway, occurrence);`;

/** The order of its tables and their index are named: SQLite would go through all alerts of a gateway for each of them. */
export const alertCurrentSql = `-- The newest step of each occurrence. Boots are ordered by their chain and records within a boot by number, never by
-- the gateway's clock alone: that may have been set back in between.
CREATE VIEW alert_current AS
SELECT f.gateway, f.occurrence, f.raised_ms AS first_raised_ms, a.boot, a.n,
  a.machine, a.at_ms, a.type, a.rule, a.signal, a.priority, a.transition, a.state,
  a.onset_ms, a.raised_ms, a.cleared_ms, a.cause, a.text, a.evidence, a.actor
FROM alert_first f
CROSS JOIN record_alert a INDEXED BY record_alert_occurrence ON a.gateway = f.gateway AND a.occurrence = f.occurrence
CROSS JOIN boot b ON b.gateway = a.gateway AND b.boot = a.boot
WHERE NOT EXISTS (
  SELECT 1 FROM record_alert later INDEXED BY record_alert_occurrence JOIN boot lb USING (gateway, boot)
  WHERE later.gateway = a.gateway AND later.occurrence = a.occurrence AND (
    CASE WHEN later.boot = a.boot THEN later.n > a.n
    ELSE (lb.generation, later.at_ms, later.boot) > (b.generation, a.at_ms, a.boot) END
  )
);`;

/**
 * The newest step of the occurrences whose records `where` names, of those that are open. Of each boot its last step counts, of
 * several boots that of the one that comes last in the chain.
 */
const newestOpenSql = (where: string) => `SELECT gateway, occurrence, priority, state FROM (
    SELECT a.gateway, a.occurrence, a.priority, a.state, a.transition, row_number() OVER (
      PARTITION BY a.gateway, a.occurrence ORDER BY coalesce(b.generation, -1) DESC, a.at_ms DESC, a.boot DESC
    ) AS place
    FROM (SELECT gateway, boot, max(n) AS n FROM record_alert WHERE ${where} GROUP BY gateway, occurrence, boot) l
    CROSS JOIN record_alert a ON a.gateway = l.gateway AND a.boot = l.boot AND a.n = l.n
    LEFT JOIN boot b ON b.gateway = a.gateway AND b.boot = a.boot
  ) WHERE place = 1 AND transition NOT IN ('closed', 'removed')`;

/** Added with version 6. Kept by triggers: whoever writes a step, and in whatever order, the table follows. */
export const alertOpenSql = `-- Occurrences that are neither closed nor removed, as they stand in alert_current: few, however long the history. Only the
-- two triggers write it.
CREATE TABLE alert_open (
  gateway TEXT NOT NULL,
  occurrence TEXT NOT NULL,
  priority TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (gateway, occurrence)
) WITHOUT ROWID;
CREATE TRIGGER alert_open_step AFTER INSERT ON record_alert BEGIN
  DELETE FROM alert_open WHERE gateway = new.gateway AND occurrence = new.occurrence;
  INSERT INTO alert_open ${newestOpenSql('gateway = new.gateway AND occurrence = new.occurrence')};
END;
CREATE TRIGGER alert_open_chain AFTER UPDATE OF generation ON boot WHEN new.generation <> old.generation BEGIN
  DELETE FROM alert_open WHERE gateway = new.gateway AND occurrence IN (
    SELECT occurrence FROM record_alert WHERE gateway = new.gateway AND boot = new.boot);
  INSERT INTO alert_open ${newestOpenSql(`gateway = new.gateway AND occurrence IN (
      SELECT occurrence FROM record_alert WHERE gateway = new.gateway AND boot = new.boot)`)};
END;`;

/** Makes `alert_open` of the records there are: for the migration, and for a salvaged store. */
export const openAlertsSql = `DELETE FROM alert_open;
INSERT INTO alert_open ${newestOpenSql('true')};`;
