/**
 * What people do with open alerts, as events of the journal beside the steps of the occurrence: who has it, comments, and what it
 * came from and what was done.
 *
 * Invariants (test/unit/pipeline/alert-acts.test.ts):
 *  K1  An act is of one occurrence: on one that is over it does nothing, whatever has been raised since.
 *  K2  An act leaves before the steps it brings about, in the same entry of the journal.
 *  K3  What stands after a start is what stood before it, and nothing of it is told again.
 */
import type { AlertState, EventRecord } from '../cloud-bridge/contract.ts';
import {
  actData,
  actEvent,
  actsByOccurrence,
  datedActs,
  mostActs,
  noActs,
  takeAct,
  type Acts,
  type ActSaid,
} from './alerts/acts.ts';
import type { AlertDesk } from './alerts/desk.ts';
import type { AlertStep } from './alerts/occurrence.ts';
import type { Journaling } from './journaling.ts';
import type { Instant } from './rules/conditions.ts';

/** `not-open`: it changes nothing. */
export type ActRefusal = 'unknown-occurrence' | 'not-open' | 'too-many-acts';
export interface ActTold {
  readonly outcome: 'done' | ActRefusal;
  /** Resolves when it is stored. */
  readonly durable: Promise<void>;
}

export interface ActPort {
  /** A person's act on an open occurrence. */
  told(occurrence: string, said: ActSaid, by: string): ActTold;
  /** How an occurrence stands now; `normal`: it is over. */
  state(occurrence: string): AlertState;
}

export class ActDesk implements ActPort {
  readonly #p: { readonly journal: Journaling; readonly desk: AlertDesk; readonly now: () => Instant };
  /** Of open occurrences. */
  #acts = new Map<string, Acts>();

  constructor(parts: { readonly journal: Journaling; readonly desk: AlertDesk; readonly now: () => Instant }) {
    this.#p = parts;
  }

  /** Takes over what was done before the start, in the order it was told. */
  recover(events: readonly EventRecord[]): void {
    this.#acts = actsByOccurrence(events);
  }

  told(occurrence: string, said: ActSaid, by: string): ActTold {
    const { journal } = this.#p;
    const before = this.#acts.get(occurrence);
    const outcome = this.#take(occurrence, said, by);
    const after = this.#acts.get(occurrence);
    journal.flush();
    const durable = journal.durable();
    // What could not be stored was not done, and can be said again.
    if (after !== before) {
      durable.catch(() => {
        if (this.#acts.get(occurrence) !== after) return;
        if (before === undefined) this.#acts.delete(occurrence);
        else this.#acts.set(occurrence, before);
      });
    }
    return { outcome, durable };
  }

  state(occurrence: string): AlertState {
    return this.#p.journal.alert(occurrence)?.record.state ?? 'normal';
  }

  /** null: nothing was done. */
  of(occurrence: string): Acts | null {
    return this.#acts.get(occurrence) ?? null;
  }

  /** An occurrence took a step: one that is over is none of those kept here. */
  stepped({ state, occurrence }: AlertStep): void {
    if (state === 'normal') this.#acts.delete(occurrence.id);
  }

  /** The time has become known. What was done in a boot that never knew it is off by as much as that boot. */
  date(shiftMs: number, builtMs: number): void {
    const dated = (atMs: number) => (atMs < builtMs ? atMs + shiftMs : atMs);
    for (const [id, acts] of this.#acts) this.#acts.set(id, datedActs(acts, dated));
  }

  #take(id: string, said: ActSaid, by: string): ActTold['outcome'] {
    const { desk, journal, now } = this.#p;
    const open = desk.open().find((one) => one.id === id);
    if (open === undefined) return 'unknown-occurrence';
    const before = this.#acts.get(id) ?? noActs;
    if (before.count >= mostActs) return 'too-many-acts';
    const at = now();
    const act = { ...said, by, atMs: Math.round(at.wallMs) };
    const after = takeAct(before, act);
    if (after !== null) {
      this.#acts.set(id, after);
      journal.instant(open.machine, act.atMs, actEvent, actData(id, act));
    }
    if (said.kind !== 'close') return after === null ? 'not-open' : 'done';
    // While the condition holds an occurrence cannot close: it is acknowledged, and closes by itself. A shelf would keep it from that.
    const isOffShelf =
      open.clearedMs !== null &&
      open.mask?.kind === 'shelved' &&
      desk.act(id, { kind: 'unshelve', actor: by }, at) === 'done';
    const isAcked = desk.act(id, { kind: 'ack', actor: by, comment: said.comment }, at) === 'done';
    return after === null && !isOffShelf && !isAcked ? 'not-open' : 'done';
  }
}
