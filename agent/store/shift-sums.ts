/**
 * What a shift has beside the sums of a day: how often a machine stood and why, and what the eye found in its cloth. On the reader
 * thread; bounded by the events that are looked at.
 *
 * Invariants (test/unit/store/shift-sums.test.ts):
 *  W1  Seconds by state and those unknown of a shift that is over add up to its length.
 *  W2  A fault is counted once, in the shift in which it was found; one that turned out to be another is not.
 *  W3  Where no metre was looked at there is no rate, and where more happened than is looked at there is no count: never a zero.
 *  W4  A folded hour in which it begins or ends is not given to it: its time is unknown, and told as `cutS`.
 */
import type { Database, Statement } from 'better-sqlite3';
import { findingEvent, lookedEvent } from '../rolls/event-names.ts';
import type { ShiftQuery } from './history.ts';
import { cutSecondsOf, isStop, noSums, todayOf, type DaySums, type MachineToday, type StopCount } from './view-sums.ts';

/** Changes of state, faults and stretches of cloth that are looked at of one shift. */
const maxEvents = 60_000;
const maxStops = 40;

export interface ShiftStop {
  /** null: the machine did not tell. */
  readonly cause: string | null;
  readonly seconds: number;
  /** null: too much happened to count. */
  readonly times: number | null;
}
export interface ShiftCloth {
  readonly found: number;
  /** Looked at, whole width; null: none. */
  readonly metres: number | null;
}
export interface MachineShift extends Omit<MachineToday, 'samples' | 'good'> {
  /** The longest first; beyond so many the rest is left out. */
  readonly stops: readonly ShiftStop[];
  /** Of the unknown seconds those in folded hours in which the shift begins or ends: what was then lies in this shift or in another. */
  readonly cutS: number;
  /** null: no eye told of it, or too much happened to count. */
  readonly cloth: ShiftCloth | null;
}
export interface ShiftSums {
  /** false: not all is added up yet; ask again. */
  readonly isWhole: boolean;
  /** false: more happened than is looked at, so stops and faults are not counted. */
  readonly isCounted: boolean;
  readonly machines: readonly MachineShift[];
}

interface Row {
  readonly machine: string;
  readonly event: string;
  readonly phase: string;
  readonly boot: string;
  readonly to: StopCount['to'] | null;
  readonly cause: string | null;
  readonly eye: number | null;
  readonly finding: number | null;
  readonly sameAs: number | null;
  readonly fromM: number | null;
  readonly toM: number | null;
  readonly unseen: number | null;
}
interface Happened {
  readonly stops: Map<string | null, number>;
  readonly faults: Set<string>;
  metres: number;
  hasEye: boolean;
}
export interface ShiftHappened {
  readonly isCounted: boolean;
  readonly machines: ReadonlyMap<string, Happened>;
}

export class ShiftEvents {
  readonly #rows: Statement;
  readonly #most: number;

  constructor(db: Database, most = maxEvents) {
    this.#most = most;
    const data = (name: string) => `json_extract(body, '$.data.${name}') AS "${name}"`;
    this.#rows =
      db.prepare(`SELECT machine, event, phase, boot, ${data('to')}, ${data('cause')}, ${data('eye')}, ${data('finding')},
      ${data('sameAs')}, ${data('fromM')}, ${data('toM')}, ${data('unseen')}
      FROM event INDEXED BY event_time WHERE at_ms >= $fromMs AND at_ms < $toMs
        AND event IN ('state_changed', '${findingEvent}', '${lookedEvent}') AND json_valid(body) LIMIT $limit`);
  }

  of(fromMs: number, toMs: number): ShiftHappened {
    const machines = new Map<string, Happened>();
    let looked = 0;
    for (const one of this.#rows.iterate({ fromMs, toMs, limit: this.#most + 1 })) {
      if (++looked > this.#most) return { isCounted: false, machines: new Map() };
      const row = one as Row;
      const happened = machines.get(row.machine) ?? { stops: new Map(), faults: new Set(), metres: 0, hasEye: false };
      machines.set(row.machine, happened);
      take(happened, row);
    }
    return { isCounted: true, machines };
  }
}

function take(happened: Happened, row: Row): void {
  if (row.event === 'state_changed') {
    const { to, cause } = row;
    if (to !== null && isStop({ to, cause })) happened.stops.set(cause, (happened.stops.get(cause) ?? 0) + 1);
    return;
  }
  happened.hasEye = true;
  if (row.event === lookedEvent) {
    const metres = ((row.toM ?? 0) - (row.fromM ?? 0)) * (1 - (row.unseen ?? 1));
    if (metres > 0) happened.metres += metres;
    return;
  }
  const fault = `${row.boot} ${row.eye} ${row.finding}`;
  if (row.phase !== 'closed') happened.faults.add(fault);
  else if (row.sameAs !== null) happened.faults.delete(fault);
}

/** Every machine of which a minute or an event tells. */
export function shiftOf(
  sums: ReadonlyMap<string, DaySums>,
  { isCounted, machines }: ShiftHappened,
  { fromMs, toMs, isOver }: ShiftQuery,
): Omit<ShiftSums, 'isWhole'> {
  const names = new Set([...sums.keys(), ...machines.keys()]);
  return {
    isCounted,
    machines: [...names].map((machine) => {
      const sum = sums.get(machine) ?? noSums();
      const happened = machines.get(machine);
      const { counters, seconds, unknownS } = todayOf(machine, sum, fromMs, toMs, isOver);
      const causes = new Set([...sum.stops.keys(), ...(happened?.stops.keys() ?? [])]);
      const stops = [...causes]
        .map((cause) => ({
          cause,
          seconds: sum.stops.get(cause) ?? 0,
          times: isCounted ? (happened?.stops.get(cause) ?? 0) : null,
        }))
        .sort((a, b) => b.seconds - a.seconds || (b.times ?? 0) - (a.times ?? 0))
        .slice(0, maxStops);
      const cloth =
        happened?.hasEye === true
          ? { found: happened.faults.size, metres: happened.metres > 0 ? happened.metres : null }
          : null;
      const cutS = Math.min(unknownS, cutSecondsOf(sum, fromMs, toMs));
      return { machine, counters, seconds, unknownS, cutS, stops, cloth };
    }),
  };
}
