/**
 * Which alerts are open, kept by triggers as in SQLite: whoever writes a step, and in whatever order, the table follows. The
 * transactions of one gateway never overlap, so a trigger sees every step there is.
 */
import type { Session } from './sessions.ts';

/** The newest step of the occurrences whose records `where` names, of those that are open. */
const newestOpen = (where: string) => `SELECT gateway, occurrence, priority, state FROM (
    SELECT l.gateway, l.occurrence, l.priority, l.state, l.transition, row_number() OVER (
      PARTITION BY l.gateway, l.occurrence ORDER BY coalesce(b.generation, -1) DESC, l.at_ms DESC, l.boot DESC
    ) AS place
    FROM (
      SELECT DISTINCT ON (gateway, occurrence, boot) gateway, occurrence, boot, at_ms, priority, state, transition
      FROM record_alert WHERE ${where} ORDER BY gateway, occurrence, boot, n DESC
    ) AS l LEFT JOIN boot b ON b.gateway = l.gateway AND b.boot = l.boot
  ) AS placed WHERE place = 1 AND transition NOT IN ('closed', 'removed')`;

/** An occurrence is looked up by its hash, as its index has it. */
const ofStep = 'gateway = NEW.gateway AND md5(occurrence) = md5(NEW.occurrence) AND occurrence = NEW.occurrence';
const ofBoot = `gateway = NEW.gateway AND (md5(occurrence), occurrence) IN (
    SELECT md5(occurrence), occurrence FROM record_alert WHERE gateway = NEW.gateway AND boot = NEW.boot)`;

/** They name the schema they were made in: a session may have another in its path. */
const follow = (name: string, where: string) => `
CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM alert_open WHERE ${where};
  INSERT INTO alert_open ${newestOpen(where)};
  RETURN NULL;
END $$;`;

/** Inside the caller's transaction, which nobody else's step passes. */
export async function makeOpenAlerts(session: Session): Promise<void> {
  await session.rebuild(`LOCK TABLE record_alert, boot IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE alert_open (
  gateway TEXT COLLATE "C" NOT NULL,
  occurrence TEXT COLLATE "C" NOT NULL,
  priority TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX alert_open_key ON alert_open (gateway, md5(occurrence));
${follow('alert_open_of_step', ofStep)}
${follow('alert_open_of_boot', ofBoot)}
CREATE TRIGGER alert_open_step AFTER INSERT ON record_alert
  FOR EACH ROW EXECUTE FUNCTION alert_open_of_step();
CREATE TRIGGER alert_open_chain AFTER UPDATE OF generation ON boot
  FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION alert_open_of_boot();
INSERT INTO alert_open ${newestOpen('true')}`);
}
