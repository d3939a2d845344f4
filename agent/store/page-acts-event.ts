/** The newest line of what was done on the page, as an event of the gateway: what the journal knows when the file has been cut (`agent/page/acts.ts`). */
import type { Database } from 'better-sqlite3';

/** The newest line of the record: its number and its hash. */
export interface ActsHead {
  readonly id: number;
  readonly hash: string;
}

export const pageActsEvent = 'page_acts';

/** Looked at from the newest down: with a clock that was set back the newest event is not the last by time. */
const lookedAt = 20;

/** null: none was kept, or it went for its age. */
export function lastPageActs(db: Database): ActsHead | null {
  const newest = db
    .prepare(
      `SELECT json_extract(body, '$.data.id') AS id, json_extract(body, '$.data.hash') AS hash FROM
        (SELECT id AS row, body FROM event INDEXED BY event_machine
         WHERE machine = 'gateway' AND event = '${pageActsEvent}' AND json_valid(body) ORDER BY at_ms DESC LIMIT ${lookedAt})
       ORDER BY row DESC LIMIT 1`,
    )
    .get() as { id: unknown; hash: unknown } | undefined;
  const { id, hash } = newest ?? {};
  return typeof id === 'number' && typeof hash === 'string' ? { id, hash } : null;
}
