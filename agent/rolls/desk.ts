/**
 * The rolls of all machines with an eye, as the pipeline has them: what the eye looked at and where its faults lie, told as events of the
 * machine (`events.ts`). What is kept between starts is in those events.
 *
 * Invariants (test/unit/pipeline/rolls.test.ts):
 *  D1  A fault is told with the roll it lies on and its metres there.
 *  D2  A roll goes on over a start of the agent and of the eye.
 *  D3  Faults of a roll are bounded; what found no room is counted and told.
 *  D4  What was looked at is told within a minute, and before a fault that is told.
 */
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import type { SeenReport } from '../../models/vision/seen-cloth.ts';
import type { Journaling } from '../journaling.ts';
import type { Instant } from '../rules/conditions.ts';
import { begunData, begunEvent, lookedData, lookedEvent, mostFaults } from './events.ts';
import {
  beginRoll,
  cloth,
  counted,
  eyeAnew,
  flushAll,
  type MachineRolls,
  noRolls,
  rollOf,
  type RollStep,
  type Stepped,
  withFault,
} from './roll.ts';

/** What an eye looks at, as configured. */
export interface WebSetup {
  /** Width of the cloth, of a tube opened, mm. */
  readonly widthMm: number;
  readonly fabric: string;
  /** Cloth for one of `revolution.count`, mm; null where nothing turns. */
  readonly mmPerTurn: number | null;
  /** The machine's count of revolutions and cloth goes on while the agent is away. */
  readonly countsAlone: boolean;
}

/** What the eye looked at since it last said so. */
export interface SeenFabric extends SeenReport {
  readonly machine: string;
  readonly model: string;
  readonly isSimulated: boolean;
}

/** Where a fault lies. */
export interface RollPlace {
  readonly roll: number;
  /** Starts of the eye in this boot. */
  readonly eye: number;
  readonly fromMm: number;
  readonly toMm: number;
}

export interface RollDeskParts {
  readonly journal: Pick<Journaling, 'instant'>;
  /** The newest value of a signal of a machine; null where there is none. */
  readonly value: (machine: string, signal: string) => number | null;
}

const tellEveryMs = 60_000;
const lengthSignal = 'fabric.length';
const turnsSignal = 'revolution.count';
export const rollSignal = 'roll.count';

interface Kept {
  readonly web: WebSetup;
  rolls: MachineRolls;
  eye: number;
  model: string;
  isSimulated: boolean;
  toldMs: number;
}

export class RollDesk {
  readonly #parts: RollDeskParts;
  readonly #machines = new Map<string, Kept>();

  constructor(parts: RollDeskParts) {
    this.#parts = parts;
  }

  /** @param last newest events of rolls, of processes before this one, oldest first; those of other machines are passed over */
  watch(machine: string, web: WebSetup, last: readonly EventRecord[]): void {
    const rolls = recovered(last.filter((record) => record.machine === machine));
    const known = web.countsAlone ? rolls : { ...rolls, clothMm: null };
    this.#machines.set(machine, { web, rolls: known, eye: 0, model: '', isSimulated: false, toldMs: -Infinity });
  }

  /** Returns true when a roll began that has another before it: what lasts goes on in it. */
  seen({ machine, model, isSimulated, ...report }: SeenFabric, now: Instant): boolean {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return false;
    Object.assign(kept, { model, isSimulated });
    this.#do(machine, kept, cloth(kept.rolls, report, this.#clothMm(machine, kept.web)), now);
    const hasBegun = this.#count(machine, kept, now);
    if (now.monotonicMs - kept.toldMs >= tellEveryMs) this.#flush(machine, kept, now);
    return hasBegun;
  }

  /** The eye's process is another, and its places with it. */
  anew(machine: string, now: Instant): void {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return;
    kept.eye += 1;
    this.#do(machine, kept, eyeAnew(kept.rolls), now);
  }

  /** Why nobody looks at the cloth of a machine from now on. */
  excuse(machine: string, reason: NonNullable<MachineRolls['excuse']>): void {
    const kept = this.#machines.get(machine);
    if (kept !== undefined) kept.rolls = { ...kept.rolls, excuse: reason };
  }

  /** The machine was read: it may have counted a roll. Returns true when one began. */
  counted(machine: string, now: Instant): boolean {
    const kept = this.#machines.get(machine);
    return kept !== undefined && this.#count(machine, kept, now);
  }

  #count(machine: string, kept: Kept, now: Instant): boolean {
    const value = this.#parts.value(machine, rollSignal);
    if (value === null || value === kept.rolls.rollCount) return false;
    const number = kept.rolls.lastNumber;
    this.#do(machine, kept, counted(kept.rolls, value, this.#clothMm(machine, kept.web)), now);
    return kept.rolls.lastNumber > number;
  }

  /** Somebody says that a roll begins. Returns its number; null where no eye looks at that machine. */
  begin(machine: string, id: string | null, now: Instant): { readonly number: number; readonly id: string } | null {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return null;
    const clothMm = this.#clothMm(machine, kept.web);
    this.#do(machine, kept, beginRoll(kept.rolls, { why: 'asked', id, missed: 0, clothMm }), now);
    const { current } = kept.rolls;
    return current === null ? null : { number: current.number, id: current.id };
  }

  /** Where a fault of these places of the eye lies; null where no eye is known. */
  placed(machine: string, fromMm: number, toMm: number, now: Instant): RollPlace | null {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return null;
    const { rolls } = kept;
    // Told before the eye said what it looked at: its place is the newest that is known.
    if (rolls.current === null || rolls.current.zeroMm === null) {
      const report = { newestMm: toMm, isAnew: false, stretches: [{ fromMm, toMm: fromMm, unseen: 0, reason: null }] };
      this.#do(machine, kept, cloth(rolls, report, this.#clothMm(machine, kept.web)), now);
    }
    const place = rollOf(kept.rolls, fromMm, toMm);
    const roll = place === null ? null : kept.rolls[place.which];
    if (place === null || roll === null) return null;
    return { roll: roll.number, eye: kept.eye, fromMm: place.fromMm, toMm: place.toMm };
  }

  /** The beginning of the roll that is on the machine; null where there is none. */
  atBegin(machine: string): RollPlace | null {
    const kept = this.#machines.get(machine);
    const roll = kept?.rolls.current ?? null;
    return kept === undefined || roll === null ? null : { roll: roll.number, eye: kept.eye, fromMm: 0, toMm: 0 };
  }

  /** A fault is to be told of this roll; false: it has too many. What was looked at before it is told first. */
  hasRoom(machine: string, { roll: number }: RollPlace, now: Instant): boolean {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return true;
    this.#flush(machine, kept, now);
    const which = kept.rolls.before?.number === number ? 'before' : 'current';
    const roll = kept.rolls[which];
    if (roll === null) return true;
    const { roll: next, hasRoom } = withFault(roll, mostFaults);
    kept.rolls = { ...kept.rolls, [which]: next };
    return hasRoom;
  }

  /** Tells all that waits. */
  flush(now: Instant): void {
    for (const [machine, kept] of this.#machines) this.#flush(machine, kept, now);
  }

  #flush(machine: string, kept: Kept, now: Instant): void {
    this.#do(machine, kept, flushAll(kept.rolls), now);
  }

  /** The machine's own count of cloth, mm. */
  #clothMm(machine: string, { mmPerTurn }: WebSetup): number | null {
    const lengthMm = this.#parts.value(machine, lengthSignal);
    if (lengthMm !== null) return lengthMm;
    const turns = mmPerTurn === null ? null : this.#parts.value(machine, turnsSignal);
    return turns === null || mmPerTurn === null ? null : turns * mmPerTurn;
  }

  #do(machine: string, kept: Kept, { rolls, steps }: Stepped, now: Instant): void {
    kept.rolls = rolls;
    for (const step of steps) {
      if (step.kind === 'looked') kept.toldMs = now.monotonicMs;
      const [event, data] = eventOf(step, kept);
      this.#parts.journal.instant(machine, now.wallMs, event, data);
    }
  }
}

/** Metres to the millimetre, as staff measure them. */
export const metres = (mm: number): number => Math.round(mm) / 1000;

function eventOf(step: RollStep, { rolls, web, model, isSimulated }: Kept): readonly [string, EventRecord['data']] {
  const { rollCount, clothMm } = rolls;
  const counts = { rollCount, clothMm };
  if (step.kind === 'begun') {
    const { roll, why, missed, endedMm } = step;
    const endedM = endedMm === null ? null : metres(endedMm);
    const { widthMm, fabric } = web;
    return [begunEvent, { roll: roll.number, id: roll.id, why, missed, endedM, widthMm, fabric, ...counts }];
  }
  const { roll, stretch } = step;
  return [
    lookedEvent,
    {
      roll: roll.number,
      fromM: metres(stretch.fromMm),
      toM: metres(stretch.toMm),
      unseen: Math.ceil(stretch.unseen * 1000) / 1000,
      reason: stretch.reason,
      newestM: metres(roll.newestMm),
      fabric: web.fabric,
      model,
      isSimulated,
      faults: roll.faults,
      dropped: roll.dropped,
      ...counts,
    },
  ];
}

/** How the newest roll stood at the end of the process before. */
function recovered(records: readonly EventRecord[]): MachineRolls {
  const begun = records.findLast(({ event }) => event === begunEvent);
  const known = begunData.safeParse(begun?.data);
  if (!known.success) return noRolls;
  const { roll: number, id, rollCount, clothMm } = known.data;
  const began = { number, id, zeroMm: null, lookedToMm: 0, newestMm: 0, pending: null, faults: 0, dropped: 0 };
  const atBegin = { ...noRolls, current: began, clothMm, rollCount, lastNumber: number };
  // After a roll has begun the last of the one before is told, too.
  const looked = records
    .filter(({ event }) => event === lookedEvent)
    .flatMap(({ data }) => lookedData.safeParse(data).data ?? [])
    .findLast(({ roll }) => roll === number);
  if (looked === undefined) return atBegin;
  const { toM, newestM, faults, dropped } = looked;
  const current = { ...began, lookedToMm: toM * 1000, newestMm: newestM * 1000, faults, dropped };
  return { ...atBegin, current, clothMm: looked.clothMm, rollCount: looked.rollCount };
}
