/**
 * What machines have made ready: summaries for the journal, blocks for the ring. Of a few machines a tick in turn: machines that started
 * together are due together, and fifty minutes folded and fifty blocks packed at once would keep every poll waiting.
 *
 * Invariants (test/unit/pipeline/):
 *  C1  In each tick at least one machine has its turn, and every machine in turn.
 *  C2  While the time is not known no minute leaves (P5 of `pipeline.ts`); blocks do.
 */
import type { SummaryDraft } from './rollup/rollup.ts';
import type { RingBlock } from './store/store.ts';
import type { Watched } from './watched.ts';

/** With 200 ms a tick fifty machines are through in two seconds. */
const machinesPerTick = 5;
/** Folding and packing may take so long in a tick, in ms. */
const collectMs = 4;

export interface CollectingParts {
  readonly machines: ReadonlyMap<string, Watched>;
  readonly ringBlockS: number;
  readonly monotonicMs: () => number;
  readonly knowsTime: () => boolean;
  readonly record: (draft: SummaryDraft) => void;
  readonly ring: (block: RingBlock) => void;
}

export class Collecting {
  readonly #p: CollectingParts;
  /** Whose minutes and blocks are looked at in the next tick. */
  #turn = 0;
  /** That left. */
  ringBlocks = 0;

  constructor(parts: CollectingParts) {
    this.#p = parts;
  }

  /** What is due of the machines whose turn it is. */
  tick(monotonicMs: number, lineMs: number): void {
    const machines = [...this.#p.machines.values()];
    const count = Math.min(machines.length, machinesPerTick);
    const untilMs = this.#p.monotonicMs() + collectMs;
    for (let i = 0; i < count && (i === 0 || this.#p.monotonicMs() < untilMs); i++) {
      const machine = machines[this.#turn % machines.length];
      this.#turn = (this.#turn + 1) % machines.length;
      if (machine === undefined) continue;
      this.summaries(machine.rollup.due(lineMs));
      if (machine.ring.due(monotonicMs, this.#p.ringBlockS)) this.ringBlock(machine.ring.take());
    }
  }

  summaries(drafts: readonly SummaryDraft[]): void {
    if (!this.#p.knowsTime()) return;
    for (const draft of drafts) this.#p.record(draft);
  }

  ringBlock(block: RingBlock | null): void {
    if (block === null) return;
    this.ringBlocks++;
    this.#p.ring(block);
  }
}
