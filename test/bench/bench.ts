/** What a bench is: some bars, and a measurement of all of them together. Each file of this folder makes one or more. */
import type { Bar, Run } from './judge.ts';

export interface BenchContext {
  /** How often to measure; runs of ours and of the baseline take turns. */
  readonly runs: number;
  /** A folder on a real disk, removed after the bench. */
  readonly dir: string;
  /** What goes on, for the person who waits. */
  readonly say: (line: string) => void;
  /** Aborted when the bench is interrupted. */
  readonly signal: AbortSignal;
}

export interface Measured {
  readonly runs: readonly Run[];
  /** Why the row was not, or not wholly, measured; null when it was. */
  readonly unmeasured: string | null;
}

export interface Bench {
  readonly bars: readonly Bar[];
  /** By name of the bar. */
  readonly measure: (context: BenchContext) => Promise<ReadonlyMap<string, Measured>>;
}
