/**
 * A lockstitch machine by generator b: its parts strike the two plates of its frame (bed and arm), so blows of one machine are kin; the
 * needle bar pulls as the slider crank it is; the thread hisses while the take-up pulls. Physics: domain.md §7.1. Guess: all levels, of
 * the order of generator a's.
 */
import type { Doing, Motion, SewingFault } from '../dataset/sound.ts';
import { burstsOf } from './burst.ts';
import { bandNoise, frameNoise } from './colour.ts';
import { count, pick, pickRatio, type Dice, type Span } from './dice.ts';
import { blowOn, plateOf, type Blow, type Plate } from './plate.ts';
import { addBeats, addBlow, addPitch, addRub, addWave, humps, waveOf, type Beat, type Rub } from './play.ts';
import { coggingOf, type Engine } from './shaft.ts';

export interface SewingB {
  readonly engine: Engine;
  /** Turns of the belt for one of the shaft; null: the motor sits on the shaft. */
  readonly beltOrder: number | null;
  /** Full scale of the file for level 1. */
  readonly gain: number;
  /** Angles at which the needle enters, the feed dog rises, the take-up pulls. */
  readonly entry: number;
  readonly feedAt: number;
  readonly strikes: readonly Beat[];
  readonly hook: Beat;
  readonly feed: Beat;
  readonly penetration: Beat;
  readonly rub: Rub;
  readonly gears: Rub;
  readonly thread: Rub;
  readonly crank: Float32Array;
  readonly crankLevel: number;
  readonly hookWave: Float32Array;
  readonly motor: { readonly order: number; readonly level: number; readonly wave: Float32Array };
  readonly pitches: readonly { readonly hz: number; readonly level: number; readonly always: boolean }[];
  readonly knife: Blow;
  readonly magnet: Blow;
  readonly clutch: Blow;
  /** How much of a part's lateness lasts to the next turn. */
  readonly lasts: number;
}

/** An industrial lockstitch machine, drawn. */
export function sewingOf(dice: Dice, rateHz: number): SewingB {
  const lasts = pick(dice, [0.3, 0.9]);
  const [bed, arm] = [frameOf(dice, [120, 260]), frameOf(dice, [220, 520])];
  const entry = pick(dice, [100, 200]) / 360;
  const feedAt = (entry + pick(dice, [0.3, 0.62])) % 1;
  const takeUp = (entry + pick(dice, [0.5, 0.75])) % 1;
  const late: Span = [0.004, 0.011];
  const strike = (phase: number, level: number, plate: Plate, touchMs: Span, perTurn = 1): Beat => ({
    phase,
    perTurn,
    level,
    late: pick(dice, late),
    lasts,
    spread: pick(dice, [0.12, 0.32]),
    sound: { blow: blowOn(dice, rateHz, plate, pickRatio(dice, touchMs)) },
  });
  // Clearances close where the bar turns round, at both dead points, where the take-up pulls and where the presser comes down; some
  // machines have more that knocks.
  const places = [entry - 0.25, entry + 0.25, takeUp, feedAt - 0.12];
  for (let more = count(dice, [0, 2]); more > 0; more -= 1) places.push(dice());
  const strikes = places
    .slice(count(dice, [0, 1]))
    .map((place, i) =>
      strike(
        (((place + pick(dice, [-0.03, 0.03])) % 1) + 1) % 1,
        pick(dice, [0.8, 2.3]),
        i % 2 === 0 ? arm : bed,
        [0.12, 0.5],
      ),
    );
  const poles = count(dice, [3, 6]);
  const hookAt = pick(dice, [0, 0.5]);
  return {
    engine: {
      nominalPerMinute: pickRatio(dice, [2000, 5500]),
      riseS: pickRatio(dice, [0.07, 0.3]),
      cogging: coggingOf(dice, 2 * poles, pick(dice, [0.004, 0.012])),
      dip: { share: pick(dice, [0.015, 0.06]), phase: entry },
      hunting: { hz: pick(dice, [1.5, 4.5]), share: pick(dice, [0.002, 0.008]) },
      wander: { share: pick(dice, [0.004, 0.015]), tauS: pick(dice, [0.5, 3]) },
      trimTurnHz: pick(dice, [2.4, 4]),
    },
    beltOrder: dice() < 0.5 ? pick(dice, [0.18, 0.48]) : null,
    gain: pickRatio(dice, [0.008, 0.025]),
    entry,
    feedAt,
    strikes,
    hook: strike(hookAt, pick(dice, [0.4, 1]), bed, [0.08, 0.25], 2),
    feed: strike(feedAt, pick(dice, [0.5, 1.2]), bed, [0.5, 1.1]),
    penetration: {
      phase: entry,
      perTurn: 1,
      level: pick(dice, [0.6, 1.4]),
      late: pick(dice, late),
      lasts,
      spread: pick(dice, [0.15, 0.35]),
      sound: { bursts: burstsOf(dice, rateHz, { hz: [2000, 8000], tauMs: [0.2, 0.65], count: 10 }) },
    },
    rub: {
      colour: frameNoise(dice, rateHz, { many: [3, 6], hz: [300, 7000], white: [0.3, 1.3], lowHz: [6000, 13_000] }),
      level: 1,
      course: humps([
        [dice(), pick(dice, [1, 6]), pick(dice, [0.2, 0.9])],
        [dice(), pick(dice, [2, 12]), pick(dice, [0.1, 0.6])],
      ]),
    },
    gears: {
      colour: bandNoise(dice, rateHz, [1500, 5000]),
      level: pick(dice, [0.15, 0.4]),
      course: twice(hookAt, pick(dice, [1, 5]), 1),
    },
    thread: {
      colour: bandNoise(dice, rateHz, [1000, 4200]),
      level: pick(dice, [0.3, 0.5]),
      course: humps([[takeUp, pick(dice, [3, 9]), pick(dice, [1.5, 4])]]),
    },
    crank: crankOf(pick(dice, [0.2, 0.3])),
    crankLevel: pick(dice, [0.2, 0.65]),
    hookWave: waveOf((turn) => Math.exp(2 * Math.cos(2 * Math.PI * (turn - hookAt)))),
    motor: {
      order: 2 * poles * count(dice, [2, 4]),
      level: pick(dice, [0.1, 0.4]),
      wave: crankOf(pick(dice, [0.1, 0.4])),
    },
    pitches: [
      { hz: pick(dice, [8000, 16_000]), level: pickRatio(dice, [0.015, 0.08]), always: true },
      { hz: pickRatio(dice, [240, 3000]), level: pickRatio(dice, [0.02, 0.1]), always: false },
    ],
    knife: blowOn(dice, rateHz, frameOf(dice, [900, 1600]), 0.07),
    magnet: blowOn(dice, rateHz, bed, 0.9, 0.01),
    clutch: blowOn(dice, rateHz, bed, 2.2, 0.015),
    lasts,
  };
}

const frameOf = (dice: Dice, lowestHz: Span): Plate =>
  plateOf(dice, {
    lowestHz: pickRatio(dice, lowestHz),
    highestHz: pick(dice, [7500, 11_000]),
    most: count(dice, [36, 60]),
    loss: pickRatio(dice, [0.006, 0.025]),
    drain: pickRatio(dice, [80, 220]),
    bendS: pickRatio(dice, [0.0003, 0.0015]),
  });

/** A course with two humps half a turn from each other. */
export const twice = (phase: number, sharp: number, height: number): Float32Array =>
  humps([
    [phase, sharp, height],
    [phase + 0.5, sharp, height],
  ]);

/** Force of a slider crank over a turn: the second difference of its way; λ is crank by rod. */
const crankOf = (lambda: number): Float32Array => {
  const way = (turn: number): number => {
    const angle = 2 * Math.PI * turn;
    return Math.cos(angle) + Math.sqrt(1 / lambda ** 2 - Math.sin(angle) ** 2);
  };
  const d = 0.002;
  return waveOf((turn) => way(turn + d) + way(turn - d) - 2 * way(turn));
};

/** What faults change in a healthy machine: factors, 1 where nothing is wrong. Other laws than generator a's, of the same order. */
export interface SewingChangesB {
  readonly penetration: number;
  readonly hook: number;
  readonly crank: number;
  readonly hookWave: number;
  readonly trim: number;
  readonly trimMore: number;
  readonly thread: (timeS: number) => number;
  readonly slip: number;
}

export function sewingChangesB(faults: readonly SewingFault[]): SewingChangesB {
  const breaks = faults.flatMap((fault) => (fault.kind === 'threadBreak' ? [fault] : []));
  const worst = (kind: SewingFault['kind']): number =>
    faults.reduce((most, fault) => (fault.kind === kind ? Math.max(most, fault.severity) : most), 0);
  const trimmer = (manner: 'loud' | 'missing'): number =>
    faults.reduce((s, f) => (f.kind === 'trimmer' && f.manner === manner ? Math.max(s, f.severity) : s), 0);
  return {
    // domain.md §7.1: ×1.5–4.
    penetration: 1 + 3 * worst('bluntNeedle') ** 1.2,
    hook: 1 + 1.6 * worst('dryHook') ** 0.8,
    hookWave: 1 + 5 * worst('dryHook') ** 0.8,
    crank: 1 + 2 * worst('looseBearing') ** 0.9,
    trim: (1 + 2.2 * trimmer('loud')) * (1 - trimmer('missing') ** 0.7),
    trimMore: trimmer('loud'),
    thread: (timeS) => breaks.reduce((gain, b) => (timeS >= b.atS ? gain * (1 - b.severity ** 0.8) : gain), 1),
    slip: 0.1 * worst('slippingBelt') ** 0.9,
  };
}

/** Adds all that a healthy machine sounds like, with what faults change in it. */
export function addSewingB(
  out: Float32Array,
  motion: Motion,
  voice: SewingB,
  { load, temperatureC }: Pick<Doing, 'load' | 'temperatureC'>,
  changes: SewingChangesB,
  dice: (name: string) => Dice,
): void {
  const { rateHz } = motion;
  for (const [i, strike] of voice.strikes.entries()) addBeats(out, motion, strike, dice(`strike ${i}`));
  addBeats(out, motion, louder(voice.hook, changes.hook), dice('hook'));
  addBeats(out, motion, louder(voice.feed, 0.6 + 0.8 * load), dice('feed'));
  addBeats(out, motion, louder(voice.penetration, 1.4 * load ** 0.6 * changes.penetration), dice('needle'));
  // Guess: oil that is warmer rubs less, the frame more than the gears.
  const oil = (28 - temperatureC) / 20;
  addRub(out, motion, { ...voice.rub, level: voice.rub.level * (0.95 + 0.1 * load) * 1.12 ** oil }, dice('rub'));
  addRub(out, motion, { ...voice.gears, level: voice.gears.level * changes.hook * 1.06 ** oil }, dice('gears'));
  addRub(out, motion, voice.thread, dice('thread'), (sample) => changes.thread(sample / rateHz));
  addWave(out, motion, voice.crank, { order: 1, level: voice.crankLevel * changes.crank, power: 2 });
  addWave(out, motion, voice.hookWave, { order: 2, level: 0.3 * voice.crankLevel * changes.hookWave, power: 2 });
  const { order, level, wave } = voice.motor;
  addWave(out, motion, wave, { order, level: level * (0.75 + 0.5 * load), power: 1 });
  for (const [i, pitch] of voice.pitches.entries()) addPitch(out, motion, pitch, dice(`pitch ${i}`));
  const chance = dice('events');
  for (const at of motion.starts) addBlow(out, at, voice.clutch, pick(chance, [1, 2.2]), 1.6);
  for (const at of motion.stops) addBlow(out, at, voice.clutch, pick(chance, [1.8, 3.6]), 2.7);
  for (const at of motion.trims) {
    // The magnet pulls, then the knife cuts; a worn one is drawn out: it chatters on its rail.
    const loud = 6 * pick(chance, [0.85, 1.15]) * changes.trim;
    const blows = changes.trimMore > 0 ? 4 : 1;
    for (let blow = 0; blow < blows; blow += 1) {
      const from = at + Math.round(blow * 0.013 * rateHz);
      const share = blow === 0 ? 1 : 0.75 * changes.trimMore ** 0.5 * 0.8 ** blow;
      addBlow(out, from, voice.magnet, share * loud, 6);
      addBlow(out, from + Math.round(0.009 * rateHz), voice.knife, 0.9 * share * loud, 6);
    }
  }
}

const louder = (beat: Beat, factor: number): Beat => ({ ...beat, level: beat.level * factor });
