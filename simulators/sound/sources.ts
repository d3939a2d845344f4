/**
 * What a moving shaft sounds like, in five kinds: knocks that come at an angle, noise that swells with it, a picture of one turn that is
 * played by the angle, lines at an order, tones at a frequency. Every kind adds to a clip; none knows of another, so leaving one out
 * changes nothing in the rest. What a clip is added to may be longer than its motion: then what was struck rings on in it.
 */
import type { Motion } from '../dataset/sound.ts';
import { noise, wholeBetween, type Random } from '../random.ts';
import { colour, fillWhite, type Band } from './noise.ts';

/** A blow of a part on another, so many times a turn at even distances. */
export interface Knock {
  /** Angle of the first, turns in [0, 1). */
  readonly phase: number;
  readonly perTurn: number;
  readonly level: number;
  /** Standard deviation of its angle, turns, and of its level, share. */
  readonly jitter: number;
  readonly spread: number;
  /** What is heard of one; of several, chance takes one each time. */
  readonly responses: readonly Float32Array[];
}

/** Adds the knocks of a clip. `gainOf` weighs each by the whole turns and which of the turn it is. */
export function addKnocks(
  out: Float32Array,
  { turns, drive }: Motion,
  knock: Knock,
  random: Random,
  gainOf: (sample: number, which: number) => number = () => 1,
): void {
  const { phase, perTurn, level, jitter, spread, responses } = knock;
  if (level === 0 || turns.length < 2) return;
  const last = turns[turns.length - 1] ?? 0;
  // The knock before the first angle of the clip still rings, but its beginning is not in it.
  let number = Math.ceil(((turns[0] ?? 0) - phase) * perTurn);
  let i = 0;
  for (; ; number += 1) {
    const due = phase + number / perTurn + jitter * noise(random);
    const amplitude = level * Math.max(0, 1 + spread * noise(random));
    const response = responses[responses.length === 1 ? 0 : wholeBetween(random, [0, responses.length - 1])];
    if (due >= last || response === undefined) return;
    // A late knock may lie before the one that was due earlier.
    while (i > 0 && (turns[i] ?? 0) > due) i -= 1;
    while (i < turns.length - 1 && (turns[i] ?? 0) < due) i += 1;
    const gain = amplitude * (drive[i] ?? 0) * gainOf(i, ((number % perTurn) + perTurn) % perTurn);
    if (gain !== 0) addAt(out, i, response, gain);
  }
}

/** Adds a response that begins at a sample. */
export function addAt(out: Float32Array, from: number, response: Float32Array, gain: number): void {
  const end = Math.min(out.length - from, response.length);
  for (let k = 0; k < end; k += 1) out[from + k] = (out[from + k] as number) + gain * (response[k] as number);
}

/** Noise of moving parts: its level goes with the speed and swells with the angle. */
export interface Hiss {
  readonly bands: readonly Band[];
  readonly level: number;
  /** Over one turn, mean 1. */
  readonly swell: Float32Array;
}

/** Adds noise. `gainOf` is asked once in 32 samples. */
export function addHiss(
  out: Float32Array,
  { turns, drive }: Motion,
  { bands, level, swell }: Hiss,
  random: Random,
  gainOf: (sample: number) => number = () => 1,
): void {
  if (level === 0) return;
  const white = new Float32Array(turns.length);
  fillWhite(random, white);
  const noisy = new Float32Array(turns.length);
  colour(white, bands, noisy);
  const size = swell.length;
  let gain = 0;
  for (let i = 0; i < turns.length; i += 1) {
    if ((i & 31) === 0) gain = level * gainOf(i);
    const turn = turns[i] as number;
    const place = Math.floor((turn - Math.floor(turn)) * size);
    out[i] = (out[i] as number) + gain * (drive[i] as number) * (swell[place] as number) * (noisy[i] as number);
  }
}

/** A swell of so many humps a turn; depth 0 is steady. */
export function swellOf(depth: number, humps: number, phase: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => 1 + depth * Math.cos(2 * Math.PI * humps * (i / 256 - phase)));
}

const pictureSize = 8192;

/** One order of the shaft. */
export interface Order {
  readonly order: number;
  readonly level: number;
  readonly phase: number;
}

/** All whole orders in one picture of a turn. */
export function pictureOf(orders: readonly Order[]): Float32Array {
  const picture = new Float32Array(pictureSize + 1);
  for (const { order, level, phase } of orders) {
    for (let i = 0; i <= pictureSize; i += 1) {
      picture[i] = (picture[i] ?? 0) + Math.SQRT2 * level * Math.sin(2 * Math.PI * ((order * i) / pictureSize + phase));
    }
  }
  return picture;
}

/**
 * Plays a picture by the angle, `times` times a turn. Physics: forces of inertia go with the square of the speed (`power` 2), those of
 * friction and mesh less (1).
 */
export function addPicture(
  out: Float32Array,
  { turns, drive }: Motion,
  picture: Float32Array,
  times: number,
  level: number,
  power: 1 | 2,
): void {
  if (level === 0) return;
  for (let i = 0; i < turns.length; i += 1) {
    const turn = times * (turns[i] as number);
    const place = (turn - Math.floor(turn)) * pictureSize;
    const k = Math.floor(place);
    const here = picture[k] as number;
    const share = drive[i] as number;
    const value = here + ((picture[k + 1] as number) - here) * (place - k);
    out[i] = (out[i] as number) + level * (power === 2 ? share * share : share) * value;
  }
}

/** One sine a turn; `addPicture` makes an order of it, a whole one or not. */
export const sine: Float32Array = pictureOf([{ order: 1, level: 1, phase: 0 }]);

/** Adds a tone that keeps its frequency whatever the speed, while the shaft turns or always. */
export function addTone(
  out: Float32Array,
  motion: Motion,
  tone: { readonly hz: number; readonly level: number; readonly phase: number; readonly always: boolean },
): void {
  const step = tone.hz / motion.rateHz;
  let at = tone.phase;
  const end = tone.always ? out.length : motion.turns.length;
  for (let i = 0; i < end; i += 1) {
    at += step;
    if (at >= 1) at -= 1;
    if (!tone.always && motion.drive[i] === 0) continue;
    out[i] = (out[i] as number) + tone.level * (sine[Math.floor(at * pictureSize)] as number);
  }
}

/** Adds noise that does not care whether the shaft turns: a fan, the air. `gainOf` is asked once in 32 samples. */
export function addSteady(
  out: Float32Array,
  bands: readonly Band[],
  level: number,
  random: Random,
  gainOf: (sample: number) => number = () => 1,
): void {
  const white = new Float32Array(out.length);
  fillWhite(random, white);
  const noisy = new Float32Array(out.length);
  colour(white, bands, noisy);
  let gain = 0;
  for (let i = 0; i < out.length; i += 1) {
    if ((i & 31) === 0) gain = level * gainOf(i);
    out[i] = (out[i] as number) + gain * (noisy[i] as number);
  }
}
