/**
 * What the eye tells of cloth, on its way through the pipeline: rolls and faults together, because a roll that begins has something to say
 * about the faults that are on it. Their own invariants stand in `findings.ts` and `rolls/desk.ts`.
 */
import type { EventRecord } from '../cloud-bridge/contract.ts';
import type { AlertDesk } from './alerts/desk.ts';
import { FindingDesk, type FabricFinding } from './findings.ts';
import type { IncidentBook } from './incidents/book.ts';
import type { Journaling } from './journaling.ts';
import type { ClothTaught, FabricPort } from './pipeline-ports.ts';
import { RollDesk, type SeenFabric, type WebSetup } from './rolls/desk.ts';
import type { Instant } from './rules/conditions.ts';

/** Condition of a machine whose cloth the eye was not shown (`agent/senses/eye/desk.ts`). */
const notTaught = 'eye.not_taught';
/** A person taught the eye of a machine a cloth. */
const taughtEvent = 'cloth_taught';

export interface FabricDeskParts {
  readonly journal: Journaling;
  readonly desk: AlertDesk;
  readonly incidents: Pick<IncidentBook, 'told' | 'ended'>;
  /** Whether that machine is watched; what comes of another is counted there. */
  readonly isWatched: (machine: string) => boolean;
  /** The newest value of a signal of a machine; null where there is none. */
  readonly value: (machine: string, signal: string) => number | null;
  readonly now: () => Instant;
}

export class FabricDesk implements FabricPort {
  readonly #p: FabricDeskParts;
  readonly #rolls: RollDesk;
  readonly #findings: FindingDesk;

  constructor(parts: FabricDeskParts) {
    this.#p = parts;
    const { journal, desk, incidents, value } = parts;
    this.#rolls = new RollDesk({ journal, value });
    this.#findings = new FindingDesk({ journal, desk, incidents, rolls: this.#rolls });
  }

  /** At the start, once for a machine with an eye: its last roll, and the alerts of it that are open. */
  watch(machine: string, web: WebSetup, lastRolls: readonly EventRecord[]): void {
    this.#rolls.watch(machine, web, lastRolls);
    for (const open of this.#p.desk.open()) {
      const isFault = FindingDesk.rules.some(({ id }) => id === open.rule);
      if (open.machine === machine && open.clearedMs === null && isFault) this.#findings.recovered(machine, open.rule);
    }
  }

  told(finding: FabricFinding): { occurrence: string | null; durable: Promise<void> } {
    const { isWatched, journal, now } = this.#p;
    const occurrence = isWatched(finding.machine) ? this.#findings.told(finding, now()) : null;
    journal.flush();
    return { occurrence, durable: journal.durable() };
  }

  anew(machine: string): void {
    this.#findings.anew(machine, this.#p.now());
    this.#p.journal.flush();
  }

  looked(machine: string): void {
    this.#findings.looked(machine, this.#p.now());
    this.#p.journal.flush();
  }

  seen(seen: SeenFabric): void {
    const now = this.#p.now();
    if (this.#rolls.seen(seen, now)) this.#findings.rollBegun(seen.machine, now);
    this.#p.journal.flush();
  }

  rollBegin(
    machine: string,
    id: string | null,
  ): { roll: { number: number; id: string } | null; durable: Promise<void> } {
    const { journal } = this.#p;
    const now = this.#p.now();
    const roll = this.#rolls.begin(machine, id, now);
    if (roll !== null) this.#findings.rollBegun(machine, now);
    journal.flush();
    return { roll, durable: journal.durable() };
  }

  clothTaught(machine: string, taught: ClothTaught): Promise<void> {
    const { isWatched, journal, now } = this.#p;
    if (isWatched(machine)) journal.instant(machine, now().wallMs, taughtEvent, { ...taught });
    journal.flush();
    return journal.durable();
  }

  /** After readings of a machine with an eye: it may have counted a roll. Leaves with the records of those readings. */
  counted(machine: string): void {
    const now = this.#p.now();
    if (this.#rolls.counted(machine, now)) this.#findings.rollBegun(machine, now);
  }

  /** Of any condition of a machine: cloth that was not taught is not looked at. */
  condition(machine: string, name: string, isActive: boolean): void {
    if (name === notTaught && isActive) this.#rolls.excuse(machine, 'not-taught');
  }

  /** At the stop: what was looked at and is not told yet. */
  flush(): void {
    this.#rolls.flush(this.#p.now());
  }
}
