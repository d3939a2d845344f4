/**
 * A circular knitting machine as it is heard, and what its faults add.
 *
 * Physics (domain.md §3.3, §7.2): needle pass N·n/60, feeder pass S·n/60, revolution n/60; cams stand still and needles pass them, so a
 * bad needle strikes S times a revolution and is loudest at the cams near the microphone. Guess: all levels, how far away the microphone
 * hangs, how uneven a healthy cylinder sounds over a turn.
 *
 * Where a needle is: at whole turns of the shaft needle `indexNeedle` stands at the mark of the index pulse, after R turns needle
 * indexNeedle + direction · N · R (modulo N). The microphone hangs `microphoneTurns` of a turn after the mark, in the direction of turning.
 */
import type { KnittingFault, Motion } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween, type Random } from '../random.ts';
import { burstsOf, responseOf } from './bodies.ts';
import type { KnittingChanges } from './faults.ts';
import type { Drive } from './motion.ts';
import { bandBank, bankOf, type Band } from './noise.ts';
import type { Work } from './sewing.ts';
import {
  addAt,
  addHiss,
  addKnocks,
  addPicture,
  addSteady,
  addTone,
  pictureOf,
  sine,
  swellOf,
  type Hiss,
  type Knock,
} from './sources.ts';

export interface KnittingTraits {
  readonly needles: number;
  readonly feeders: number;
  readonly nominalPerMinute: number;
  readonly direction: 1 | -1;
  readonly indexNeedle: number;
  readonly microphoneTurns: number;
  /** From the cylinder's axis, in its radii; above 1. */
  readonly microphoneRadii: number;
  readonly ripple: number;
  readonly needleLevel: number;
  readonly feederLevel: number;
  readonly revolutionSwell: number;
  readonly gearOrder: number;
  readonly gearLevel: number;
  readonly fanHz: number;
  readonly fanLevel: number;
  readonly gain: number;
}

export interface KnittingVoice {
  readonly drive: Drive;
  readonly traits: KnittingTraits;
  readonly rub: Hiss;
  readonly feeders: Float32Array;
  readonly gear: Float32Array;
  readonly pass: Float32Array;
  readonly fan: readonly Band[];
  readonly fanPhase: number;
  readonly thump: Float32Array;
}

/** A circular machine of 26 to 34 inch, drawn. */
export function drawKnittingTraits(random: Random): KnittingTraits {
  const diameterInch = wholeBetween(random, [26, 34]);
  const gauge = wholeBetween(random, [20, 28]);
  const needles = Math.round(Math.PI * diameterInch * gauge);
  return {
    needles,
    feeders: Math.round(diameterInch * between(random, [2.8, 3.2])),
    nominalPerMinute: between(random, [24, 40]),
    direction: random() < 0.5 ? 1 : -1,
    indexNeedle: wholeBetween(random, [0, needles - 1]),
    microphoneTurns: random(),
    microphoneRadii: between(random, [1.3, 1.9]),
    ripple: between(random, [0.003, 0.01]),
    needleLevel: between(random, [0.2, 0.5]),
    feederLevel: between(random, [0.1, 0.3]),
    revolutionSwell: between(random, [0.03, 0.12]),
    gearOrder: wholeBetween(random, [140, 260]),
    gearLevel: between(random, [0.05, 0.2]),
    fanHz: between(random, [180, 420]),
    fanLevel: between(random, [0.1, 0.4]),
    gain: between(random, [0.03, 0.06]),
  };
}

export function createKnitting(random: Random, rateHz: number, traits: KnittingTraits): KnittingVoice {
  const lines = (orders: readonly number[], fall: number) =>
    pictureOf(orders.map((order, i) => ({ order, level: fall ** i, phase: random() })));
  const spectrum = [-20, -13, -9, -6, -5, -7, -10].map((db) => db + between(random, [-2.5, 2.5]));
  // The cylinder is never quite round: what rubs, rubs unevenly, with a shape of its own.
  const swells = [1, 2, 3, 5].map((humps) => swellOf(traits.revolutionSwell / humps, humps, random()));
  const swell = new Float32Array(256).map((_, i) => swells.reduce((all, one) => all * (one[i] ?? 1), 1));
  return {
    drive: { nominalPerMinute: traits.nominalPerMinute, riseS: 2.5, ripple: traits.ripple, ripplePhase: random() },
    traits,
    rub: { bands: bankOf(rateHz, spectrum), level: 1, swell },
    feeders: lines([traits.feeders, 2 * traits.feeders, 3 * traits.feeders], 0.6),
    gear: lines([traits.gearOrder, traits.gearOrder - 1, traits.gearOrder + 1], 0.4),
    pass: lines([1, 2, 3], 0.45),
    fan: bankOf(rateHz, [-3, -4, -6, -9, -13, -18, -25]),
    fanPhase: random(),
    thump: responseOf(random, rateHz, {
      modes: 40,
      fromHz: 90,
      toHz: 1500,
      decayMs: [15, 40],
      spectrum: [0, 0, -3, -6, -20, -30, -30],
      contactMs: 4,
      bounces: 1,
    }),
  };
}

/** Adds all that a healthy machine sounds like, with what faults change in it. */
export function addKnitting(
  out: Float32Array,
  motion: Motion,
  voice: KnittingVoice,
  { load, temperatureC }: Work,
  changes: KnittingChanges,
  stream: (label: string) => Random,
): void {
  const { traits } = voice;
  const rub = 10 ** ((25 - temperatureC) / 400);
  addHiss(out, motion, { ...voice.rub, level: rub * (0.9 + 0.2 * load) }, stream('rub'));
  addPicture(out, motion, voice.pass, traits.needles, traits.needleLevel * changes.needlePass, 1);
  addPicture(out, motion, voice.feeders, 1, traits.feederLevel, 1);
  addPicture(out, motion, voice.gear, 1, traits.gearLevel * (0.8 + 0.4 * load), 1);
  // A healthy nuisance: the lint fan blows whether the cylinder turns or not, and swings past the microphone.
  const random = stream('fan');
  const swingHz = between(random, [0.08, 0.2]);
  const from = random();
  addSteady(out, voice.fan, traits.fanLevel, stream('air'), (sample) => {
    return 1 + 0.3 * Math.sin(2 * Math.PI * ((swingHz * sample) / motion.rateHz + from));
  });
  for (const [harmonic, share] of [0.3, 0.15].entries()) {
    const hz = traits.fanHz * (harmonic + 1);
    addTone(out, motion, { hz, level: share * traits.fanLevel, phase: voice.fanPhase, always: true });
  }
  for (const at of [...motion.starts, ...motion.stops]) addAt(out, at, voice.thump, 2 * between(random, [0.7, 1.3]));
}

/** Loudness of a cam by its angle from the microphone, turns: as one over the distance; 1 at the nearest. Physics of a small source. */
export function nearness(microphoneRadii: number, turns: number): number {
  const cos = Math.cos(2 * Math.PI * turns);
  return (microphoneRadii - 1) / Math.sqrt(1 + microphoneRadii * microphoneRadii - 2 * microphoneRadii * cos);
}

/** Angle of the shaft, turns in [0, 1), at which a needle passes the mark; the truth of a trial. */
export function turnsOfNeedle({ needles, direction, indexNeedle }: KnittingTraits, needle: number): number {
  const turns = (direction * (needle - indexNeedle)) / needles;
  return turns - Math.floor(turns);
}

/** Adds what a fault adds; severity 0 adds nothing. */
export function addKnittingFault(
  out: Float32Array,
  motion: Motion,
  voice: KnittingVoice,
  seed: number,
  fault: KnittingFault,
  stream: (label: string) => Random,
): void {
  const { severity } = fault;
  if (severity === 0) return;
  const { rateHz } = motion;
  const { traits } = voice;
  const own = createRandom(seed, `fault ${fault.kind}`);
  const random = stream(`fault ${fault.kind}`);
  switch (fault.kind) {
    case 'badNeedle': {
      const click = responseOf(own, rateHz, {
        modes: 12,
        fromHz: 2500,
        toHz: 9000,
        decayMs: [0.8, 2.5],
        spectrum: [0, 0, 0, 0, 0, 0, 0],
        contactMs: 0.3,
        bounces: 0,
      });
      const knock: Knock = {
        // It passes the mark here, and cam j stands j / S of a turn after the mark.
        phase: turnsOfNeedle(traits, fault.needle),
        perTurn: traits.feeders,
        level: 12 * severity,
        // Less than the distance of two needles.
        jitter: 0.2 / traits.needles,
        spread: 0.25,
        responses: [click],
      };
      addKnocks(out, motion, knock, random, (_, cam) =>
        nearness(traits.microphoneRadii, cam / traits.feeders - traits.microphoneTurns),
      );
      return;
    }
    case 'badFeeder': {
      // Every needle strikes the cam, always at the same place: no revolution in it, only more of the needle pass.
      const bursts = burstsOf(own, rateHz, { fromHz: 2000, toHz: 7000, lengthMs: [0.2, 0.4], variants: 4 });
      const near = nearness(traits.microphoneRadii, fault.feeder / traits.feeders - traits.microphoneTurns);
      const knock: Knock = {
        phase: own() / traits.needles,
        perTurn: traits.needles,
        level: 2 * severity * (0.4 + 0.6 * near),
        jitter: 0.05 / traits.needles,
        spread: 0.2,
        responses: bursts,
      };
      addKnocks(out, motion, knock, random);
      addPicture(out, motion, sine, traits.needles, 0.3 * severity, 1);
      return;
    }
    case 'lackOfOil':
      addHiss(
        out,
        motion,
        { bands: bandBank(rateHz, 4000, 12_000), level: 1.3 * severity, swell: voice.rub.swell },
        random,
      );
      return;
  }
}
