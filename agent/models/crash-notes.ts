/**
 * The crashes of the version on trial, noted by the agent, which sees the process end. The note waits for the disk, so it is made in a
 * thread of its own (`crash-worker.ts`).
 *
 * Invariants (test/unit/models/crash-notes.test.ts):
 *  N1  Every crash is noted once; one that cannot be noted now is noted with the next, or when `again` is called.
 *  N2  One note at a time, in their order.
 */
import { Worker } from 'node:worker_threads';
import { slotSchema, type Slot } from './slots.ts';

/** What `crash-worker.ts` is told. */
export interface CrashNote {
  readonly dataDir: string;
  readonly id: string;
  readonly version: string;
  readonly crashes: number;
}

export class CrashNotes {
  readonly #note: (note: Omit<CrashNote, 'dataDir'>) => Promise<Slot>;
  readonly #id: string;
  /** By version, not yet noted. */
  readonly #unnoted = new Map<string, number>();
  #work: Promise<unknown> = Promise.resolve();

  /** @param note `noteInThread` but in tests */
  constructor(id: string, note: (note: Omit<CrashNote, 'dataDir'>) => Promise<Slot>) {
    this.#id = id;
    this.#note = note;
  }

  /** The slot as it is then: where `active` is another version, it was taken back. Null where it could not be noted now. Never rejects. */
  crashed(version: string): Promise<Slot | null> {
    this.#unnoted.set(version, (this.#unnoted.get(version) ?? 0) + 1);
    return this.again(version);
  }

  /** Notes what could not be noted before; null where there is nothing, or it cannot be noted now either. Never rejects. */
  again(version: string): Promise<Slot | null> {
    const noted = this.#work.then(() => this.#write(version));
    this.#work = noted;
    return noted;
  }

  async #write(version: string): Promise<Slot | null> {
    const crashes = this.#unnoted.get(version);
    if (crashes === undefined) return null;
    try {
      const slot = await this.#note({ id: this.#id, version, crashes });
      const since = (this.#unnoted.get(version) ?? 0) - crashes;
      if (since > 0) this.#unnoted.set(version, since);
      else this.#unnoted.delete(version);
      return slot;
    } catch {
      return null;
    }
  }
}

/** Writes a note into `models/state.json` from a thread of its own. @throws what the disk says; AgentError `modelsBusy`, `modelsDamaged` */
export async function noteInThread(note: CrashNote): Promise<Slot> {
  const { promise, resolve, reject } = Promise.withResolvers<Slot>();
  const worker = new Worker(new URL('crash-worker.ts', import.meta.url), { workerData: note });
  worker.once('message', (slot) => resolve(slotSchema.parse(slot)));
  worker.once('error', reject);
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}
