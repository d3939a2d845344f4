/**
 * Trials of "which needle": a circular machine with one bad needle, heard for some revolutions, with the pulse of the index or with polls
 * alone. The ear is told the geometry of the machine, as after a calibration; which needle it is stands in the fault.
 */
import type { HeardMachine } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween } from '../random.ts';
import { drawMachine, drawWork, recordWork, type TrialClip, type TrialPlan } from './setting.ts';

export interface NeedlePlan extends TrialPlan {
  /** How the ear knows the angle: the index pulse on a second channel, or what polls say. */
  readonly position: 'pulse' | 'telemetry';
}

export const needlePlan = { rateHz: 48_000 } as const;
/** Of the index pulse, standard deviation. */
export const pulseJitterS = 20e-6;

export interface NeedleTrial {
  readonly number: number;
  /** `machine.cylinder` is what the ear is told. */
  readonly machine: HeardMachine;
  readonly needle: number;
  readonly severity: number;
  /** With the bad needle. */
  readonly faulty: () => TrialClip;
  /** The same machine, healthy: to learn from, and to count false needles on. Any number of them. */
  readonly healthy: (which: number) => TrialClip;
}

/** Trial `number` of a plan. The same machine, needle and clip with the pulse as with telemetry alone, but for the pulse. */
export function needleTrial(plan: NeedlePlan, number: number): NeedleTrial {
  const machine = drawMachine(plan, `needle machine ${number}`, 'knitting', false);
  const drawn = createRandom(plan.seed, `needle ${number}`);
  const needle = wholeBetween(drawn, [0, (machine.cylinder?.needles ?? 1) - 1]);
  const severity = between(drawn, [0.3, 1]);
  const clipOf = (label: string, isBad: boolean): TrialClip => {
    const random = createRandom(plan.seed, `needle ${number} ${label}`);
    const work = drawWork(random, machine);
    return recordWork(machine, random, {
      work,
      snrDb: plan.snrDb,
      clipS: between(random, [20, 30]),
      fault: isBad ? { kind: 'badNeedle', severity, needle } : null,
      ...(plan.position === 'pulse' ? { jitterS: pulseJitterS } : {}),
    });
  };
  return {
    number,
    machine,
    needle,
    severity,
    faulty: () => clipOf('faulty', true),
    healthy: (which) => clipOf(`healthy ${which}`, false),
  };
}
