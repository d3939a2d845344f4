/** What people did with alerts, in the order it was told; for the reader thread and a start. */
import type { Database, Statement } from 'better-sqlite3';
import type { AlertRecord, EventRecord } from '../../cloud-bridge/contract.ts';
import { actsByOccurrence, mostActs, type Acts } from '../alerts/acts.ts';
import type { OccurrenceRecord, Page } from './history.ts';

/** As the index of the journal has it, to the letter: a body that does not read has none. */
const occurrenceOf = `CASE WHEN json_valid(body) THEN json_extract(body, '$.data.occurrence') END`;

export class ActEvents {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  /** For a start: of every occurrence that is not closed, oldest first. */
  ofOpen(): EventRecord[] {
    const open = this.#sql.open.all() as string[];
    return open.flatMap((occurrence) => this.#of(occurrence));
  }

  /** What stands of each of them; those with nothing are left out. */
  standing(occurrences: readonly string[]): Record<string, Acts> {
    return Object.fromEntries(actsByOccurrence(occurrences.flatMap((occurrence) => this.#of(occurrence))));
  }

  /** Steps and acts of one occurrence, oldest first. `after` is `next` of the page before. */
  history(occurrence: string, after: string | null, limit: number): Page<OccurrenceRecord> {
    const [, boot = '0', n = '0'] = /^(-?\d{1,15})~(\d{1,15})$/.exec(after ?? '') ?? [];
    const from = after === null ? { boot: Number.MIN_SAFE_INTEGER, n: 0 } : { boot: Number(boot), n: Number(n) };
    const rows = this.#sql.history.all({ occurrence, ...from, limit: limit + 1 }) as HistoryRow[];
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      items: shown.map(({ body }) => JSON.parse(body) as AlertRecord | EventRecord),
      next: rows.length > limit && last !== undefined ? `${last.bootId}~${last.n}` : null,
    };
  }

  #of(occurrence: string): EventRecord[] {
    const bodies = this.#sql.of.all({ occurrence, limit: mostActs }) as string[];
    return bodies.map((body) => JSON.parse(body) as EventRecord);
  }
}

interface HistoryRow {
  readonly bootId: number;
  readonly n: number;
  readonly body: string;
}

function prepare(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const ofOccurrence = `event = 'alert_act' AND ${occurrenceOf} = $occurrence`;
  return {
    open: db.prepare('SELECT occurrence FROM occurrence WHERE is_open = 1 ORDER BY raised_ms').pluck(),
    of: db
      .prepare(`SELECT body FROM event INDEXED BY event_act WHERE ${ofOccurrence} ORDER BY id LIMIT $limit`)
      .pluck(),
    // By the numbers of records, which no clock moves.
    history: one(`SELECT coalesce(boot.id, 0) AS bootId, told.n, told.body FROM (
        SELECT boot, n, body FROM alert WHERE occurrence = $occurrence
        UNION ALL SELECT boot, n, body FROM event INDEXED BY event_act WHERE ${ofOccurrence}
      ) AS told LEFT JOIN boot ON boot.boot = told.boot
      WHERE (coalesce(boot.id, 0), told.n) > ($boot, $n) ORDER BY 1, 2 LIMIT $limit`),
  };
}
