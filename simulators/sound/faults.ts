/**
 * What can be wrong with a machine that is heard: F1–F9 of domain.md §7.1 for sewing, the rules of §7.2 for circular knitting. A fault
 * does two things: it changes sounds the healthy machine has (`sewingChanges`, `knittingChanges`) and adds sounds of its own
 * (sewing-faults.ts, knitting-faults.ts).
 *
 * Physics-based guesses: no measured sound of a faulty sewing machine is public. The directions are domain.md's; how strong a fault of
 * severity 1 is, is this simulator's, in units of the healthy machine's own level.
 *
 * Invariant: severity 0 changes no bit of a clip (test/unit/simulators/sound/sewing-faults.test.ts).
 */
import type { KnittingFault, SewingFault, SoundFault } from '../dataset/sound.ts';
import { SimulatorError } from '../errors.ts';

const knittingKinds: ReadonlySet<SoundFault['kind']> = new Set(['badNeedle', 'badFeeder', 'lackOfOil']);

export const isKnittingFault = (fault: SoundFault): fault is KnittingFault => knittingKinds.has(fault.kind);
export const isSewingFault = (fault: SoundFault): fault is SewingFault => !knittingKinds.has(fault.kind);

/** @throws SimulatorError `soundImpossible` for a severity outside 0..1 */
export function checkSeverity({ kind, severity }: SoundFault): void {
  if (!(severity >= 0 && severity <= 1)) {
    throw new SimulatorError('soundImpossible', `${kind}: the severity ${severity} is not between 0 and 1`);
  }
}

/** Factors on what a healthy sewing machine has; all 1 where nothing is wrong. */
export interface SewingChanges {
  readonly penetration: number;
  readonly hook: number;
  readonly orders: number;
  readonly hookOrders: number;
  readonly trim: number;
  /** Longer than it should be: blows of the trimmer. */
  readonly trimBlows: number;
  /** Noise of the thread from a time on. */
  readonly thread: (timeS: number) => number;
  /** Share of the speed by which a slipping belt makes it uneven. */
  readonly swayShare: number;
}

export function sewingChanges(faults: readonly SewingFault[]): SewingChanges {
  let [penetration, hook, orders, hookOrders, trim, trimBlows, swayShare] = [1, 1, 1, 1, 1, 1, 0];
  const breaks: { readonly atS: number; readonly severity: number }[] = [];
  for (const fault of faults) {
    const { severity } = fault;
    switch (fault.kind) {
      case 'bluntNeedle':
        // domain.md §7.1: a burst ×1.5–4.
        penetration *= 1 + 3 * severity;
        break;
      case 'dryHook':
        hook *= 1 + 1.5 * severity;
        hookOrders *= 1 + 5 * severity;
        break;
      case 'looseBearing':
        orders *= 1 + 2 * severity;
        break;
      case 'slippingBelt':
        swayShare += 0.04 * severity;
        break;
      case 'threadBreak':
        breaks.push(fault);
        break;
      case 'trimmer':
        trim *= fault.manner === 'loud' ? 1 + 2 * severity : 1 - severity;
        if (fault.manner === 'loud' && severity > 0) trimBlows += 2;
        break;
      case 'bentNeedle':
      case 'feedDogStrike':
      case 'looseCover':
        break;
    }
  }
  const thread = (timeS: number): number =>
    breaks.reduce((gain, { atS, severity }) => (timeS >= atS ? gain * (1 - severity) : gain), 1);
  return { penetration, hook, orders, hookOrders, trim, trimBlows, thread, swayShare };
}

/** Factors on what a healthy knitting machine has. */
export interface KnittingChanges {
  readonly needlePass: number;
  /** Kelvin the cams get warmer, and share the drive takes more (domain.md §7.2). */
  readonly warmerK: number;
  readonly loadMore: number;
}

export function knittingChanges(faults: readonly KnittingFault[]): KnittingChanges {
  let [needlePass, warmerK, loadMore] = [1, 0, 0];
  for (const { kind, severity } of faults) {
    switch (kind) {
      case 'badFeeder':
        needlePass *= 1 + 3 * severity;
        break;
      case 'lackOfOil':
        warmerK += 12 * severity;
        loadMore += 0.15 * severity;
        break;
      case 'badNeedle':
        break;
    }
  }
  return { needlePass, warmerK, loadMore };
}
