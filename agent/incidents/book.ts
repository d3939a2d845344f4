/**
 * Incidents: alerts of one machine that are about the same needle have one id. Two senses are better than one: what the eye sees and the ear
 * hears within the hour, at needles they have in common, is one incident that says which needle to change.
 *
 * An alert gets the id when it is raised, so that its first record has it and none is ever changed: its own, or that of the incident it
 * belongs to. Alone it is an incident of one. The contract has no step that says only that something became known better, so an alert that is
 * raised before its needle is known joins nothing, but may be joined. What is known here comes back after a start from the records (`recovered.ts`).
 *
 * Invariants (test/unit/incidents/book.test.ts):
 *  B1  An alert keeps its incident, over starts of the agent too.
 *  B2  No incident has alerts of two machines.
 *  B3  All alerts of an incident had a needle in common when the last of them came (`joint.ts`), and that needle is told as long as they
 *      have one; where a place becomes known better and would leave them none, the place they met at stays.
 *  B4  In whatever order alerts come, those about one needle are one incident, if their places touch no other's. Where one lies between two
 *      that do not touch, it belongs to the likelier, then to that with fewer needles, then to the older.
 *  B5  What is kept is bounded; open alerts are kept longest, and what is forgotten is counted.
 */
import type { AlertRecord } from '../../cloud-bridge/contract.ts';
import type { AlertStep } from '../alerts/occurrence.ts';
import type { Cylinder, NeedleRange } from './arcs.ts';
import type { Legend } from './legend.ts';
import { recoveredMember } from './recovered.ts';
import { jointOf, togetherMs, type Joint, type Sighting } from './joint.ts';

export type Sense = 'eye' | 'ear';

/** What a sense tells of an alert. */
export interface SenseTold {
  readonly machine: string;
  readonly occurrence: string;
  readonly sense: Sense;
  /** What is told, among what this sense tells of the machine: told again with it, it is known better. */
  readonly key: string;
  /** Another than was told with that key before. */
  readonly isNew: boolean;
  /** Where it may be, the likeliest first; none where no needle is known. */
  readonly needles: readonly NeedleRange[];
  readonly fromMs: number;
  /** null while it lasts. */
  readonly lastMs: number | null;
  /** SHA-256 of what shows it; null where nothing was kept. */
  readonly picture: string | null;
  /** Of its evidence what is needed to read that picture: what lies over a crop, what stands out in a spectrogram. */
  readonly legend: Legend;
}

/** What the record of an alert says of its incident. */
export type IncidentEvidence = AlertRecord['evidence'];

/** An incident as people are told of it. */
export interface IncidentView {
  readonly id: string;
  /** The needle its alerts have in common, ± k; null for one alert alone. */
  readonly needle: number | null;
  readonly k: number | null;
  readonly senses: readonly Sense[];
  /** Of its alerts, the first first. */
  readonly occurrences: readonly string[];
  /** SHA-256 of what the eye saw and of what the ear heard; null where it was not kept. */
  readonly crop: string | null;
  readonly spectrogram: string | null;
  /** Of the evidence of their alerts what is needed to read both. */
  readonly legend: Legend;
}

export interface Seen extends Sighting {
  readonly key: string | null;
  readonly picture: string | null;
  readonly legend: Legend;
}

export interface Member {
  readonly occurrence: string;
  readonly incident: string;
  readonly sense: Sense;
  readonly sightings: readonly Seen[];
  readonly isClosed: boolean;
  /** UTC ms of the last evidence; Infinity while it lasts. */
  readonly lastMs: number;
  /** The needle it had in common with the others when it was told last: for where that is all that is left, as after a start. */
  readonly told: NeedleRange | null;
}

interface Kept {
  readonly cylinder: Cylinder;
  /** In the order they were raised. */
  readonly members: Map<string, Member>;
}

/** Lines of one class at a time, or candidates of sounds that were told one after the other. */
const mostSightings = 16;
/** Alerts of a machine; a needle has a handful. */
const mostMembers = 200;
/** Closed incidents are kept a little longer than they can be joined: senses tell with some delay. */
const keptMs = 2 * togetherMs;

export class IncidentBook {
  readonly #machines = new Map<string, Kept>();
  readonly #machineOf = new Map<string, string>();
  #forgotten = 0;

  /** Alerts and places that were forgotten for want of room. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Whose alerts may name needles. */
  watch(machine: string, cylinder: Cylinder): void {
    this.#machines.set(machine, { cylinder, members: new Map() });
  }

  /** What was known before a start: an alert as its last record tells it. */
  recover(record: AlertRecord): void {
    const member = recoveredMember(record);
    if (member !== null) this.#put(record.machine, member);
  }

  /** Takes what a sense tells; returns what the alert's record says of its incident, nothing where the machine has no needles. */
  told(told: SenseTold): IncidentEvidence {
    const kept = this.#machines.get(told.machine);
    if (kept === undefined) return {};
    const before = kept.members.get(told.occurrence);
    if (before === undefined) this.#raise(kept, told);
    else this.#put(told.machine, this.#again(kept, before, told));
    const member = kept.members.get(told.occurrence);
    if (member === undefined) return {};
    const joint = this.#jointOf(kept, membersOf(kept, member.incident));
    const { incident } = member;
    if (joint === null) return { incident };
    const { needle, k } = joint;
    this.#put(told.machine, { ...member, told: { needle, k } });
    return { incident, incidentNeedle: needle, incidentK: k };
  }

  /** What was told with that key is over, though its alert may go on. */
  ended(machine: string, key: string, lastMs: number): void {
    for (const member of this.#machines.get(machine)?.members.values() ?? []) {
      if (!member.sightings.some((one) => one.key === key)) continue;
      const sightings = member.sightings.map((one) => (one.key === key ? { ...one, key: null, lastMs } : one));
      this.#put(machine, { ...member, sightings });
    }
  }

  /** Takes each step of an alert: whether its condition is over, and whether anything more can come of it. */
  stepped({ transition, occurrence: { id, clearedMs } }: AlertStep, atMs: number): void {
    if (transition === 'returned' || transition === 'closed')
      this.#over(id, clearedMs ?? atMs, transition === 'closed');
  }

  #over(occurrence: string, lastMs: number, isClosed: boolean): void {
    const machine = this.#machineOf.get(occurrence);
    const member = machine === undefined ? undefined : this.#machines.get(machine)?.members.get(occurrence);
    if (machine === undefined || member === undefined) return;
    const sightings = member.sightings.map((one) => ({ ...one, lastMs: Math.min(one.lastMs, lastMs) }));
    this.#put(machine, { ...member, sightings, lastMs: Math.min(member.lastMs, lastMs), isClosed });
  }

  /** The incident of an alert; null where it has none, or it was over long ago. */
  of(occurrence: string): IncidentView | null {
    const kept = this.#machines.get(this.#machineOf.get(occurrence) ?? '');
    const member = kept?.members.get(occurrence);
    if (kept === undefined || member === undefined) return null;
    const members = membersOf(kept, member.incident);
    const joint = this.#jointOf(kept, members);
    const said = members.length < 2 ? null : (joint ?? members.findLast(({ told }) => told !== null)?.told ?? null);
    const picture = (sense: Sense): Pick<Seen, 'picture' | 'legend'> => {
      const own = members.filter((one) => one.sense === sense).flatMap(({ sightings }) => sightings);
      const shown = own.filter((one) => one.picture !== null);
      return shown.findLast((one) => joint?.of.includes(one)) ?? shown.at(-1) ?? { picture: null, legend: {} };
    };
    const [eye, ear] = [picture('eye'), picture('ear')];
    return {
      id: member.incident,
      needle: said?.needle ?? null,
      k: said?.k ?? null,
      senses: [...new Set(members.map(({ sense }) => sense))].sort().reverse(),
      occurrences: members.map((one) => one.occurrence),
      crop: eye.picture,
      spectrogram: ear.picture,
      legend: { ...eye.legend, ...ear.legend },
    };
  }

  /** The time has become known. `raisedHere` tells of an occurrence whether its times are on the clock that has been dated. */
  date(shiftMs: number, builtMs: number, raisedHere: (occurrence: string) => boolean): void {
    const dated = (atMs: number): number => (atMs < builtMs ? atMs + shiftMs : atMs);
    for (const { members } of this.#machines.values()) {
      for (const [id, member] of members) {
        if (!raisedHere(id)) continue;
        const sightings = member.sightings.map((one) => ({
          ...one,
          fromMs: dated(one.fromMs),
          lastMs: dated(one.lastMs),
        }));
        members.set(id, { ...member, sightings, lastMs: dated(member.lastMs) });
      }
    }
  }

  #raise(kept: Kept, told: SenseTold): void {
    const { occurrence, machine, sense } = told;
    this.#forget(kept, told.fromMs);
    const sightings = seen(told);
    const lastMs = told.lastMs ?? Infinity;
    const alone = { occurrence, incident: occurrence, sense, sightings, isClosed: false, lastMs, told: null };
    this.#put(machine, { ...alone, incident: this.#fitting(kept, alone) ?? occurrence });
  }

  /** The incident a new alert belongs to; null: to none that is there. */
  #fitting(kept: Kept, alone: Member): string | null {
    if (alone.sightings.length === 0) return null;
    let best: { readonly incident: string; readonly joint: Joint<Seen> } | null = null;
    for (const incident of new Set([...kept.members.values()].map((one) => one.incident))) {
      const joint = this.#jointOf(kept, [...membersOf(kept, incident), alone]);
      if (joint === null) continue;
      const isBetter = best === null || (joint.rank - best.joint.rank || joint.count - best.joint.count) < 0;
      if (isBetter) best = { incident, joint };
    }
    return best?.incident ?? null;
  }

  /** Of one alert alone there is none. Alerts without a needle belong to nothing but themselves. */
  #jointOf({ cylinder }: Kept, members: readonly Member[]): Joint<Seen> | null {
    return members.length < 2 ? null : jointOf(members, cylinder);
  }

  #again(kept: Kept, before: Member, told: SenseTold): Member {
    const { key, isNew } = told;
    const known = isNew ? [] : before.sightings.filter((one) => one.key === key);
    const others = before.sightings.filter((one) => !known.includes(one));
    const fromMs = Math.min(told.fromMs, ...known.map((one) => one.fromMs));
    // The picture it was shown by stays, with its own legend.
    const { picture, legend } = told.picture === null ? (known.findLast((one) => one.picture !== null) ?? told) : told;
    // Of another one with that key no more will be told.
    const rest = others.map((one) => (one.key === key ? { ...one, key: null } : one));
    const better = { ...before, lastMs: told.lastMs ?? Infinity, isClosed: false };
    const sightings = this.#fewEnough([...rest, ...seen({ ...told, fromMs, picture, legend })]);
    const members = membersOf(kept, before.incident).filter((one) => one.occurrence !== before.occurrence);
    const replaced = { ...better, sightings };
    if (known.length === 0 || members.length === 0) return replaced;
    const had = this.#jointOf(kept, [...members, before]) !== null;
    const has = this.#jointOf(kept, [...members, replaced]) !== null;
    return had && !has ? { ...better, sightings: before.sightings } : replaced;
  }

  #fewEnough(sightings: readonly Seen[]): readonly Seen[] {
    this.#forgotten += Math.max(0, sightings.length - mostSightings);
    return sightings.slice(-mostSightings);
  }

  #put(machine: string, member: Member): void {
    const kept = this.#machines.get(machine);
    if (kept === undefined) return;
    kept.members.set(member.occurrence, member);
    this.#machineOf.set(member.occurrence, machine);
  }

  /** Lets go of incidents that are over, and of the oldest where there are too many. */
  #forget(kept: Kept, nowMs: number): void {
    const incidents = Map.groupBy(kept.members.values(), ({ incident }) => incident);
    const drop = (members: readonly Member[]): void => {
      for (const { occurrence } of members) {
        kept.members.delete(occurrence);
        this.#machineOf.delete(occurrence);
      }
    };
    for (const [id, members] of incidents) {
      const isOver = members.every(({ isClosed, lastMs }) => isClosed && lastMs < nowMs - keptMs);
      if (!isOver) continue;
      drop(members);
      incidents.delete(id);
    }
    const closedFirst = [...incidents.values()].sort(
      (a, b) => Number(b.every(({ isClosed }) => isClosed)) - Number(a.every(({ isClosed }) => isClosed)),
    );
    for (const members of closedFirst) {
      if (kept.members.size < mostMembers) return;
      this.#forgotten += members.length;
      drop(members);
    }
  }
}

const membersOf = ({ members }: Kept, incident: string): readonly Member[] =>
  [...members.values()].filter((one) => one.incident === incident);

const seen = ({ needles, fromMs, lastMs, key, picture, legend }: SenseTold): readonly Seen[] =>
  needles.map(({ needle, k }, rank) => ({ needle, k, rank, fromMs, lastMs: lastMs ?? Infinity, key, picture, legend }));
