/** The graph of the model in use, with what the eye must know of it besides its results: whether it fails, how long it takes, what it said last. */
import type { ModelSession } from '../../../models/runtime.ts';
import type { Graph } from '../../../models/graph.ts';

export interface LastScores {
  readonly scores: Float32Array;
  /** In cells. */
  readonly width: number;
  readonly height: number;
  readonly tookMs: number;
}

export class WatchedGraph implements Graph {
  readonly #session: Pick<ModelSession, 'run'>;
  #failures = 0;
  #last: LastScores | null = null;

  constructor(session: Pick<ModelSession, 'run'>) {
    this.#session = session;
  }

  /** Runs that failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Of the last run since it was taken; null where there was none. */
  take(): LastScores | null {
    const last = this.#last;
    this.#last = null;
    return last;
  }

  async run(...args: Parameters<Graph['run']>): ReturnType<Graph['run']> {
    const beganMs = performance.now();
    let results: Awaited<ReturnType<Graph['run']>>;
    try {
      results = await this.#session.run(...args);
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
    const { scores } = results;
    if (scores !== undefined) {
      const [, , height = 0, width = 0] = scores.dims;
      this.#last = { scores: scores.data, width, height, tookMs: performance.now() - beganMs };
    }
    return results;
  }
}
