/**
 * What a moving shaft sounds like, by generator b: blows at an angle whose lateness lasts from turn to turn, noise under humps of the
 * angle, one turn of a wave, tones. Each adds to a clip and knows of no other, so what is left out changes nothing in the rest.
 */
import type { Motion } from '../dataset/sound.ts';
import { fillColour, type Colour } from './colour.ts';
import { bell, count, type Dice } from './dice.ts';
import { strengths, type Blow } from './plate.ts';

export interface Beat {
  /** Angle of the first, turns in [0, 1), and how many a turn. */
  readonly phase: number;
  readonly perTurn: number;
  readonly level: number;
  /** Standard deviation of its lateness, turns; how much of it lasts to the next, 0..1. */
  readonly late: number;
  readonly lasts: number;
  /** Standard deviation of the logarithm of its level. */
  readonly spread: number;
  /** A blow sounds by its strength; of bursts chance takes one each time. */
  readonly sound: { readonly blow: Blow } | { readonly bursts: readonly Float32Array[] };
}

/** Adds the beats of a clip. `gainOf` weighs each by its sample and which of the turn it is. */
export function addBeats(
  out: Float32Array,
  { turns, drive }: Motion,
  { phase, perTurn, level, late, lasts, spread, sound }: Beat,
  dice: Dice,
  gainOf: (which: number, sample: number) => number = () => 1,
): void {
  if (level === 0 || turns.length < 2) return;
  const fresh = Math.sqrt(1 - lasts * lasts);
  const last = turns[turns.length - 1] as number;
  let lateness = late * bell(dice);
  let i = 0;
  for (let number = Math.ceil(((turns[0] as number) - phase) * perTurn); ; number += 1) {
    lateness = lasts * lateness + fresh * late * bell(dice);
    const due = phase + number / perTurn + lateness;
    const chance = Math.exp(spread * (bell(dice) - spread / 2));
    if (due >= last) return;
    while (i > 0 && (turns[i] as number) > due) i -= 1;
    while (i < turns.length - 1 && (turns[i] as number) < due) i += 1;
    const share = drive[i] as number;
    // A part that comes faster strikes harder.
    const gain = level * chance * share * Math.sqrt(share) * gainOf(((number % perTurn) + perTurn) % perTurn, i);
    if (gain <= 0) continue;
    if ('blow' in sound) addBlow(out, i, sound.blow, gain, level);
    else addPart(out, i, sound.bursts[count(dice, [0, sound.bursts.length - 1])] ?? nothing, gain);
  }
}

const nothing = new Float32Array(0);

/** Adds a blow; `usual` is the level at which it has strength 1. */
export function addBlow(out: Float32Array, at: number, blow: Blow, gain: number, usual = gain): void {
  const hard = gain / usual;
  const answer = blow[hard < 0.7 ? 0 : hard < 1.4 ? 1 : strengths.length - 1];
  if (answer !== undefined) addPart(out, at, answer, gain);
}

export function addPart(out: Float32Array, at: number, part: Float32Array, gain: number): void {
  const end = Math.min(part.length, out.length - at);
  for (let k = 0; k < end; k += 1) out[at + k] = (out[at + k] as number) + gain * (part[k] as number);
}

const humpSize = 512;

/** A course over one turn of mean 1: humps of angle φ, sharpness κ and height w on a floor (von Mises). */
export function humps(list: readonly (readonly [phase: number, sharp: number, height: number])[]): Float32Array {
  const course = Float32Array.from({ length: humpSize }, (_, i) =>
    list.reduce(
      (sum, [phase, sharp, height]) =>
        sum + height * Math.exp(sharp * (Math.cos(2 * Math.PI * (i / humpSize - phase)) - 1)),
      1,
    ),
  );
  const mean = course.reduce((sum, value) => sum + value, 0) / humpSize;
  return course.map((value) => value / mean);
}

export interface Rub {
  readonly colour: Colour;
  readonly level: number;
  /** Over one turn, mean 1. */
  readonly course: Float32Array;
}

/** Adds noise that goes with the speed and the angle. `gainOf` is asked once in 64 samples. */
export function addRub(
  out: Float32Array,
  { turns, drive }: Motion,
  { colour, level, course }: Rub,
  dice: Dice,
  gainOf: (sample: number) => number = () => 1,
): void {
  if (level === 0) return;
  const heard = new Float32Array(out.length);
  fillColour(dice, colour, heard);
  let gain = 0;
  for (let i = 0; i < out.length; i += 1) {
    if ((i & 63) === 0) gain = level * gainOf(i);
    const turn = turns[i] as number;
    const hump = course[Math.floor((turn - Math.floor(turn)) * humpSize)] as number;
    out[i] = (out[i] as number) + gain * (drive[i] as number) * hump * (heard[i] as number);
  }
}

/** Adds noise that cares for no shaft. `gainOf` is asked once in 64 samples. */
export function addAir(
  out: Float32Array,
  colour: Colour,
  level: number,
  dice: Dice,
  gainOf: (sample: number) => number = () => 1,
): void {
  const heard = new Float32Array(out.length);
  fillColour(dice, colour, heard);
  let gain = 0;
  for (let i = 0; i < out.length; i += 1) {
    if ((i & 63) === 0) gain = level * gainOf(i);
    out[i] = (out[i] as number) + gain * (heard[i] as number);
  }
}

const waveSize = 4096;

/** One period of a wave of mean 0 and root mean square 1. */
export function waveOf(value: (turn: number) => number): Float32Array {
  const wave = Float32Array.from({ length: waveSize + 1 }, (_, i) => value(i / waveSize));
  let [sum, power] = [0, 0];
  for (let i = 0; i < waveSize; i += 1) sum += wave[i] as number;
  for (let i = 0; i <= waveSize; i += 1) {
    wave[i] = (wave[i] as number) - sum / waveSize;
    if (i < waveSize) power += (wave[i] as number) ** 2;
  }
  const scale = 1 / Math.sqrt(Math.max(1e-20, power / waveSize));
  return wave.map((one) => one * scale);
}

/** Plays a wave `order` times a turn; its level goes with the speed to a power. `each` weighs every period by its number. */
export function addWave(
  out: Float32Array,
  { turns, drive }: Motion,
  wave: Float32Array,
  { order, level, power, each }: { order: number; level: number; power: 1 | 2; each?: Float32Array },
): void {
  if (level === 0) return;
  let [period, weight] = [Number.NaN, 1];
  for (let i = 0; i < out.length; i += 1) {
    const share = drive[i] as number;
    if (share === 0) continue;
    const place = order * (turns[i] as number);
    const whole = Math.floor(place);
    if (each !== undefined && whole !== period) {
      period = whole;
      weight = each[((whole % each.length) + each.length) % each.length] as number;
    }
    const at = (place - whole) * waveSize;
    const k = at | 0;
    const here = wave[k] as number;
    const value = here + ((wave[k + 1] as number) - here) * (at - k);
    out[i] = (out[i] as number) + level * weight * (power === 2 ? share * share : share) * value;
  }
}

export const sineWave: Float32Array = waveOf((turn) => Math.sin(2 * Math.PI * turn));

/** Adds a tone in hertz, while the shaft turns or always, that breathes a little. */
export function addPitch(
  out: Float32Array,
  motion: Motion,
  tone: { readonly hz: number; readonly level: number; readonly always: boolean },
  dice: Dice,
): void {
  let at = dice();
  let breath = dice();
  const step = tone.hz / motion.rateHz;
  const breathes = (0.3 + dice()) / motion.rateHz;
  for (let i = 0; i < out.length; i += 1) {
    at += step;
    if (at >= 1) at -= 1;
    breath += breathes;
    if (breath >= 1) breath -= 1;
    if (!tone.always && (motion.drive[i] as number) === 0) continue;
    const level = tone.level * (1 + 0.2 * (sineWave[(breath * waveSize) | 0] as number));
    out[i] = (out[i] as number) + level * (sineWave[(at * waveSize) | 0] as number);
  }
}
