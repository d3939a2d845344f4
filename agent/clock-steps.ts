/**
 * What a step of the wall clock does to the pipeline: it ends the segment, and everything on the line moves along. The first one to a time
 * that can be true dates what was made before it.
 *
 * Invariants (test/unit/pipeline/clock-steps.test.ts, test/unit/dating/):
 *  C1  Once the time is known it stays known.
 *  C2  `dated` is told once, when every block that was open at that moment has been handed on: a few a tick, because fifty packed at once
 *      would keep every poll waiting.
 */
import type { ActDesk } from './alert-acts.ts';
import type { AlertDesk } from './alerts/desk.ts';
import { bootOfOccurrence, datedRecord } from './dating/record.ts';
import type { IncidentBook } from './incidents/book.ts';
import type { Journaling } from './journaling.ts';
import type { LineTime } from './line-time.ts';
import type { NeedleCaseDesk } from './needle-cases/desk.ts';
import type { DatedSpan } from './pipeline-ports.ts';
import type { SummaryDraft } from './rollup/rollup.ts';
import type { RingBlock } from './store/store.ts';
import type { Watched } from './watched.ts';

/** Readings stamped before a step of the wall clock reach the pipeline within so long after it. */
const underWayMs = 2_500;
/** Blocks packed in a tick after the time became known. */
const flushedPerTick = 2;

export interface ClockStepsParts {
  readonly line: LineTime;
  readonly journal: Journaling;
  readonly desk: AlertDesk;
  readonly incidents: IncidentBook;
  readonly acts: Pick<ActDesk, 'date'>;
  readonly needles: NeedleCaseDesk;
  readonly machines: ReadonlyMap<string, Watched>;
  readonly boot: string;
  /** Occurrences raised by these boots have their times on our clock. */
  readonly ownBoots: ReadonlySet<string>;
  /** Before it no time can be true, UTC ms. */
  readonly builtMs: number;
  /** Whether the time was known at the start. */
  readonly knowsTime: boolean;
  readonly summaries: (drafts: readonly SummaryDraft[]) => void;
  readonly ringBlock: (block: RingBlock | null) => void;
  readonly dated: (span: DatedSpan) => void;
}

export class ClockSteps {
  readonly #p: ClockStepsParts;
  #knowsTime: boolean;
  /** Since the time became known: the span to be dated, and the machines whose open block is still to be handed on. */
  #dating: { readonly span: DatedSpan; readonly unflushed: Watched[] } | null = null;

  constructor(parts: ClockStepsParts) {
    this.#p = parts;
    this.#knowsTime = parts.knowsTime;
  }

  /** False until the wall clock has shown a time that can be true. */
  get knowsTime(): boolean {
    return this.#knowsTime;
  }

  /** To be called before anything is judged by the clock. */
  observe(): void {
    const { line, journal, machines, boot, builtMs, summaries } = this.#p;
    const step = line.observe();
    if (step === null) return;
    const { stepMs, oldMs, newMs, monotonicMs } = step;
    const { segment } = line;
    const becameKnown = !this.#knowsTime && newMs >= builtMs;
    // What is still under way of before it is folded with the span that is dated.
    const underWay = becameKnown ? 0 : underWayMs;
    // Behind every reading that was taken before it, to the millisecond: whose span a reading is of, its time alone must tell.
    const fromMs = becameKnown ? newMs + 1 : newMs;
    for (const machine of machines.values()) {
      summaries(machine.rollup.seal(oldMs));
      machine.rollup.openSegment({ boot, segment }, newMs - oldMs, fromMs, underWay);
      machine.shift(newMs - oldMs);
    }
    this.#p.needles.clockStepped();
    if (becameKnown) this.#timeKnown({ shiftMs: newMs - oldMs, untilMs: fromMs });
    // By this process's monotonic clock a start tells which readings of the ring are of before it.
    journal.instant('gateway', newMs, 'clock_step', { stepMs, segment, monotonicMs });
  }

  #timeKnown(span: DatedSpan): void {
    const { line, journal, desk, incidents, acts, needles, machines, ownBoots, builtMs } = this.#p;
    const { shiftMs } = span;
    this.#knowsTime = true;
    line.datedFrom(span.untilMs);
    const raisedHere = (occurrence: string) => ownBoots.has(bootOfOccurrence(occurrence));
    desk.date(shiftMs, builtMs, raisedHere);
    incidents.date(shiftMs, builtMs, raisedHere);
    acts.date(shiftMs, builtMs);
    needles.date(shiftMs, builtMs);
    journal.date((record) => {
      const occurrenceMs = raisedHere(record.occurrence) ? shiftMs : 0;
      return datedRecord(record, { ownMs: shiftMs, beforeMs: shiftMs, occurrenceMs }, builtMs);
    });
    this.#dating = { span, unflushed: [...machines.values()] };
  }

  /** Hands on the blocks that were open when the time became known, a few a tick, and then says that all is there. */
  flushUndated(limit = flushedPerTick): void {
    if (this.#dating === null) return;
    const { journal, ringBlock, dated } = this.#p;
    const { span, unflushed } = this.#dating;
    for (let i = 0; i < limit && unflushed.length > 0; i++) ringBlock(unflushed.pop()?.ring.take() ?? null);
    if (unflushed.length > 0) return;
    this.#dating = null;
    journal.flush();
    dated(span);
  }
}
