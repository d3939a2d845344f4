/**
 * A circular machine by generator b, and what its faults add. Every needle has a weight of its own, so the needle pass murmurs with the
 * cylinder; cams are humps of a wave, latches clatter by chance. Physics: domain.md §3.3, §7.2. Guess: all levels, of the order of
 * generator a's. Where a needle is: docs/SIMULATED-SOUND.md.
 */
import type { Doing, KnittingFault, Motion, Position } from '../dataset/sound.ts';
import { bandNoise, frameNoise, type Colour } from './colour.ts';
import { bell, count, diceOf, fillBell, pick, pickRatio, type Dice } from './dice.ts';
import { blowOn, ping, plateOf, type Blow } from './plate.ts';
import { addAir, addBeats, addBlow, addPitch, addRub, addWave, humps, waveOf, type Rub } from './play.ts';
import { coggingOf, type Engine } from './shaft.ts';

export interface KnittingB {
  readonly engine: Engine;
  readonly gain: number;
  readonly position: Position;
  readonly feeders: number;
  /** From the cylinder's axis, in its radii. */
  readonly microphoneRadii: number;
  readonly rub: Rub;
  readonly pass: { readonly wave: Float32Array; readonly level: number; readonly weights: Float32Array };
  readonly cams: { readonly wave: Float32Array; readonly level: number; readonly weights: Float32Array };
  readonly mesh: { readonly order: number; readonly wave: Float32Array; readonly level: number };
  readonly latch: Blow;
  /** Of healthy latches and yarn guides: so many a turn, so loud. */
  readonly clatter: { readonly perTurn: number; readonly level: number };
  readonly fan: { readonly air: Colour; readonly level: number; readonly bladeHz: number };
  readonly clutch: Blow;
}

export function knittingOf(dice: Dice, rateHz: number): KnittingB {
  const inches = count(dice, [26, 38]);
  const needles = 12 * Math.round((Math.PI * inches * count(dice, [18, 28])) / 12);
  const feeders = Math.round(inches * pick(dice, [2.6, 3.3]));
  // The play of the cylinder: a sum of waves whose height falls with their order.
  const play = Array.from({ length: 9 }, (_, k) => [dice(), (0.14 * dice()) / (k + 1)] as const);
  const course = humps([]).map(
    (_, i, all) =>
      1 +
      play.reduce((sum, [at, level], k) => sum + level * Math.cos(2 * Math.PI * (k + 1) * (i / all.length - at)), 0),
  );
  const low = plateOf(dice, { lowestHz: 70, highestHz: 1800, most: 40, loss: 0.02, drain: 30, bendS: 0.001 });
  return {
    engine: {
      nominalPerMinute: pickRatio(dice, [20, 42]),
      riseS: pick(dice, [1.5, 4]),
      cogging: coggingOf(dice, count(dice, [20, 40]), pick(dice, [0.0005, 0.002])),
      dip: { share: 0, phase: 0 },
      hunting: { hz: pick(dice, [0.4, 1.2]), share: pick(dice, [0.001, 0.004]) },
      wander: { share: pick(dice, [0.001, 0.005]), tauS: pick(dice, [1, 5]) },
      trimTurnHz: 0,
    },
    gain: pickRatio(dice, [0.02, 0.06]),
    position: {
      needles,
      direction: dice() < 0.5 ? 1 : -1,
      indexNeedle: count(dice, [0, needles - 1]),
      microphoneTurns: dice(),
    },
    feeders,
    microphoneRadii: pick(dice, [1.25, 2]),
    rub: {
      colour: frameNoise(dice, rateHz, { many: [4, 7], hz: [700, 8000], white: [1, 3.5], lowHz: [9000, 15_000] }),
      level: 1,
      course,
    },
    pass: {
      wave: waveOf((turn) => Math.exp(1.6 * Math.cos(2 * Math.PI * turn))),
      level: pick(dice, [0.2, 0.5]),
      weights: weightsOf(dice, needles, 0.25),
    },
    cams: {
      wave: waveOf((turn) => Math.exp(3 * Math.cos(2 * Math.PI * turn))),
      level: pick(dice, [0.1, 0.3]),
      weights: weightsOf(dice, feeders, 0.1),
    },
    mesh: {
      order: count(dice, [110, 320]),
      wave: waveOf((turn) => Math.sin(2 * Math.PI * turn)),
      level: pick(dice, [0.05, 0.2]),
    },
    latch: ping(dice, rateHz, { notes: 7, hz: [1800, 8000], tauMs: [0.5, 2], contactMs: 0.1 }),
    clatter: { perTurn: count(dice, [8, 30]), level: pick(dice, [0.3, 1]) },
    fan: {
      air: frameNoise(dice, rateHz, { many: [1, 2], hz: [200, 3000], white: [0, 0.2], lowHz: [1200, 3000] }),
      level: pick(dice, [0.1, 0.4]),
      bladeHz: pickRatio(dice, [140, 480]),
    },
    clutch: blowOn(dice, rateHz, low, 3, 0.025),
  };
}

/** Weights of mean 1 that resemble their neighbours. */
function weightsOf(dice: Dice, many: number, spread: number): Float32Array {
  const weights = new Float32Array(many);
  fillBell(dice, weights);
  let lasts = weights[many - 1] as number;
  for (let i = 0; i < many; i += 1) {
    lasts = 0.7 * lasts + 0.714 * (weights[i] as number);
    weights[i] = Math.max(0.2, 1 + spread * lasts);
  }
  const mean = weights.reduce((sum, value) => sum + value, 0) / many;
  return weights.map((value) => value / mean);
}

export interface KnittingChangesB {
  readonly pass: number;
  readonly warmerK: number;
  readonly loadMore: number;
}

export function knittingChangesB(faults: readonly KnittingFault[]): KnittingChangesB {
  const worst = (kind: KnittingFault['kind']): number =>
    faults.reduce((most, fault) => (fault.kind === kind ? Math.max(most, fault.severity) : most), 0);
  const dry = worst('lackOfOil');
  return { pass: 1 + 3 * worst('badFeeder') ** 0.9, warmerK: 11 * dry ** 0.8, loadMore: 0.16 * dry ** 1.1 };
}

/** Adds all that a healthy machine sounds like, with what faults change in it. */
export function addKnittingB(
  out: Float32Array,
  motion: Motion,
  voice: KnittingB,
  { load, temperatureC }: Pick<Doing, 'load' | 'temperatureC'>,
  changes: KnittingChangesB,
  dice: (name: string) => Dice,
): void {
  const { position, feeders, rub, pass, cams, mesh, fan } = voice;
  const oil = 1.12 ** ((28 - temperatureC) / 20);
  addRub(out, motion, { ...rub, level: rub.level * oil * (0.88 + 0.24 * load) }, dice('rub'));
  addWave(out, motion, pass.wave, {
    order: position.needles,
    level: pass.level * changes.pass,
    power: 1,
    each: pass.weights,
  });
  addWave(out, motion, cams.wave, { order: feeders, level: cams.level, power: 1, each: cams.weights });
  addWave(out, motion, mesh.wave, { order: mesh.order, level: mesh.level * (0.8 + 0.4 * load), power: 1 });
  const clatter = dice('clatter');
  addBeats(
    out,
    motion,
    {
      phase: 0,
      perTurn: voice.clatter.perTurn,
      level: voice.clatter.level,
      late: 1 / voice.clatter.perTurn,
      lasts: 0,
      spread: 0.4,
      sound: { blow: voice.latch },
    },
    clatter,
    () => -Math.log(1 - clatter()),
  );
  // A healthy nuisance: the lint fan goes round the machine and blows whether the cylinder turns or not.
  const sway = dice('sway');
  const [swayHz, from] = [pick(sway, [0.06, 0.16]), sway()];
  addAir(out, fan.air, fan.level, dice('fan'), (sample) => {
    const away = (swayHz * sample) / motion.rateHz + from;
    return 0.75 + 0.5 * Math.sin(Math.PI * (away - Math.floor(away))) ** 4;
  });
  for (const [harmonic, share] of [0.3, 0.1, 0.06].entries()) {
    const hz = fan.bladeHz * (harmonic + 1);
    addPitch(out, motion, { hz, level: share * fan.level, always: true }, dice(`blade ${harmonic}`));
  }
  const chance = dice('events');
  for (const at of [...motion.starts, ...motion.stops]) addBlow(out, at, voice.clutch, pick(chance, [1.3, 2.8]), 2);
}

/** Loudness of a cam by its angle from the microphone, turns; 1 at the nearest: by distance, and in the shade of the cylinder. */
export function closeness(microphoneRadii: number, turns: number): number {
  const cos = Math.cos(2 * Math.PI * turns);
  const far = Math.sqrt(1 + microphoneRadii * microphoneRadii - 2 * microphoneRadii * cos);
  return ((microphoneRadii - 1) / far) * (0.72 + 0.28 * cos);
}

/** Angle at which a needle passes the mark, turns in [0, 1). */
export function markOf({ needles, direction, indexNeedle }: Position, needle: number): number {
  const turns = (direction * (needle - indexNeedle)) / needles;
  return turns - Math.floor(turns);
}

/** Adds a fault; severity 0 adds nothing. */
export function addKnittingFaultB(
  out: Float32Array,
  motion: Motion,
  voice: KnittingB,
  seed: number,
  fault: KnittingFault,
  diceFor: (name: string) => Dice,
): void {
  const { severity } = fault;
  if (severity === 0) return;
  const { rateHz } = motion;
  const { position, feeders, microphoneRadii } = voice;
  const own = diceOf(seed, `fault ${fault.kind}`);
  const dice = diceFor(`fault ${fault.kind}`);
  switch (fault.kind) {
    case 'badNeedle': {
      const blow = ping(own, rateHz, {
        notes: count(own, [4, 9]),
        hz: [2500, 9000],
        tauMs: [0.7, 2.6],
        contactMs: 0.07,
      });
      // Cams are not alike: at some it strikes harder.
      const cams = Array.from({ length: feeders }, () => Math.exp(0.2 * bell(own)));
      const beat = {
        phase: markOf(position, fault.needle),
        perTurn: feeders,
        level: 9 * severity ** 1.1,
        late: 0.2 / position.needles,
        lasts: 0.3,
        spread: 0.25,
        sound: { blow },
      };
      addBeats(
        out,
        motion,
        beat,
        dice,
        (cam) => (cams[cam] ?? 1) * closeness(microphoneRadii, cam / feeders - position.microphoneTurns),
      );
      return;
    }
    case 'badFeeder': {
      // Every needle scrapes over the cam, always at the same place: a noise in the time of the needle pass, and no revolution in it.
      const near = closeness(microphoneRadii, fault.feeder / feeders - position.microphoneTurns);
      const level = severity ** 0.9 * (0.4 + 0.6 * near);
      addScrape(out, motion, position.needles, bandNoise(own, rateHz, [2000, 7000]), 0.45 * level, own(), dice);
      addWave(
        out,
        motion,
        waveOf((turn) => Math.exp(4 * Math.cos(2 * Math.PI * turn))),
        {
          order: position.needles,
          level: 0.22 * severity,
          power: 1,
        },
      );
      return;
    }
    case 'lackOfOil':
      addRub(
        out,
        motion,
        { colour: bandNoise(own, rateHz, [4000, 12_000]), level: 0.85 * severity ** 1.1, course: voice.rub.course },
        dice,
        // It grips and lets go.
        () => 0.8 + 0.4 * dice(),
      );
      return;
  }
}

function addScrape(
  out: Float32Array,
  motion: Motion,
  needles: number,
  colour: Colour,
  level: number,
  phase: number,
  dice: Dice,
): void {
  // A gate of one needle's width stands for the course of a turn: the shaft of the needles turns `needles` times as fast.
  const fast = { ...motion, turns: motion.turns.map((turns) => needles * turns + phase) };
  addRub(out, fast, { colour, level, course: humps([[0, 4, 6]]) }, dice);
}
