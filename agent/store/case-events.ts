/** The events of needle cases in the journal, for a start: those of the newest cases of each machine. */
import type { Database } from 'better-sqlite3';
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import { caseActEvent, caseOpenedEvent, mostActsOfAll, mostCases } from '../needle-cases/event-names.ts';

/** Oldest first, of each machine at most its `mostCases` newest cases; of a case that is open, all. */
export function lastCases(db: Database): EventRecord[] {
  const machines = db
    .prepare(`SELECT DISTINCT machine FROM event INDEXED BY event_case_opened WHERE event = '${caseOpenedEvent}'`)
    .pluck()
    .all() as string[];
  const first = db
    .prepare(
      `SELECT min(id) FROM (SELECT id FROM event INDEXED BY event_case_opened
       WHERE machine = $machine AND event = '${caseOpenedEvent}' ORDER BY id DESC LIMIT $limit)`,
    )
    .pluck();
  const since = db
    .prepare(
      `SELECT body FROM event INDEXED BY event_case
       WHERE machine = $machine AND id >= $firstId AND event IN ('${caseActEvent}', '${caseOpenedEvent}') ORDER BY id LIMIT $limit`,
    )
    .pluck();
  return machines.flatMap((machine) => {
    const firstId = first.get({ machine, limit: mostCases }) as number | null;
    const rows = since.all({ machine, firstId: firstId ?? 0, limit: mostCases * mostActsOfAll }) as string[];
    return rows.map((body) => JSON.parse(body) as EventRecord);
  });
}
