/** Rolls of a machine out of its journal: the list, and one of them with all that a map shows. Synchronous; not for the main thread. */
import type { RollContents } from '../../models/vision/roll-map.ts';
import { mostRows, type RollEvents } from '../store/roll-events.ts';
import { type BeginReason, begunData } from './events.ts';
import { foldRoll } from './fold.ts';

/** So many rolls are listed; those before stay in the journal as long as its ages say, and are found by their id. */
export const mostRolls = 200;
const mostSearched = 5_000;

export interface RollListed {
  readonly number: number;
  readonly id: string;
  readonly fabric: string;
  readonly why: BeginReason;
  /** Rolls the machine counted before it and nobody saw. */
  readonly missed: number;
  /** UTC ms. */
  readonly beganMs: number;
  /** null: it is on the machine. */
  readonly endedMs: number | null;
  /** m; null while it is on the machine. */
  readonly lengthM: number | null;
}

/** Newest first. */
export function listRolls(events: RollEvents, machine: string, limit: number = mostRolls): RollListed[] {
  const begun = events.beginnings(machine, limit).flatMap(({ record }) => {
    const data = begunData.safeParse(record.data).data;
    return data === undefined ? [] : [{ ...data, beganMs: record.atMs }];
  });
  return begun.map(({ roll, id, fabric, why, missed, beganMs }, i) => {
    const next = begun[i - 1];
    const endedMs = next?.beganMs ?? null;
    return { number: roll, id, fabric, why, missed, beganMs, endedMs, lengthM: next?.endedM ?? null };
  });
}

/** Which roll: by its id (or number), or the newest but so many; 1 is the one on the machine. */
export type WhichRoll = { readonly id: string } | { readonly last: number };

export interface RollRead {
  readonly contents: RollContents;
  readonly listed: RollListed;
}

/** null when there is no such roll. Of rolls with one id the newest. */
export function readRoll(events: RollEvents, machine: string, which: WhichRoll): RollRead | null {
  const beginnings = events.beginnings(machine, 'id' in which ? mostSearched : which.last);
  const data = beginnings.map(({ record }) => begunData.safeParse(record.data).data);
  const at =
    'last' in which
      ? which.last - 1
      : ([data.findIndex((begun) => begun?.id === which.id), data.findIndex((b) => String(b?.roll) === which.id)].find(
          (i) => i >= 0,
        ) ?? -1);
  const beginning = beginnings[at];
  if (beginning === undefined) return null;
  const folded = foldRoll(machine, events.since(machine, beginning.id), mostRows);
  if (folded === null) return null;
  const { contents, begun, beganMs, endedMs } = folded;
  return {
    contents,
    listed: {
      number: begun.roll,
      id: begun.id,
      fabric: begun.fabric,
      why: begun.why,
      missed: begun.missed,
      beganMs,
      endedMs,
      lengthM: endedMs === null ? null : contents.roll.lengthMm / 1000,
    },
  };
}
