/**
 * From the events of a roll to what its map shows. Pure; `read.ts` gets the events.
 *
 * Invariants (test/unit/rolls/fold.test.ts):
 *  O1  A fault stands there once, as it was known last; one that was another is not there.
 *  O2  A fault that was not told to have ended goes to where the roll was looked at while it may have lasted: to the end of the roll, or of
 *      the process that saw it.
 *  O3  Every millimetre of the roll of which nobody said that it was looked at is a gap.
 *  O4  An event that cannot be read is counted as dropped; nothing is made of it.
 */
import type { RollContents, RollDefect, RollGap } from '../../models/vision/roll-map.ts';
import type { RollRow } from '../store/roll-events.ts';
import {
  type BegunData,
  begunData,
  begunEvent,
  findingData,
  findingEvent,
  goesOnEvent,
  lookedData,
  lookedEvent,
  refinedEvent,
} from './events.ts';

/** Metres have millimetres: what is shorter is a sum of rounded ends. */
const dustMm = 1.5;

interface Fault {
  readonly defect: RollDefect;
  /** Boot that told it, and the start of the eye in it; null when it has ended. */
  readonly open: string | null;
}

export interface Folded {
  readonly contents: RollContents;
  /** How it began and, where it has, ended. */
  readonly begun: BegunData;
  readonly beganMs: number;
  readonly endedMs: number | null;
}

/**
 * @param rows from the roll's beginning on, in the order they were told; gone through once
 * @param most so many of them are read; where there are as many, there may have been more
 * @returns null when the first of them begins no roll
 */
export function foldRoll(machine: string, rows: Iterable<RollRow>, most = Infinity): Folded | null {
  let at: { readonly begun: BegunData; readonly beganMs: number; readonly roll: RollFold } | null = null;
  let boot = '';
  let count = 0;
  let ended: { readonly lengthMm: number | null; readonly atMs: number } | null = null;
  for (const { boot: own, record } of rows) {
    count += 1;
    const begins = record.event === begunEvent ? begunData.safeParse(record.data).data : undefined;
    if (at === null) {
      if (begins === undefined) return null;
      at = { begun: begins, beganMs: record.atMs, roll: new RollFold(begins.roll) };
    } else if (record.event === begunEvent) {
      const endedM = begins?.endedM ?? null;
      ended ??= { lengthMm: endedM === null ? null : endedM * 1000, atMs: record.atMs };
    } else {
      // What the process before did not end, its own end has.
      if (own !== boot) at.roll.lose(null);
      at.roll.take(own, record);
    }
    boot = own;
    if (count >= most) break;
  }
  if (at === null) return null;
  const { begun, beganMs, roll } = at;
  const isCut = count >= most;
  const { defects, gaps, lengthMm, dropped, about } = roll.result(ended === null ? null : (ended.lengthMm ?? 0), isCut);
  return {
    contents: {
      roll: {
        id: begun.id,
        machine,
        fabric: begun.fabric,
        lengthMm,
        widthMm: begun.widthMm,
      },
      model: about.model,
      isSimulated: about.isSimulated,
      defects,
      gaps,
      dropped,
    },
    begun,
    beganMs,
    endedMs: ended?.atMs ?? null,
  };
}

class RollFold {
  readonly #number: number;
  readonly #faults = new Map<string, Fault>();
  readonly #gaps: RollGap[] = [];
  #lookedToMm = 0;
  #newestMm = 0;
  #dropped = 0;
  #unread = 0;
  #about = { model: '', isSimulated: false };

  constructor(number: number) {
    this.#number = number;
  }

  take(boot: string, { event, phase, data }: RollRow['record']): void {
    switch (event) {
      case lookedEvent:
        this.#looked(data);
        return;
      case findingEvent:
      case goesOnEvent:
      case refinedEvent:
        this.#finding(boot, phase, event, data);
        return;
      default:
    }
  }

  #looked(data: unknown): void {
    const looked = lookedData.safeParse(data);
    if (!looked.success) {
      this.#unread += 1;
      return;
    }
    const { roll, unseen, reason, dropped, model, isSimulated } = looked.data;
    if (roll !== this.#number) return;
    const [fromMm, toMm] = [looked.data.fromM * 1000, looked.data.toM * 1000];
    this.#gap(this.#lookedToMm, fromMm, 1, 'not-running');
    if (unseen > 0)
      this.#gaps.push({ fromMm, toMm: Math.max(fromMm, toMm), share: unseen, reason: reason ?? 'overload' });
    this.#lookedToMm = Math.max(this.#lookedToMm, toMm);
    this.#newestMm = Math.max(this.#newestMm, looked.data.newestM * 1000, toMm);
    this.#dropped = Math.max(this.#dropped, dropped);
    this.#about = { model, isSimulated };
  }

  #gap(fromMm: number, toMm: number, share: number, reason: RollGap['reason']): void {
    if (toMm - fromMm > dustMm) this.#gaps.push({ fromMm, toMm, share, reason });
  }

  #finding(boot: string, phase: RollRow['record']['phase'], event: string, data: unknown): void {
    const read = findingData.safeParse(data);
    if (!read.success) {
      // A start closes what the process before left open, and knows of it no more than that.
      if (phase !== 'closed') this.#unread += 1;
      return;
    }
    const found = read.data;
    const key = `${boot} ${found.eye} ${found.finding}`;
    const known = this.#faults.get(key);
    const isHere = found.roll === this.#number;
    if (phase === 'closed') {
      if (known === undefined || known.open === null) return;
      // It was told to go on here, and had ended before; or it was another all the time.
      if (found.roll < this.#number || found.sameAs !== null) {
        this.#faults.delete(key);
        return;
      }
      // It went on to the end of this roll, and has ended in the next.
      if (!isHere) return;
      const defect = this.#defectOf(found, known.defect);
      const toMm = found.lost ? Math.max(defect.toMm, this.#lookedToMm) : defect.toMm;
      this.#faults.set(key, { defect: { ...defect, toMm }, open: null });
      return;
    }
    // Known better, of a fault that had no room.
    if (!isHere || (known === undefined && event === refinedEvent)) return;
    const lasts = phase === 'opened' || event === goesOnEvent || (known !== undefined && known.open !== null);
    const defect = this.#defectOf(found, known?.defect ?? null);
    this.#faults.set(key, { defect, open: lasts ? boot : null });
    this.#about = { model: found.model, isSimulated: found.isSimulated };
  }

  #defectOf(found: ReturnType<typeof findingData.parse>, before: RollDefect | null): RollDefect {
    const crops = [...(before?.evidence ?? []), ...(found.crop === null ? [] : [found.crop])];
    const fromMm = Math.min(found.rollFromM * 1000, before?.fromMm ?? Infinity);
    return {
      id: before?.id ?? this.#faults.size + 1,
      class: found.class,
      cause: found.cause,
      score: found.score,
      threshold: found.threshold,
      fromMm,
      toMm: Math.max(found.rollToM * 1000, before?.toMm ?? 0, fromMm),
      alongErrorMm: found.alongErrorMm,
      acrossFromMm: found.acrossFromMm,
      acrossToMm: Math.max(found.acrossFromMm, found.acrossToMm),
      needle: found.needle,
      k: found.k,
      needleUnknown: found.needleUnknown,
      revolutions: found.revolutions,
      evidence: [...new Set(crops)].slice(-8),
    };
  }

  /** Who saw them is gone: faults that last went at least as far as was looked at. */
  lose(untilMm: number | null): void {
    for (const [key, { defect, open }] of this.#faults) {
      if (open === null) continue;
      const toMm = Math.max(defect.toMm, untilMm ?? this.#lookedToMm);
      this.#faults.set(key, { defect: { ...defect, toMm }, open: null });
    }
  }

  /** @param endMm length of a roll that has ended; null: it goes on */
  result(endMm: number | null, isCut: boolean) {
    const faults = [...this.#faults.values()];
    const farMm = Math.max(0, ...faults.map(({ defect }) => defect.toMm));
    const lengthMm = Math.max(this.#lookedToMm, endMm === null ? farMm : Math.max(endMm, this.#newestMm));
    this.lose(lengthMm);
    this.#gap(this.#lookedToMm, lengthMm, 1, endMm === null ? 'not-yet' : 'not-running');
    return {
      defects: [...this.#faults.values()].map(({ defect }) => defect),
      gaps: this.#gaps,
      lengthMm,
      dropped: this.#dropped + this.#unread + (isCut ? 1 : 0),
      about: this.#about,
    };
  }
}
