/** What the figures about alerts are counted from; for the reader thread. */
import type { Database, Statement } from 'better-sqlite3';
import {
  alertFigures,
  floodWindowMs,
  staleAfterMs,
  type Activation,
  type AlertFigures,
  type Standing,
} from '../alerts/figures.ts';
import type { FiguresQuery } from './history.ts';

/** Some 70 MB while they are counted. A floor that raises more in a month has learned enough from the first of them. */
const mostActivations = 100_000;
const mostStanding = 10_000;

export class AlertCounting {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  of({ fromMs, toMs }: FiguresQuery): AlertFigures {
    const span = { fromMs: fromMs - floodWindowMs, toMs };
    const activations = this.#sql.activations.all({ ...span, limit: mostActivations + 1 }) as Activation[];
    const standing = this.#sql.standing.all({ sinceMs: toMs - staleAfterMs, limit: mostStanding }) as Standing[];
    const isComplete = activations.length <= mostActivations;
    return alertFigures({ fromMs, toMs, activations: activations.slice(0, mostActivations), standing, isComplete });
  }
}

function prepare(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  const text = (of: string) =>
    `CASE WHEN json_valid(${of}.body) THEN json_extract(${of}.body, '$.text') ELSE '' END AS text`;
  return {
    // An occurrence has the time at which it was raised last: one from before the span was not raised in it.
    activations: one(`SELECT alert.machine, alert.rule, alert.raised_ms AS raisedMs, ${text('alert')}
      FROM occurrence INDEXED BY occurrence_time JOIN alert ON alert.occurrence = occurrence.occurrence
      WHERE occurrence.raised_ms >= $fromMs AND alert.transition IN ('raised', 'reactivated')
        AND alert.raised_ms >= $fromMs AND alert.raised_ms < $toMs
      ORDER BY alert.raised_ms LIMIT $limit`),
    standing:
      one(`SELECT occurrence.occurrence, occurrence.machine, alert.rule, occurrence.raised_ms AS sinceMs, ${text('alert')}
      FROM occurrence JOIN alert ON alert.id = occurrence.last_alert
      WHERE is_open = 1 AND occurrence.cleared_ms IS NULL AND occurrence.raised_ms < $sinceMs
      ORDER BY occurrence.raised_ms LIMIT $limit`),
  };
}
