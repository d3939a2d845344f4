/** The trial of a model, led in the process of the sense that runs it. */
import type { Trial } from '../models/trial.ts';
import { hostBoot, hostMonotonicMs } from '../time/host.ts';

/** A note that finds the models being changed waits for the next beat, not for them. Loaded where there is one: it brings a database. */
export async function trialOf(
  { id, version }: { readonly id: string; readonly version: string },
  dataDir: string,
): Promise<Trial> {
  const { changeSlot } = await import('../models/state-file.ts');
  const { Trial: Leader } = await import('../models/trial.ts');
  return new Leader(id, version, {
    models: { change: (model, change) => changeSlot(dataDir, model, 0, change) },
    now: () => ({ boot: hostBoot(), monotonicMs: hostMonotonicMs() }),
    monotonicMs: () => performance.now(),
  });
}
