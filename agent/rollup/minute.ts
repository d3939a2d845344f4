/** A minute that may still change: its readings by signal, and what of it was sent. */
import { hash } from 'node:crypto';
import type { CounterBase } from '../counters/counter.ts';
import type { SummaryDraft } from './rollup.ts';
import { MinutePoints, needOf, Rooms } from './points.ts';
import { Sums } from './sums.ts';

/** A minute holds a few more or fewer readings than the one before it. */
const spareReadings = 2;

/** A revision that left. */
export interface Sent {
  readonly revision: number;
  /** Of its content: the contents themselves would be megabytes at 5,000 signals. */
  readonly sha256: string;
}

/** The revision under which this content is to be sent; null when it was sent already. */
export function revised(last: Sent | null, draft: SummaryDraft): Sent | null {
  const { atMs: _atMs, revision: _revision, ...content } = draft;
  const sha256 = hash('sha256', JSON.stringify(content), 'base64');
  return last?.sha256 === sha256 ? null : { revision: (last?.revision ?? 0) + 1, sha256 };
}

export class Minute {
  readonly fromMs: number;
  readonly points: (MinutePoints | null)[];
  /** As much as each signal needed in the minute before; null once nothing on time comes any more. */
  #rooms: Rooms | null;
  readonly #sums: Sums;
  readonly sent: (Sent | null)[];
  stateSent: Sent | null = null;
  /** Counter bases at the end of the minute; null while they must be computed anew. */
  counterOut: (CounterBase | null)[] | null = null;
  sealed = false;
  changed = true;
  emittedMs = -Infinity;

  constructor(fromMs: number, columns: number, before: Minute | undefined) {
    this.fromMs = fromMs;
    this.#rooms =
      before === undefined
        ? Rooms.least(columns)
        : new Rooms(before.points.map((points) => needOf(points, (points?.most ?? 0) + spareReadings)));
    this.#sums = new Sums(columns);
    this.points = Array.from({ length: columns }, () => null);
    this.sent = Array.from({ length: columns }, () => null);
  }

  pointsOf(column: number): MinutePoints {
    return (this.points[column] ??= new MinutePoints(this.#rooms, column, this.#sums));
  }

  /** Nothing on time comes any more: what is kept moves together, and the rooms, which were for what is settled since, are left. */
  leaveRooms(): void {
    if (this.#rooms === null) return;
    this.#rooms = null;
    const rooms = new Rooms(this.points.map((points) => needOf(points, points?.length ?? 0)));
    for (const [column, points] of this.points.entries()) points?.moveTo(rooms, column);
  }
}
