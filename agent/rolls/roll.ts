/**
 * Where a machine's cloth belongs: which roll, which metre of it, and what of it was looked at. A pure reducer; `desk.ts` runs it.
 *
 * The eye counts millimetres from wherever its process began. A roll has a zero in that count; when the eye's process is another the count
 * is another, and the roll goes on where it was, by the machine's own count of cloth where it has one.
 *
 * Invariants (test/unit/rolls/roll.test.ts):
 *  R1  Of a roll every millimetre from its beginning to where it was looked at last is in one stretch, looked at or not.
 *  R2  What passed while nobody looked is a gap: of the length the machine counted, or, where it counts nothing, of no length.
 *  R3  Cloth before the zero of a roll belongs to the roll before it, whenever it is told.
 *  R4  A roll begins by the machine's count, by a person's word, or with the first cloth that is seen; a count that falls begins none.
 */
import {
  isAlike,
  type SeenReport,
  type SeenStretch,
  together,
  type UnseenReason,
} from '../../models/vision/seen-cloth.ts';
import type { BeginReason } from './events.ts';

export interface Roll {
  readonly number: number;
  readonly id: string;
  /** Place of the eye at which it begins, mm; null while the eye's places are not known. */
  readonly zeroMm: number | null;
  /** Up to here it is told, or waits in `pending`; mm of the roll. */
  readonly lookedToMm: number;
  readonly newestMm: number;
  /** What is to be told next. */
  readonly pending: SeenStretch | null;
  readonly faults: number;
  readonly dropped: number;
}

export interface MachineRolls {
  readonly current: Roll | null;
  /** The roll before, while the eye's count is the same: cloth and faults of it may still be told. */
  readonly before: Roll | null;
  /** The machine's count of cloth when the newest cloth was seen, mm, and of rolls. */
  readonly clothMm: number | null;
  readonly rollCount: number | null;
  /** Why nobody looks, where it is known. */
  readonly excuse: UnseenReason | null;
  /** Number of the newest roll ever. */
  readonly lastNumber: number;
}

export const noRolls: MachineRolls = {
  current: null,
  before: null,
  clothMm: null,
  rollCount: null,
  excuse: null,
  lastNumber: 0,
};

/** What is to be kept of it, in this order. */
export type RollStep =
  | { readonly kind: 'looked'; readonly roll: Roll; readonly stretch: SeenStretch }
  | {
      readonly kind: 'begun';
      readonly roll: Roll;
      readonly why: BeginReason;
      readonly missed: number;
      readonly endedMm: number | null;
    };

export interface Stepped {
  readonly rolls: MachineRolls;
  readonly steps: readonly RollStep[];
}

/** @param clothMm what the machine counts now; null where it counts nothing, or cannot be read */
export function cloth(rolls: MachineRolls, report: SeenReport, clothMm: number | null): Stepped {
  const lost = report.isAnew ? eyeAnew(rolls) : { rolls, steps: [] };
  const begun =
    lost.rolls.current === null ? beginRoll(lost.rolls, { why: 'first', id: null, missed: 0, clothMm }) : null;
  const anchored = anchor(begun?.rolls ?? lost.rolls, report, clothMm, begun !== null);
  const steps = [...lost.steps, ...(begun?.steps ?? []), ...anchored.steps];
  let { current, before } = anchored.rolls;
  const zeroMm = current?.zeroMm ?? null;
  if (current === null || zeroMm === null) return { rolls: anchored.rolls, steps };
  for (const stretch of report.stretches) {
    if (before !== null && before.zeroMm !== null && stretch.fromMm < zeroMm) {
      const told = tell(before, cut(stretch, -Infinity, zeroMm), before.zeroMm);
      before = told.roll;
      steps.push(...told.steps);
    }
    if (stretch.toMm > zeroMm) {
      const told = tell(current, cut(stretch, zeroMm, Infinity), zeroMm);
      current = told.roll;
      steps.push(...told.steps);
    }
  }
  current = { ...current, newestMm: Math.max(current.newestMm, report.newestMm - zeroMm) };
  // All of the roll before was looked at, or was not: nothing of it is left before the camera.
  if (before !== null && before.lookedToMm >= before.newestMm) {
    const flushed = flush(before);
    steps.push(...flushed.steps);
    before = flushed.roll;
  }
  return { rolls: { ...anchored.rolls, current, before, clothMm: clothMm ?? anchored.rolls.clothMm }, steps };
}

const cut = (stretch: SeenStretch, fromMm: number, toMm: number): SeenStretch => ({
  ...stretch,
  fromMm: Math.max(stretch.fromMm, fromMm),
  toMm: Math.min(stretch.toMm, toMm),
});

/** Puts a stretch of the eye's places on its roll; what was told already is not told again. */
function tell(roll: Roll, stretch: SeenStretch, zeroMm: number): { readonly roll: Roll; readonly steps: RollStep[] } {
  const fromMm = Math.max(stretch.fromMm - zeroMm, roll.lookedToMm);
  const toMm = stretch.toMm - zeroMm;
  if (toMm <= fromMm) return { roll, steps: [] };
  return extend(roll, { ...stretch, fromMm, toMm });
}

function extend(roll: Roll, stretch: SeenStretch): { readonly roll: Roll; readonly steps: RollStep[] } {
  const lookedToMm = stretch.toMm;
  const newestMm = Math.max(roll.newestMm, lookedToMm);
  const { pending } = roll;
  if (pending === null || isAlike(pending, stretch)) {
    const next = pending === null ? stretch : together(pending, stretch);
    return { roll: { ...roll, lookedToMm, newestMm, pending: next }, steps: [] };
  }
  const flushed = flush(roll);
  return { roll: { ...flushed.roll, lookedToMm, newestMm, pending: stretch }, steps: flushed.steps };
}

/** Tells what waits. */
export function flush(roll: Roll): { readonly roll: Roll; readonly steps: RollStep[] } {
  if (roll.pending === null) return { roll, steps: [] };
  return { roll: { ...roll, pending: null }, steps: [{ kind: 'looked', roll, stretch: roll.pending }] };
}

export function flushAll(rolls: MachineRolls): Stepped {
  const [before, current] = [rolls.before, rolls.current].map((roll) => (roll === null ? null : flush(roll)));
  return {
    rolls: { ...rolls, before: before?.roll ?? null, current: current?.roll ?? null },
    steps: [...(before?.steps ?? []), ...(current?.steps ?? [])],
  };
}

/** Puts the zero of the roll into the count of an eye that began anew, and tells what passed in between. */
function anchor(rolls: MachineRolls, report: SeenReport, clothMm: number | null, isFirst: boolean): Stepped {
  const { current } = rolls;
  if (current === null || current.zeroMm !== null) return { rolls, steps: [] };
  const firstMm = report.stretches[0]?.fromMm ?? report.newestMm;
  const since = { ...rolls, clothMm: clothMm ?? rolls.clothMm, excuse: null };
  if (isFirst) return { rolls: { ...since, current: { ...current, zeroMm: firstMm } }, steps: [] };
  const passedMm = clothMm === null || rolls.clothMm === null ? null : clothMm - rolls.clothMm;
  // A count that fell was set back: how much passed nobody knows.
  const isCounted = passedMm !== null && passedMm >= 0;
  const zeroMm = isCounted ? report.newestMm - current.newestMm - passedMm : firstMm - current.lookedToMm;
  const roll = { ...current, zeroMm };
  const toMm = Math.max(firstMm - zeroMm, current.lookedToMm);
  // It stood all the while.
  if (isCounted && toMm === current.lookedToMm) return { rolls: { ...since, current: roll }, steps: [] };
  const gap = { fromMm: current.lookedToMm, toMm, unseen: 1, reason: rolls.excuse ?? ('not-running' as const) };
  // A gap of no length would get lost in a longer one; it is told by itself.
  const flushed = flush(roll);
  const told = extend(flushed.roll, gap);
  const alone = flush(told.roll);
  return { rolls: { ...since, current: alone.roll }, steps: [...flushed.steps, ...told.steps, ...alone.steps] };
}

/** The eye's process is another: its count begins anew. */
export function eyeAnew(rolls: MachineRolls): Stepped {
  const { rolls: flushed, steps } = flushAll(rolls);
  const { current } = flushed;
  return {
    rolls: { ...flushed, before: null, current: current === null ? null : { ...current, zeroMm: null } },
    steps,
  };
}

export interface Beginning {
  readonly why: BeginReason;
  /** null: its number. */
  readonly id: string | null;
  readonly missed: number;
  readonly clothMm: number | null;
}

/** A roll begins with the newest cloth. */
export function beginRoll(rolls: MachineRolls, { why, id, missed, clothMm }: Beginning): Stepped {
  const { rolls: flushed, steps } = flushAll(rolls);
  const old = flushed.current;
  const number = rolls.lastNumber + 1;
  const roll: Roll = {
    number,
    id: id ?? String(number),
    zeroMm: old === null || old.zeroMm === null ? null : old.zeroMm + old.newestMm,
    lookedToMm: 0,
    newestMm: 0,
    pending: null,
    faults: 0,
    dropped: 0,
  };
  const step: RollStep = { kind: 'begun', roll, why, missed, endedMm: old === null ? null : old.newestMm };
  const before = old !== null && old.zeroMm !== null ? old : null;
  return {
    rolls: { ...flushed, current: roll, before, clothMm: clothMm ?? rolls.clothMm, lastNumber: number },
    steps: [...steps, step],
  };
}

/** The machine tells how many rolls it has made. */
export function counted(rolls: MachineRolls, rollCount: number, clothMm: number | null): Stepped {
  const known = rolls.rollCount;
  const now = { ...rolls, rollCount };
  if (known === null || rollCount <= known || rolls.current === null) return { rolls: now, steps: [] };
  return beginRoll(now, { why: 'counted', id: null, missed: rollCount - known - 1, clothMm });
}

/** The roll that a fault of these places belongs to, and its places there; null where no roll has begun. */
export function rollOf(
  rolls: MachineRolls,
  fromMm: number,
  toMm: number,
): { readonly which: 'current' | 'before'; readonly fromMm: number; readonly toMm: number } | null {
  const { current, before } = rolls;
  if (current === null || current.zeroMm === null) return null;
  const isBefore = before !== null && before.zeroMm !== null && toMm < current.zeroMm;
  const zeroMm = isBefore ? (before.zeroMm ?? 0) : current.zeroMm;
  return {
    which: isBefore ? 'before' : 'current',
    fromMm: Math.max(fromMm - zeroMm, 0),
    toMm: Math.max(toMm - zeroMm, 0),
  };
}

/** One fault more on a roll; false: it found no room, which is counted. */
export function withFault(roll: Roll, most: number): { readonly roll: Roll; readonly hasRoom: boolean } {
  if (roll.faults >= most) return { roll: { ...roll, dropped: roll.dropped + 1 }, hasRoom: false };
  return { roll: { ...roll, faults: roll.faults + 1 }, hasRoom: true };
}
