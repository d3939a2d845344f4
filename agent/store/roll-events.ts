/** The events of rolls in the journal, in the order they were told; for the reader thread, a start, and the verbs beside an agent. */
import type { Database, Statement } from 'better-sqlite3';
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import { begunEvent, lookedEvent, mostFaults } from '../rolls/event-names.ts';

/** An event with the boot that told it. */
export interface RollRow {
  readonly boot: string;
  readonly record: EventRecord;
}

/** Of one roll: each fault twice, some known better, and a stretch a minute for weeks. */
export const mostRows = 6 * mostFaults;
const lastLooked = 8;

const isOfRoll = `event IN ('fabric_finding', 'fabric_finding_goes_on', 'fabric_finding_refined',
  'roll_begun', 'roll_looked')`;

export class RollEvents {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  /** For a start: how the newest roll of each machine stood. */
  last(): EventRecord[] {
    return this.#machines().flatMap((machine) => {
      const [begun] = this.#begun(machine, 1);
      if (begun === undefined) return [];
      const looked = this.#sql.lastLooked.all({ machine, afterId: begun.id, limit: lastLooked }) as Row[];
      return [begun, ...looked.toReversed()].map((row) => recordOf(row).record);
    });
  }

  /** The newest beginnings of rolls of a machine, newest first, each with its row number. */
  beginnings(machine: string, limit: number): (RollRow & { readonly id: number })[] {
    return this.#begun(machine, limit).map((row) => ({ id: row.id, ...recordOf(row) }));
  }

  /**
   * Everything from the beginning of a roll on, oldest first, until the second beginning after it: the last of a roll may be told after the
   * next has begun. At most `mostRows`, one at a time.
   */
  *since(machine: string, beginId: number): Generator<RollRow, void> {
    const second = this.#sql.secondAfter.get({ machine, beginId }) as number | undefined;
    const untilId = second ?? Number.MAX_SAFE_INTEGER;
    for (const row of this.#sql.between.iterate({ machine, beginId, untilId, limit: mostRows }))
      yield recordOf(row as Row);
  }

  #machines(): string[] {
    return this.#sql.machines.all() as string[];
  }

  #begun(machine: string, limit: number): Row[] {
    return this.#sql.begun.all({ machine, limit }) as Row[];
  }
}

interface Row {
  readonly id: number;
  readonly boot: string;
  readonly body: string;
}

function recordOf({ boot, body }: Row): RollRow {
  return { boot, record: JSON.parse(body) as EventRecord };
}

function prepare(db: Database) {
  const one = (sql: string): Statement => db.prepare(sql);
  return {
    machines: db.prepare('SELECT machine FROM machine ORDER BY machine').pluck(),
    begun: one(`SELECT id, boot, body FROM event INDEXED BY event_roll_begun
      WHERE machine = $machine AND event = '${begunEvent}' ORDER BY id DESC LIMIT $limit`),
    lastLooked: one(`SELECT id, boot, body FROM event INDEXED BY event_roll
      WHERE machine = $machine AND id > $afterId AND ${isOfRoll} AND event = '${lookedEvent}' ORDER BY id DESC LIMIT $limit`),
    secondAfter: db
      .prepare(
        `SELECT id FROM event INDEXED BY event_roll_begun
         WHERE machine = $machine AND event = '${begunEvent}' AND id > $beginId ORDER BY id LIMIT 1 OFFSET 1`,
      )
      .pluck(),
    between: one(`SELECT id, boot, body FROM event INDEXED BY event_roll
      WHERE machine = $machine AND id >= $beginId AND id < $untilId AND ${isOfRoll} ORDER BY id LIMIT $limit`),
  };
}
