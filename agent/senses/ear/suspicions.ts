/** What is known beforehand of machines whose faults may be suspected, and how a suspicion is told. Pure. */
import type { EarConfig } from '../../config/config.ts';
import type { MachineKind } from '../../../drivers/profiles/schema.ts';
import type { Turner } from '../../../models/voiceprint/turning.ts';
import type { EarCylinder } from './settings.ts';

const sewing: ReadonlySet<MachineKind> = new Set(['lockstitch', 'overlock', 'embroidery']);

/** null: nothing is known of the faults of such a machine, or its needles and feeders are not configured. */
export function turnerFor(kind: MachineKind, { needles, feeders }: EarConfig): Turner | null {
  if (sewing.has(kind)) return { kind: 'sewing' };
  if (kind !== 'circular-knit' || needles === undefined || feeders === undefined) return null;
  return { kind: 'knitting', needles, feeders };
}

/** Where the needles of a circular machine are; null: no pulse tells it, or it is not configured. */
export function cylinderFor(kind: MachineKind, ear: EarConfig): EarCylinder | null {
  const { pulse = false, needles, feeders, firstNeedle = 1, direction, needleZero, microphoneTurns } = ear;
  if (kind !== 'circular-knit' || !pulse || needles === undefined || feeders === undefined) return null;
  if (direction === undefined || needleZero === undefined || microphoneTurns === undefined) return null;
  const markNeedle = needleZero - firstNeedle;
  return { needles, feeders, firstNeedle, direction: direction === 'rising' ? 1 : -1, markNeedle, microphoneTurns };
}
