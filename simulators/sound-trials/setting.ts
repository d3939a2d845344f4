/** What all trials of sound share: the generators by name, a machine in a hall, clips with what was done in them. */
import type { Clip, HeardMachine, Segment, Site, SoundFault, SoundGenerator } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween, type Random } from '../random.ts';
import { generatorB } from '../sound-b/generator.ts';
import { generatorA } from '../sound/generator.ts';

export type GeneratorName = 'a' | 'b';
export const soundGenerators: Readonly<Record<GeneratorName, SoundGenerator>> = { a: generatorA, b: generatorB };

/** What every plan of trials says. */
export interface TrialPlan {
  readonly generator: GeneratorName;
  /** Whole, from 0; the same plan gives the same trials. */
  readonly seed: number;
  readonly snrDb: number;
  readonly rateHz: number;
}

/** What a clip was made with. */
export interface Worked {
  readonly speed: number;
  readonly load: number;
  readonly temperatureC: number;
}

/** A clip and what an evaluation asks about it. */
export interface TrialClip extends Worked {
  readonly clip: Clip;
  /** null: healthy. */
  readonly fault: SoundFault | null;
}

/** A seed of a machine, a hall or a clip. */
export const seedOf = (random: Random): number => Math.floor(random() * 0x1_0000_0000);

/** A hall of machines of the same kind, drawn. */
export function drawHall(random: Random, neighbours: Site['kind']): NonNullable<Site['hall']> {
  return {
    seed: seedOf(random),
    neighbours,
    machines: wholeBetween(random, [2, 4]),
    voices: wholeBetween(random, [0, 3]),
    bangsPerMinute: between(random, [1, 6]),
  };
}

/** A machine and its hall, drawn; of sewing machines one with a belt where it must have one. */
export function drawMachine(plan: TrialPlan, label: string, kind: Site['kind'], mustHaveBelt: boolean): HeardMachine {
  const random = createRandom(plan.seed, label);
  const generator = soundGenerators[plan.generator];
  const hall = drawHall(random, kind);
  for (;;) {
    const site = { kind, seed: seedOf(random), rateHz: plan.rateHz };
    // A machine is drawn without its hall first: a hall takes longer than to look for a belt.
    if (mustHaveBelt && !generator({ ...site, hall: null }).belt) continue;
    return generator({ ...site, hall });
  }
}

/** Cloth, warmth and speed of a clip, drawn: speeds within ±6 % of the nominal, what one band of speed takes in. */
export const drawWork = (random: Random, machine: HeardMachine): Worked => ({
  speed: machine.nominalPerMinute * between(random, [0.94, 1.06]),
  load: between(random, [0.2, 1]),
  temperatureC: between(random, [20, 38]),
});

/** Records a clip of a machine that runs all the time, or does what `segments` say. */
export function recordWork(
  machine: HeardMachine,
  random: Random,
  asked: {
    readonly work: Worked;
    /** null: without its hall. */
    readonly snrDb: number | null;
    readonly clipS: number;
    readonly fault: SoundFault | null;
    readonly segments?: readonly Segment[];
    readonly jitterS?: number;
  },
): TrialClip {
  const { work, snrDb, clipS, fault, jitterS } = asked;
  const clip = machine.record({
    seed: seedOf(random),
    segments: asked.segments ?? [{ kind: 'run', durationS: clipS, speed: work.speed }],
    load: work.load,
    temperatureC: work.temperatureC,
    faults: fault === null ? [] : [fault],
    snrDb,
    ...(jitterS === undefined ? {} : { pulse: { jitterS } }),
  });
  return { ...work, clip, fault };
}
