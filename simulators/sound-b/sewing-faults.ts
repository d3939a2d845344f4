/**
 * What faults F1–F9 add to a sewing machine, by generator b. What each is about is domain.md §7.1, as in generator a; the shapes, spectra
 * within the bands it names, and the laws of severity are b's own.
 */
import type { Motion, SewingFault } from '../dataset/sound.ts';
import { burstsOf, fallingBack } from './burst.ts';
import { bandNoise } from './colour.ts';
import { bell, count, diceOf, pick, pickRatio, type Dice } from './dice.ts';
import { blowOn, ping, plateOf, type Blow } from './plate.ts';
import { addBeats, addBlow, addRub, addWave, humps, sineWave, waveOf, type Beat } from './play.ts';
import { twice, type SewingB } from './sewing.ts';

/** Adds a fault. Its shape belongs to the machine, its chance to the clip. Severity 0 adds nothing. */
export function addSewingFaultB(
  out: Float32Array,
  motion: Motion,
  voice: SewingB,
  seed: number,
  fault: SewingFault,
  diceFor: (name: string) => Dice,
): void {
  const { severity } = fault;
  if (severity === 0) return;
  const { rateHz } = motion;
  const own = diceOf(seed, `fault ${fault.kind}`);
  const dice = diceFor(`fault ${fault.kind}`);
  const beat = (phase: number, level: number, blow: Blow): Beat => ({
    phase: ((phase % 1) + 1) % 1,
    perTurn: 1,
    level,
    late: 0.003,
    lasts: voice.lasts,
    spread: 0.18,
    sound: { blow },
  });
  switch (fault.kind) {
    case 'bluntNeedle': {
      // The cloth is torn, not parted: a second, higher noise, and threads that snap.
      const bursts = burstsOf(own, rateHz, { hz: [5500, 12_000], tauMs: [0.25, 0.7], count: 8 });
      addBeats(out, motion, { ...voice.penetration, level: 0.7 * severity ** 0.9, sound: { bursts } }, dice);
      const pop = ping(own, rateHz, { notes: 6, hz: [1200, 5000], tauMs: [0.8, 2.5], contactMs: 0.2 });
      addBeats(out, motion, beat(voice.entry + 0.01, 3 * severity, pop), dice, () =>
        dice() < 0.1 * severity ? 1.3 : 0,
      );
      return;
    }
    case 'bentNeedle': {
      // The needle is a rod of a few notes; now and then it slips past.
      const click = ping(own, rateHz, { notes: count(own, [3, 6]), hz: [4000, 9000], tauMs: [1, 3], contactMs: 0.06 });
      const after = pick(own, [0.015, 0.1]);
      addBeats(out, motion, beat(voice.entry + after, 8 * severity ** 1.1, click), dice, () =>
        dice() < 0.12 * (1 - severity) ? 0 : 1,
      );
      return;
    }
    case 'dryHook': {
      const at = voice.hook.phase;
      const colour = bandNoise(own, rateHz, [3000, 8000]);
      addRub(out, motion, { colour, level: 1.6 * severity ** 1.1, course: twice(at, pick(own, [2, 5]), 3) }, dice);
      // Late: metal that sticks and slips, with harmonics, while the hook bears.
      if (severity > 0.55) addSqueal(out, motion, pick(own, [2200, 4800]), at, 1.8 * (severity - 0.55), dice);
      return;
    }
    case 'looseBearing': {
      // The shaft falls through its play: a soft blow a turn, harder every second one.
      const sharp = pickRatio(own, [25, 80]);
      const other = pick(own, [0.35, 0.65]);
      const phase = own();
      const hump = (turn: number): number => Math.exp(sharp * (Math.cos(2 * Math.PI * turn) - 1));
      const fall = waveOf((turn) => (turn < 0.5 ? 1 : other) * hump(2 * turn - phase));
      addWave(out, motion, fall, { order: 0.5, level: 1.05 * severity ** 0.9, power: 1 });
      addWave(out, motion, sineWave, { order: 0.5, level: 0.45 * severity, power: 1 });
      return;
    }
    case 'slippingBelt': {
      const order = voice.beltOrder ?? 0;
      // Its splice runs over two pulleys; it flaps between them.
      const apart = pick(own, [0.2, 0.4]);
      const splice = waveOf((turn) => {
        const near = (at: number): number => Math.exp(6 * (Math.cos(2 * Math.PI * (turn - at)) - 1));
        return near(0) + 0.6 * near(apart);
      });
      addWave(out, motion, splice, { order, level: 0.55 * severity ** 0.9, power: 1 });
      addChirp(out, motion, pick(own, [900, 1800]), 1.5 * severity, dice);
      return;
    }
    case 'feedDogStrike': {
      const plate = plateOf(own, {
        lowestHz: pick(own, [700, 1100]),
        highestHz: 4300,
        most: 24,
        loss: pickRatio(own, [0.01, 0.03]),
        drain: pick(own, [120, 220]),
        bendS: 0.0003,
      });
      const again = { firstMs: pick(own, [1.5, 3]), keeps: 0.4, times: 2 };
      const clack = blowOn(own, rateHz, plate, pick(own, [0.15, 0.4])).map((part) => fallingBack(part, rateHz, again));
      addBeats(out, motion, beat(voice.feedAt, 8.5 * severity ** 0.9, clack), dice);
      return;
    }
    case 'threadBreak': {
      const at = Math.round(fault.atS * rateHz);
      const snap = ping(own, rateHz, { notes: 9, hz: [1500, 9500], tauMs: [0.4, 1.8], contactMs: 0.05 });
      // A thread breaks under tension: only while the machine sews.
      if ((motion.drive[at] ?? 0) > 0) addBlow(out, at, snap, 10 * severity ** 0.9);
      return;
    }
    case 'looseCover': {
      const sheet = plateOf(own, {
        lowestHz: pick(own, [350, 600]),
        highestHz: 3800,
        most: 26,
        loss: pickRatio(own, [0.006, 0.02]),
        drain: pick(own, [90, 160]),
        bendS: 0.0008,
      });
      const falls = { firstMs: pick(own, [3, 6]), keeps: pick(own, [0.5, 0.65]), times: 4 };
      const rattle = blowOn(own, rateHz, sheet, 0.4).map((part) => fallingBack(part, rateHz, falls));
      const loose: Beat = { ...beat(own(), 3.6 * severity ** 0.9, rattle), late: 0.035, lasts: 0.2 };
      // As strong as it likes: exponential, and many times not at all.
      addBeats(out, motion, loose, dice, () => (dice() < 0.25 ? 0 : Math.min(5, -Math.log(1 - dice()))));
      return;
    }
    case 'trimmer':
      // All of it is a change of what the machine has.
      return;
  }
}

/** A saw of the part's frequency with a wobble, in bouts of a tenth of a second or two, loudest where the hook bears. */
function addSqueal(out: Float32Array, motion: Motion, hz: number, phase: number, level: number, dice: Dice): void {
  const course = humps([[2 * phase, 3, 3]]);
  let [at, bout, wanted, wobble] = [dice(), 0, 1, 0];
  for (let i = 0; i < out.length; i += 1) {
    if ((i & 2047) === 0) {
      wanted = dice() < 0.4 ? 0 : 0.5 + dice();
      wobble = 0.012 * bell(dice);
    }
    bout += 0.0006 * (wanted - bout);
    at += (hz * (1 + wobble)) / motion.rateHz;
    if (at >= 1) at -= 1;
    const twiceTurn = 2 * (motion.turns[i] as number);
    const bears = course[Math.floor((twiceTurn - Math.floor(twiceTurn)) * course.length)] as number;
    const saw = Math.sin(2 * Math.PI * at) + 0.4 * Math.sin(4 * Math.PI * at);
    out[i] = (out[i] as number) + level * bout * (motion.drive[i] as number) * bears * 0.75 * saw;
  }
}

/** While the shaft gains speed the belt sticks and slips: chirps that rise with the speed, cut into pieces. */
function addChirp(out: Float32Array, motion: Motion, hz: number, level: number, dice: Dice): void {
  const back = Math.round(0.015 * motion.rateHz);
  let [at, loud, piece] = [dice(), 0, 1];
  for (let i = 0; i < out.length; i += 1) {
    if (i % back === 0) piece = dice() < 0.2 ? 0.2 : 1;
    const share = motion.drive[i] as number;
    const gains = share - (motion.drive[Math.max(0, i - back)] as number) > 0.008;
    loud += 0.003 * ((gains ? piece : 0) - loud);
    at += (hz * (0.5 + 1.2 * share)) / motion.rateHz;
    if (at >= 1) at -= 1;
    if (loud < 1e-4) continue;
    const wave = Math.sin(2 * Math.PI * at) + 0.3 * Math.sin(6 * Math.PI * at);
    out[i] = (out[i] as number) + level * loud * wave;
  }
}
