/**
 * What was taught of a machine, as the ear's process reads it: the agent says where it lies and what its hash is, and nothing of it goes
 * through the agent's first thread, which polls (`prints.ts`, `knowledge.ts`).
 *
 * Invariants (test/unit/senses/ear-kept.test.ts, test/integration/ear-desk.test.ts):
 *  - What was changed since it was signed, or was taught with another model, is not heard by.
 */
import { ModelError } from '../../../models/errors.ts';
import { readStats } from '../../../models/stats-file.ts';
import { faultPrintOf, type FaultPrint } from '../../../models/voiceprint/fault-print.ts';
import { printOf } from '../../../models/voiceprint/print-file.ts';
import type { SpeedPrint } from './hearing.ts';
import { readTaught } from './prints.ts';
import type { SpeedFile } from './settings.ts';
import type { FaultSpeedPrint } from './suspecting.ts';

/**
 * @param model `id@version`
 * @throws ModelError `statsInvalid`
 */
export function speedPrints(files: readonly SpeedFile[], model: string): readonly SpeedPrint[] {
  return files.map((one) => ({ speed: one.speed, print: printOf(readStats(readTaught(one), model)) }));
}

/** What was learned of faults of such a machine; what cannot be used is left out, as if nothing had been learned at that speed. */
export function faultPrints(
  files: readonly SpeedFile[],
  model: string,
  kind: FaultPrint['kind'],
): readonly FaultSpeedPrint[] {
  return files.flatMap((one) => {
    try {
      const print = faultPrintOf(readStats(readTaught(one), model));
      return print.kind === kind ? [{ speed: one.speed, print }] : [];
    } catch (error) {
      if (error instanceof ModelError) return [];
      throw error;
    }
  });
}
