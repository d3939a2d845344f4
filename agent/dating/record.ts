/**
 * Records that were made while the gateway did not know the time, and by how much they are put right. Times from the build date on
 * are right already: so a record is dated once, however often it is asked for.
 */
import type { WireRecord } from '../../cloud-bridge/contract.ts';

/** What is to be added to times of before the build date, in ms. */
export interface RecordShifts {
  /** Of the boot that made the record. */
  readonly ownMs: number;
  /** Of the boot before it: it told when a span began that the record closes. */
  readonly beforeMs: number;
  /** Of the boot that raised the occurrence of an alert. */
  readonly occurrenceMs: number;
}

/** The boot an occurrence was raised in; its id begins with it. */
export const bootOfOccurrence = (occurrence: string): string => occurrence.slice(0, 16);

/** The record with its times put right; the same object where there is nothing to do. */
export function datedRecord<T extends WireRecord>(record: T, shifts: RecordShifts, builtMs: number): T {
  const by = (shiftMs: number) => (atMs: number) => (atMs < builtMs ? atMs + shiftMs : atMs);
  const dated = datedTimes(record, by(shifts.ownMs), by(shifts.beforeMs), by(shifts.occurrenceMs));
  return dated as T;
}

type Put = (atMs: number) => number;
const orNull = (put: Put, atMs: number | null) => (atMs === null ? null : put(atMs));

function datedTimes(record: WireRecord, own: Put, before: Put, raised: Put): WireRecord {
  switch (record.kind) {
    case 'machine':
      return { ...record, atMs: own(record.atMs) };
    case 'event': {
      const from = record.data['reason'] === 'agent-restarted' ? before : own;
      return { ...record, atMs: own(record.atMs), fromMs: orNull(from, record.fromMs) };
    }
    case 'alert': {
      const { shelvedUntilMs } = record.evidence;
      return {
        ...record,
        atMs: own(record.atMs),
        onsetMs: raised(record.onsetMs),
        raisedMs: raised(record.raisedMs),
        clearedMs: orNull(own, record.clearedMs),
        ...(typeof shelvedUntilMs === 'number'
          ? { evidence: { ...record.evidence, shelvedUntilMs: own(shelvedUntilMs) } }
          : {}),
      };
    }
    // None is made without the time: they are folded from the ring once it is known.
    case 'summary':
    case 'state-summary':
      return record;
  }
}
