/**
 * The needle cases of all machines: opened by an alert of a needle that broke or by a person, kept as events of the machine, each act
 * durable before it is answered.
 *
 * Invariants (test/unit/needle-cases/desk.test.ts):
 *  D1  What is held is what a fold over the acts in the journal gives: an act that could not be stored is taken out again.
 *  D2  At most one open case a machine: another break adds to it.
 *  D3  A break that an alert told is kept when its event could not be stored, and told again.
 *  D4  The last good stitch is a reading of a machine that ran, from before the break began; of a time nobody read it nothing is made up.
 *  D5  Bounded: of each machine the newest `mostCases` closed cases.
 *  D6  The journal has the acts of a case in the order in which they count: an act of a person waits for what of its case is on the way.
 */
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import type { AlertStep } from '../alerts/occurrence.ts';
import type { Journaling } from '../journaling.ts';
import type { Instant } from '../rules/conditions.ts';
import {
  firstPeople,
  hindrances,
  openCase,
  piecesIn,
  step,
  type Act,
  type Counts,
  type LaterAct,
  type NeedleCase,
  type Refusal,
  type Statement,
} from './case.ts';
import { mostCases } from './event-names.ts';
import { actOf, draftOf } from './events.ts';

/** The canonical cause of a broken needle; `knit.needle_fault` is a detector that may have seen a bent hook, and is none. */
const brokenCause = 'needle.broken';
/** Rules of the configuration may be of this type too, at machines that tell it otherwise. */
const brokenType = 'needle_broken';

/** A case as the page shows it. */
export interface NeedleCaseView extends NeedleCase {
  readonly hinders: readonly Refusal[];
  /** Who may not close it. */
  readonly firstPeople: readonly string[];
  /** The pieces that are to be isolated where not all is found; `from` null: from nobody knows where; null: the machine counts none. */
  readonly pieces: { readonly from: number | null; readonly to: number } | null;
}

export type CaseRefusal = Refusal | 'unknown-case' | 'unknown-machine' | 'not-stored';
export type CaseOutcome =
  | { readonly ok: true; readonly value: NeedleCaseView }
  | { readonly ok: false; readonly refusal: CaseRefusal };

export interface NeedleCaseDeskParts {
  readonly boot: string;
  readonly journal: Pick<Journaling, 'event' | 'flush' | 'durable'>;
  readonly now: () => Instant;
  /** The newest good value of a signal of a machine; null where there is none. */
  readonly value: (machine: string, signal: string) => number | null;
  readonly isWatched: (machine: string) => boolean;
}

interface Kept {
  readonly machine: string;
  acts: Act[];
  now: NeedleCase;
  /** D6: resolves when what was handed to the journal of this case is stored or refused. Never rejects. */
  settled: Promise<void>;
}

/** A moment at which the machine ran. */
interface Run extends Counts {
  readonly atMs: number;
}

const noteEveryMs = 1_000;
/** Longer than the on-delay of any sensible rule. */
const mostRuns = 120;
const retryEveryMs = 10_000;
const mostUntold = 200;

export class NeedleCaseDesk {
  readonly #p: NeedleCaseDeskParts;
  /** By id, in the order in which they were opened. */
  readonly #cases = new Map<string, Kept>();
  readonly #runs = new Map<string, Run[]>();
  /** Acts of alerts that the journal did not take. */
  #untold: { readonly kept: Kept; readonly act: Act }[] = [];
  #retryMs = 0;
  #serial = 0;

  constructor(parts: NeedleCaseDeskParts) {
    this.#p = parts;
  }

  /** @param records of processes before this one, those of a machine oldest first */
  recover(records: readonly EventRecord[]): void {
    for (const record of records) {
      const known = actOf(record);
      if (known === null) continue;
      const { id, act } = known;
      const kept = this.#cases.get(id);
      if (act.kind === 'opened') {
        // One that was told twice was stored twice.
        if (kept === undefined) this.#cases.set(id, keptOf(record.machine, act));
      } else if (kept !== undefined) {
        const stepped = step(kept.now, act);
        if (!stepped.ok) continue;
        kept.acts.push(act);
        kept.now = stepped.value;
      }
    }
    for (const machine of new Set([...this.#cases.values()].map((one) => one.machine))) this.#forgetOld(machine);
  }

  /** After readings of a machine that runs and shows no fault. */
  ran(machine: string): void {
    const runs = this.#runs.get(machine) ?? [];
    const atMs = this.#p.now().wallMs;
    const last = runs.at(-1);
    if (last !== undefined && atMs - last.atMs < noteEveryMs && atMs >= last.atMs) return;
    const counts = this.#counts(machine);
    // A reading of a counter that is missing now: where it stood a second ago says more.
    if (last !== undefined && (lacks(counts.stitch, last.stitch) || lacks(counts.piece, last.piece))) return;
    runs.push({ ...counts, atMs });
    if (runs.length > mostRuns) runs.shift();
    this.#runs.set(machine, runs);
  }

  /** The wall clock was stepped: when a machine ran is not on the same clock any more. */
  clockStepped(): void {
    this.#runs.clear();
  }

  /** The time has become known: what was done without it is dated. */
  date(shiftMs: number, builtMs: number): void {
    const dated = (atMs: number): number => (atMs < builtMs ? atMs + shiftMs : atMs);
    for (const kept of this.#cases.values()) {
      kept.acts = kept.acts.map((act) =>
        act.kind === 'opened' && act.good !== null
          ? { ...act, atMs: dated(act.atMs), good: { ...act.good, atMs: dated(act.good.atMs) } }
          : { ...act, atMs: dated(act.atMs) },
      );
      kept.now = folded(kept.acts) ?? kept.now;
    }
  }

  /** A step in the life of an alert, before the records of its call leave: a break and its case are stored together. */
  stepped({ transition, occurrence }: Pick<AlertStep, 'transition' | 'occurrence'>, atMs: number): void {
    const { type, cause, machine, id, onsetMs } = occurrence;
    if (type !== brokenType && cause !== brokenCause) return;
    if (transition !== 'raised' && transition !== 'reactivated') return;
    const counts = this.#counts(machine);
    const open = this.#openOf(machine);
    if (open !== undefined) {
      // Nothing was sewn since: the same break, told again.
      if (isSame(open.now, counts)) return;
      this.#keep(open, { kind: 'again', atMs, by: null, occurrence: id, note: null, counts });
      return;
    }
    const good = (this.#runs.get(machine) ?? []).findLast((run) => run.atMs < onsetMs) ?? null;
    const of = { by: null, occurrence: id, note: null };
    this.#keep(null, { kind: 'opened', id: this.#newId(), machine, atMs, ...of, counts, good });
  }

  /** To be called every 200 ms: what could not be stored is tried again. */
  tick(): void {
    const { monotonicMs } = this.#p.now();
    if (this.#untold.length === 0 || monotonicMs < this.#retryMs) return;
    this.#retryMs = monotonicMs + retryEveryMs;
    const untold = this.#untold;
    this.#untold = [];
    for (const { kept, act } of untold) this.#tell(kept, act);
  }

  /** A person found a broken needle. */
  async open(machine: string, by: string, note: string | null): Promise<CaseOutcome> {
    if (!this.#p.isWatched(machine)) return { ok: false, refusal: 'unknown-machine' };
    const counts = this.#counts(machine);
    const { wallMs: atMs } = this.#p.now();
    const open = this.#openOf(machine);
    if (open !== undefined) return this.#do(open, { kind: 'again', atMs, by, occurrence: null, note, counts });
    const of = { by, occurrence: null, note, good: null };
    const act = { kind: 'opened' as const, id: this.#newId(), machine, atMs, ...of, counts };
    const kept = keptOf(machine, act);
    this.#cases.set(act.id, kept);
    return this.#inTurn(kept, () => this.#stored(kept, act));
  }

  addFragment(id: string, by: string, name: string): Promise<CaseOutcome> {
    return this.#act(id, { kind: 'listed', by, name });
  }

  tickFragment(id: string, by: string, fragment: number, found: boolean, where: string | null): Promise<CaseOutcome> {
    return this.#act(id, { kind: 'ticked', by, fragment, found, where });
  }

  /** Takes out a fragment that was listed by mistake; it stays in the record. */
  withdrawFragment(id: string, by: string, fragment: number, reason: string): Promise<CaseOutcome> {
    return this.#act(id, { kind: 'unlisted', by, fragment, reason });
  }

  /** The first person's word. */
  say(id: string, by: string, statement: Statement): Promise<CaseOutcome> {
    return this.#act(id, { kind: 'said', by, statement });
  }

  /** The second person's word; who they are was proven by their password. */
  close(id: string, by: string): Promise<CaseOutcome> {
    return this.#act(id, { kind: 'closed', by });
  }

  /** @param id of the case, or of an occurrence of an alert that it belongs to: of several, the newest */
  view(id: string): NeedleCaseView | null {
    const isOf = (act: Act) => 'occurrence' in act && act.occurrence === id;
    const kept = this.#cases.get(id) ?? [...this.#cases.values()].findLast(({ acts }) => acts.some(isOf));
    return kept === undefined ? null : viewOf(kept.now);
  }

  /** Newest first. */
  views(isOpen: boolean | null): NeedleCaseView[] {
    return [...this.#cases.values()]
      .filter(({ now }) => isOpen === null || (now.closed === null) === isOpen)
      .map(({ now }) => viewOf(now))
      .sort((a, b) => b.openedMs - a.openedMs || (a.id < b.id ? 1 : -1));
  }

  #newId(): string {
    return `needle-${this.#p.boot}-${++this.#serial}`;
  }

  #counts(machine: string): Counts {
    const { value } = this.#p;
    return { stitch: value(machine, 'stitch.total'), piece: value(machine, 'piece.count') };
  }

  #openOf(machine: string): Kept | undefined {
    return [...this.#cases.values()].find((kept) => kept.machine === machine && kept.now.closed === null);
  }

  async #act(id: string, act: ActWithoutTime): Promise<CaseOutcome> {
    const kept = this.#cases.get(id);
    if (kept === undefined) return { ok: false, refusal: 'unknown-case' };
    return this.#do(kept, { ...act, atMs: this.#p.now().wallMs });
  }

  /** Whether it may be is judged when its turn comes: what it builds on may not have been stored. */
  #do(kept: Kept, act: LaterAct): Promise<CaseOutcome> {
    return this.#inTurn(kept, async () => {
      if (this.#cases.get(kept.now.id) !== kept) return { ok: false, refusal: 'unknown-case' };
      const stepped = step(kept.now, act);
      if (!stepped.ok) return stepped;
      kept.acts.push(act);
      kept.now = stepped.value;
      return this.#stored(kept, act);
    });
  }

  /** D6 */
  #inTurn(kept: Kept, deed: () => Promise<CaseOutcome>): Promise<CaseOutcome> {
    const done = kept.settled.then(deed);
    kept.settled = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Resolves when the act is durable; one that is not is taken out again. */
  async #stored(kept: Kept, act: Act): Promise<CaseOutcome> {
    const { journal } = this.#p;
    const { id } = kept.now;
    try {
      // What came before is told before: a start reads acts in their order.
      const earlier = this.#untold.filter((one) => one.kept === kept);
      this.#untold = this.#untold.filter((one) => one.kept !== kept);
      for (const one of earlier) this.#tell(one.kept, one.act);
      journal.event(draftOf(kept.machine, { id, act }));
      journal.flush();
      await journal.durable();
    } catch {
      this.#takeOut(kept, act);
      return { ok: false, refusal: 'not-stored' };
    }
    this.#forgetOld(kept.machine);
    return { ok: true, value: viewOf(kept.now) };
  }

  #takeOut(kept: Kept, lost: Act): void {
    kept.acts = kept.acts.filter((act) => act !== lost);
    const now = folded(kept.acts);
    if (now === null) this.#cases.delete(kept.now.id);
    else kept.now = now;
  }

  #keep(open: Kept | null, act: Act): void {
    if (open !== null && act.kind !== 'opened') {
      const stepped = step(open.now, act);
      if (!stepped.ok) return;
      open.acts.push(act);
      open.now = stepped.value;
      this.#tell(open, act);
    } else if (act.kind === 'opened') {
      const kept = keptOf(act.machine, act);
      this.#cases.set(act.id, kept);
      this.#tell(kept, act);
    }
  }

  /** What no person waits for leaves with the records of the same call, and is told again where it is not stored. */
  #tell(kept: Kept, act: Act): void {
    const { journal } = this.#p;
    journal.event(draftOf(kept.machine, { id: kept.now.id, act }));
    // After that call, which hands them on.
    const told = Promise.resolve()
      .then(() => journal.durable())
      .catch(() => {
        if (this.#untold.length < mostUntold) this.#untold.push({ kept, act });
      });
    kept.settled = Promise.all([kept.settled, told]).then(() => undefined);
  }

  #forgetOld(machine: string): void {
    const closed = [...this.#cases.values()].filter((kept) => kept.machine === machine && kept.now.closed !== null);
    for (const { now } of closed.slice(0, Math.max(0, closed.length - mostCases))) this.#cases.delete(now.id);
  }
}

const keptOf = (machine: string, act: Act & { kind: 'opened' }): Kept => ({
  machine,
  acts: [act],
  now: openCase(act),
  settled: Promise.resolve(),
});

type WithoutTime<A> = A extends unknown ? Omit<A, 'atMs'> : never;
type ActWithoutTime = WithoutTime<LaterAct>;

function folded(acts: readonly Act[]): NeedleCase | null {
  const [first, ...later] = acts;
  if (first?.kind !== 'opened') return null;
  let now = openCase(first);
  for (const act of later) {
    const stepped = act.kind === 'opened' ? null : step(now, act);
    if (stepped?.ok === true) now = stepped.value;
  }
  return now;
}

const lacks = (now: number | null, before: number | null): boolean => now === null && before !== null;

function isSame({ range }: NeedleCase, { stitch, piece }: Counts): boolean {
  if (stitch === null && piece === null) return false;
  return stitch === range.stitchTo && piece === range.pieceTo;
}

function viewOf(now: NeedleCase): NeedleCaseView {
  return { ...now, hinders: hindrances(now), firstPeople: firstPeople(now), pieces: piecesIn(now.range) };
}
