/**
 * Trials of "what is wrong": a machine is enrolled by its normal sound, then heard healthy and with every fault it can have. One trial is
 * one machine in one hall; its clips are made when they are asked for, so a trial of any length takes the memory of one clip.
 *
 * Invariants (test/unit/simulators/sound-trials/fault-trials.test.ts): the same plan and number give the same clips, in whatever order they
 * are taken; no clip is in two of its lists; severities lie in [0.3, 1].
 */
import type { HeardMachine, Segment, SoundFault } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween, type Random } from '../random.ts';
import { drawMachine, drawWork, recordWork, type TrialClip, type TrialPlan } from './setting.ts';

export interface FaultPlan extends TrialPlan {
  readonly clipS: number;
  /** Of normal sound, to learn from. */
  readonly enrolClips: number;
  /** Of normal sound, to judge. */
  readonly healthyClips: number;
  /** Of each fault. */
  readonly faultyClips: number;
}

export const faultPlan = { rateHz: 48_000, clipS: 4, enrolClips: 40, healthyClips: 40, faultyClips: 4 } as const;

export interface FaultTrial {
  readonly number: number;
  readonly machine: HeardMachine;
  readonly enrol: () => Iterable<TrialClip>;
  readonly healthy: () => Iterable<TrialClip>;
  /** Sewing: healthy clips that end with a trim, what clips of F8 are to be held against. */
  readonly healthyTrims: () => Iterable<TrialClip>;
  /** Fault after fault in the order of their codes. */
  readonly faulty: () => Iterable<TrialClip & { readonly fault: SoundFault }>;
}

const severities = [0.3, 1] as const;
const trimS = 1;

/**
 * Trial `number`: sewing machines where it is even, knitting machines where it is odd. Of the sewing machines every second one is sure to
 * have a belt, so that F5 is heard; of the rest those have it whose belt chance drew.
 */
export function faultTrial(plan: FaultPlan, number: number): FaultTrial {
  const kind = number % 2 === 0 ? 'sewing' : 'knitting';
  const machine = drawMachine(plan, `machine ${number}`, kind, number % 4 === 0);
  const { snrDb, clipS } = plan;
  // Every clip draws from a stream of its own: any may be left out.
  const clipOf = (
    label: string,
    draw: (random: Random) => { readonly fault: SoundFault; readonly trims: boolean } | null,
    trims = false,
  ): TrialClip => {
    const random = createRandom(plan.seed, `${number} ${label}`);
    const work = drawWork(random, machine);
    const drawn = draw(random);
    const segments = trims || drawn?.trims === true ? trimmed(work.speed, clipS) : undefined;
    const asked = { work, snrDb, clipS, fault: drawn?.fault ?? null };
    return recordWork(machine, random, segments === undefined ? asked : { ...asked, segments });
  };
  function* many(label: string, count: number, trims = false): Generator<TrialClip> {
    for (let i = 0; i < count; i += 1) yield clipOf(`${label} ${i}`, () => null, trims);
  }
  function* faulty(): Generator<TrialClip & { readonly fault: SoundFault }> {
    for (const fault of kindsOf(machine)) {
      for (let i = 0; i < plan.faultyClips; i += 1) {
        const clip = clipOf(`${fault} ${i}`, (random) => ({
          fault: drawFault(random, machine, fault, clipS),
          trims: fault === 'trimmer',
        }));
        if (clip.fault !== null) yield { ...clip, fault: clip.fault };
      }
    }
  }
  return {
    number,
    machine,
    enrol: () => many('enrol', plan.enrolClips),
    healthy: () => many('healthy', plan.healthyClips),
    healthyTrims: () => many('trims', kind === 'sewing' ? plan.healthyClips : 0, true),
    faulty,
  };
}

const trimmed = (speed: number, clipS: number): readonly Segment[] => [
  { kind: 'run', durationS: Math.max(trimS, clipS - trimS), speed },
  { kind: 'trim', durationS: trimS },
];

const sewingKinds = [
  'bluntNeedle',
  'bentNeedle',
  'dryHook',
  'looseBearing',
  'slippingBelt',
  'feedDogStrike',
  'threadBreak',
  'trimmer',
  'looseCover',
] as const satisfies readonly SoundFault['kind'][];
const knittingKinds = ['badNeedle', 'badFeeder', 'lackOfOil'] as const satisfies readonly SoundFault['kind'][];

/** Faults a machine can have, in the order of their codes. */
export const kindsOf = ({ kind, belt }: HeardMachine): readonly SoundFault['kind'][] =>
  kind === 'knitting' ? knittingKinds : sewingKinds.filter((fault) => fault !== 'slippingBelt' || belt);

/** A fault of a kind with a severity between .3 and 1, and what else there is to it. */
function drawFault(random: Random, { cylinder }: HeardMachine, kind: SoundFault['kind'], clipS: number): SoundFault {
  const severity = between(random, severities);
  switch (kind) {
    case 'threadBreak':
      return { kind, severity, atS: between(random, [0.1, 0.5]) * clipS };
    case 'trimmer':
      return { kind, severity, manner: random() < 0.5 ? 'loud' : 'missing' };
    case 'badNeedle':
      return { kind, severity, needle: wholeBetween(random, [0, (cylinder?.needles ?? 1) - 1]) };
    case 'badFeeder':
      return { kind, severity, feeder: wholeBetween(random, [0, (cylinder?.feeders ?? 1) - 1]) };
    case 'bluntNeedle':
    case 'bentNeedle':
    case 'dryHook':
    case 'looseBearing':
    case 'slippingBelt':
    case 'feedDogStrike':
    case 'looseCover':
    case 'lackOfOil':
      return { kind, severity };
  }
}
