/**
 * Which needle clicks, of the last seconds of sound. It takes one to five seconds of a desktop's core, and several times that of a small
 * gateway's: so it is done in a thread of its own, and an alert that suspects a bad needle waits for it, twenty seconds at most. Meanwhile sound
 * lies in its ring, which holds more than that, and the process goes on saying that it lives.
 *
 * Invariants (test/unit/senses/ear-needle-search.test.ts):
 *  V1  What takes too long, fails or is stopped is no needle; no thread is left.
 */
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { mostNeedles } from './settings.ts';
import type { CylinderGeometry } from '../../../models/voiceprint/needle-comb.ts';

export const mostSearchMs = 20_000;

/** What the thread is given. */
export interface NeedleTask {
  readonly samples: Float32Array;
  readonly rateHz: number;
  /** Whole turns, in samples and shares of one. */
  readonly pulses: readonly number[];
  readonly cylinder: CylinderGeometry;
}

/** The likeliest first, each ± k. */
export interface Needles {
  readonly needles: readonly number[];
  readonly k: number;
}

const foundSchema = z
  .object({ needles: z.array(z.int().min(0)).min(1).max(mostNeedles), k: z.int().min(0) })
  .nullable();

export class NeedleSearch {
  readonly #mostMs: number;
  readonly #stops = new Set<() => void>();
  #hasEnded = false;

  constructor(mostMs: number = mostSearchMs) {
    this.#mostMs = mostMs;
  }

  /** null: none stands out. Needles are counted from 0. */
  async find(task: NeedleTask): Promise<Needles | null> {
    if (this.#hasEnded) return null;
    const worker = new Worker(new URL('./needle-thread.ts', import.meta.url), { workerData: task });
    const found = await new Promise<unknown>((resolve) => {
      const none = () => resolve(null);
      const timer = setTimeout(none, this.#mostMs);
      this.#stops.add(none);
      worker.once('message', resolve);
      worker.once('error', none);
      worker.once('exit', () => {
        clearTimeout(timer);
        this.#stops.delete(none);
        none();
      });
    });
    await worker.terminate();
    const read = foundSchema.safeParse(found);
    return read.success ? read.data : null;
  }

  stop(): void {
    this.#hasEnded = true;
    for (const stop of this.#stops) stop();
  }
}
