/**
 * A lockstitch sewing machine as it is heard. All of it belongs to the machine: its modes, the angles of its events, its lines. They are
 * drawn once from its seed and stay the same for every clip.
 *
 * Physics (domain.md §7.1): the needle bar's inertia at orders 1 and 2, the hook at twice the shaft, feed and take-up once a stitch, the
 * burst of the needle through the cloth. Recipe (voiceprint.md §3, plausible, not proven): 4–8 knocks of 30–70 modes, bounces, contact,
 * jitter .6–1 % of a stitch, spread 25 %, a line near order 27, noise that swells .36 with the stitch. Guess: everything else.
 */
import type { Doing, Motion } from '../dataset/sound.ts';
import { between, wholeBetween, type Random, type Range } from '../random.ts';
import { burstsOf, responseOf, type Body } from './bodies.ts';
import type { SewingChanges } from './faults.ts';
import type { Drive } from './motion.ts';
import { bandBank, bankOf, type Spectrum } from './noise.ts';
import {
  addAt,
  addHiss,
  addKnocks,
  addPicture,
  addTone,
  pictureOf,
  swellOf,
  type Hiss,
  type Knock,
  type Order,
} from './sources.ts';

/** What a kind of machine is like; levels are amplitudes beside the `floor` noise, whose root mean square is 1. */
export interface SewingTraits {
  readonly nominalPerMinute: number;
  readonly riseS: number;
  readonly ripple: number;
  /** Turns of the belt for one of the shaft; null: the motor sits on the shaft. */
  readonly beltOrder: number | null;
  readonly knocks: number;
  readonly knockLevel: number;
  readonly knockSpectrum: Spectrum;
  readonly decayMs: Range;
  readonly contactShare: number;
  readonly bounces: number;
  readonly spread: number;
  readonly floorLevel: number;
  readonly floorSpectrum: Spectrum;
  readonly floorSwell: number;
  readonly hookLevel: number;
  readonly feedLevel: number;
  readonly penetrationLevel: number;
  readonly threadLevel: number;
  readonly ordersLevel: number;
  readonly motorOrder: number;
  readonly motorLevel: number;
  readonly tones: readonly { readonly hz: number; readonly level: number }[];
  /** Full scale of the file for level 1. */
  readonly gain: number;
}

export interface SewingVoice {
  readonly drive: Drive;
  readonly traits: SewingTraits;
  readonly knocks: readonly Knock[];
  readonly hook: Knock;
  readonly feed: Knock;
  readonly penetration: Knock;
  readonly floor: Hiss;
  readonly thread: Hiss;
  /** What turns with the shaft, and what turns or swings twice as fast: the hook and the needle bar's second order. */
  readonly orders: Float32Array;
  readonly hookOrders: Float32Array;
  readonly motor: Float32Array;
  readonly tones: readonly { readonly hz: number; readonly level: number; readonly phase: number }[];
  readonly trimmer: readonly Float32Array[];
  readonly thump: Float32Array;
}

/** An industrial lockstitch machine, drawn. */
export function drawTraits(random: Random): SewingTraits {
  const tilt = between(random, [-3, 3]);
  const spectrum = (from: Spectrum): Spectrum =>
    from.map((db, i) => db + tilt * ((i - 3) / 3) + between(random, [-2.5, 2.5]));
  return {
    nominalPerMinute: between(random, [2500, 5000]),
    riseS: between(random, [0.08, 0.25]),
    ripple: between(random, [0.01, 0.03]),
    beltOrder: random() < 0.5 ? between(random, [0.2, 0.5]) : null,
    knocks: wholeBetween(random, [4, 8]),
    knockLevel: between(random, [0.9, 2]),
    knockSpectrum: spectrum([-26, -15, -9, -7, -5, -6, -8]),
    decayMs: [between(random, [2, 4]), between(random, [5, 9])],
    contactShare: between(random, [0.15, 0.45]),
    bounces: wholeBetween(random, [1, 3]),
    spread: between(random, [0.15, 0.3]),
    floorLevel: 1,
    floorSpectrum: spectrum([-17, -11, -8, -6, -6, -9, -12]),
    floorSwell: between(random, [0.2, 0.4]),
    hookLevel: between(random, [0.4, 1]),
    feedLevel: between(random, [0.5, 1.2]),
    penetrationLevel: between(random, [0.6, 1.4]),
    threadLevel: between(random, [0.3, 0.5]),
    ordersLevel: between(random, [0.2, 0.6]),
    motorOrder: wholeBetween(random, [20, 34]),
    motorLevel: between(random, [0.15, 0.4]),
    tones: [
      { hz: between(random, [8000, 16_000]), level: between(random, [0.02, 0.08]) },
      { hz: between(random, [300, 2500]), level: between(random, [0.02, 0.1]) },
    ],
    gain: between(random, [0.015, 0.03]),
  };
}

/** The machine of a seed (by `random`) with these traits. */
export function createSewing(random: Random, rateHz: number, traits: SewingTraits): SewingVoice {
  const body = (): Body => ({
    modes: wholeBetween(random, [30, 70]),
    fromHz: 90,
    toHz: 7600,
    decayMs: traits.decayMs,
    spectrum: traits.knockSpectrum,
    contactMs: between(random, [1, 7]),
    contactShare: traits.contactShare,
    bounces: traits.bounces,
  });
  const jitter = (): number => between(random, [0.006, 0.01]);
  const line = (order: number): Order => ({
    order,
    // Physics: force ~ cos t + λ cos 2t with λ about 1/4; the rest is a guess.
    level: order === 1 ? 1 : (0.25 * between(random, [0.6, 1.4])) / Math.sqrt(order / 2),
    phase: random(),
  });
  const first = random();
  const knocks = Array.from({ length: traits.knocks }, (_, i) => ({
    // At places of their own, but not two in one: they would be heard as one.
    phase: (first + (i + between(random, [0.1, 0.9])) / traits.knocks) % 1,
    perTurn: 1,
    level: traits.knockLevel * between(random, [0.8, 1.25]),
    jitter: jitter(),
    spread: traits.spread,
    responses: [responseOf(random, rateHz, body())],
  }));
  const entry = between(random, [100, 200]) / 360;
  return {
    drive: {
      nominalPerMinute: traits.nominalPerMinute,
      riseS: traits.riseS,
      ripple: traits.ripple,
      ripplePhase: random(),
    },
    traits,
    knocks,
    hook: {
      phase: between(random, [0, 0.5]),
      perTurn: 2,
      level: traits.hookLevel,
      jitter: jitter(),
      spread: traits.spread,
      responses: [responseOf(random, rateHz, { ...body(), decayMs: [1.5, 4] })],
    },
    feed: {
      phase: (entry + between(random, [0.35, 0.6])) % 1,
      perTurn: 1,
      level: traits.feedLevel,
      jitter: jitter(),
      spread: traits.spread,
      responses: [responseOf(random, rateHz, { ...body(), fromHz: 300, toHz: 1500, decayMs: [4, 10] })],
    },
    penetration: {
      phase: entry,
      perTurn: 1,
      level: traits.penetrationLevel,
      jitter: jitter(),
      spread: traits.spread,
      responses: burstsOf(random, rateHz, { fromHz: 2000, toHz: 8000, lengthMs: [1, 3], variants: 6 }),
    },
    floor: {
      bands: bankOf(rateHz, traits.floorSpectrum),
      level: traits.floorLevel,
      swell: swellOf(traits.floorSwell, 1, random()),
    },
    thread: { bands: bandBank(rateHz, 1000, 4000), level: traits.threadLevel, swell: swellOf(0.5, 1, random()) },
    orders: pictureOf([1, 3, 8].map(line)),
    hookOrders: pictureOf([2, 4, 6].map(line)),
    motor: pictureOf(
      [-1, 0, 1].map((side) => ({
        order: traits.motorOrder + side,
        level: side === 0 ? 1 : between(random, [0.15, 0.4]),
        phase: random(),
      })),
    ),
    tones: traits.tones.map((tone) => ({ ...tone, phase: random() })),
    trimmer: [
      responseOf(random, rateHz, { ...body(), fromHz: 200, decayMs: [6, 15], bounces: 2 }),
      responseOf(random, rateHz, { ...body(), fromHz: 2500, decayMs: [1, 4], bounces: 1 }),
    ],
    thump: responseOf(random, rateHz, { ...body(), fromHz: 100, toHz: 1200, decayMs: [10, 25], bounces: 1 }),
  };
}

/** What the cloth and the warmth do to the sound. */
export type Work = Pick<Doing, 'load' | 'temperatureC'>;

/** Adds all that a healthy machine sounds like, with what faults change in it. */
export function addSewing(
  out: Float32Array,
  motion: Motion,
  voice: SewingVoice,
  { load, temperatureC }: Work,
  changes: SewingChanges,
  stream: (label: string) => Random,
): void {
  const { rateHz } = motion;
  for (const [i, knock] of voice.knocks.entries()) addKnocks(out, motion, knock, stream(`knock ${i}`));
  addKnocks(out, motion, times(voice.hook, changes.hook), stream('hook'));
  addKnocks(out, motion, times(voice.feed, 0.7 + 0.6 * load), stream('feed'));
  // Energy goes with plies and density (domain.md §7.1).
  addKnocks(out, motion, times(voice.penetration, 1.4 * Math.sqrt(load) * changes.penetration), stream('needle'));
  // Guess: oil that is 20 K warmer takes a decibel from what rubs.
  const rub = 10 ** ((25 - temperatureC) / 400);
  addHiss(out, motion, { ...voice.floor, level: voice.floor.level * rub }, stream('floor'));
  addHiss(out, motion, voice.thread, stream('thread'), (sample) => changes.thread(sample / rateHz));
  addPicture(out, motion, voice.orders, 1, voice.traits.ordersLevel * changes.orders, 2);
  addPicture(out, motion, voice.hookOrders, 1, voice.traits.ordersLevel * changes.hookOrders, 2);
  addPicture(out, motion, voice.motor, 1, voice.traits.motorLevel * (0.7 + 0.6 * load), 1);
  for (const tone of voice.tones) addTone(out, motion, { ...tone, always: false });
  const random = stream('bursts');
  // A start takes up the play of the drive, a stop sets the brake.
  for (const at of motion.starts) addAt(out, at, voice.thump, 1.5 * between(random, [0.7, 1.3]));
  for (const at of motion.stops) addAt(out, at, voice.thump, 2.5 * between(random, [0.7, 1.3]));
  for (const at of motion.trims) {
    const level = 6 * between(random, [0.85, 1.15]) * changes.trim;
    for (let blow = 0; blow < changes.trimBlows; blow += 1) {
      const from = at + Math.round(blow * 0.018 * rateHz);
      addAt(out, from, voice.trimmer[0] ?? voice.thump, level * 0.7 ** blow);
      addAt(out, from + Math.round(0.012 * rateHz), voice.trimmer[1] ?? voice.thump, 0.8 * level * 0.7 ** blow);
    }
  }
}

const times = (knock: Knock, factor: number): Knock => ({ ...knock, level: knock.level * factor });
