/**
 * The hall of generator b. Everything in it starts and stops by itself: machines of its own sew in bursts, a compressor fills its vessel
 * and rests, people talk and are silent, air guns hiss, things fall. What is heard at an hour of the hall belongs to that hour. Guess: all
 * of it (domain.md §7.1 names the parts).
 */
import type { HallTraits, Segment } from '../dataset/sound.ts';
import { burstsOf } from './burst.ts';
import { colourOf, fillColour, resonanceOf } from './colour.ts';
import { count, diceOf, pick, pickRatio, type Dice } from './dice.ts';
import { addKnittingB, knittingChangesB, knittingOf } from './knitting.ts';
import { inRoom, roomOf } from './place.ts';
import { blowOn, plateOf, type Blow } from './plate.ts';
import { addBlow, addPart } from './play.ts';
import { addSewingB, sewingChangesB, sewingOf } from './sewing.ts';
import { turnShaft } from './shaft.ts';

interface Source {
  /** Root mean square 1; its end goes on at its beginning. */
  readonly loop: Float32Array;
  readonly level: number;
  /** It is on in this share of its spans, each so long; chance, by the seed, says in which. */
  readonly spanS: number;
  readonly onShare: number;
  readonly seed: number;
}

export interface HallB {
  readonly rateHz: number;
  readonly sources: readonly Source[];
  readonly bangs: readonly Blow[];
  readonly guns: readonly Float32Array[];
  readonly bangsPerMinute: number;
}

export function hallOf(seed: number, rateHz: number, traits: HallTraits): HallB {
  const dice = diceOf(seed, 'hall');
  const sources: Source[] = [];
  const add = (sound: Float32Array, level: number, spanS: number, onShare: number): void => {
    sources.push({ loop: looped(sound, rateHz), level, spanS, onShare, seed: count(dice, [0, 0xffff_fffe]) });
  };
  for (let i = 0; i < traits.machines; i += 1) {
    const sound = neighbour(diceOf(seed, `neighbour ${i}`), rateHz, traits.neighbours);
    const level = 10 ** (pick(dice, [-10, 10]) / 20);
    if (traits.neighbours === 'sewing') add(sound, level, pick(dice, [2, 9]), pick(dice, [0.55, 0.9]));
    else add(sound, level, pick(dice, [40, 200]), 0.92);
  }
  // Air in pipes and ducts is always there.
  const air = new Float32Array(Math.round(5.3 * rateHz));
  fillColour(dice, colourOf(rateHz, { pink: 1, brown: pick(dice, [0.3, 1]), lowHz: pick(dice, [700, 3000]) }), air);
  add(air, pick(dice, [0.15, 0.3]), 1000, 1);
  add(compressor(dice, rateHz), pick(dice, [0.2, 0.5]), pick(dice, [15, 45]), 0.4);
  for (let i = 0; i < traits.voices; i += 1) add(talk(dice, rateHz), pick(dice, [0.1, 0.35]), pick(dice, [3, 8]), 0.6);
  const plates = [0, 1, 2].map(() =>
    plateOf(dice, {
      lowestHz: pickRatio(dice, [60, 400]),
      highestHz: 6000,
      most: 50,
      loss: pickRatio(dice, [0.003, 0.02]),
      drain: pickRatio(dice, [10, 40]),
      bendS: 0.002,
    }),
  );
  return {
    rateHz,
    sources,
    bangs: plates.map((plate) => blowOn(dice, rateHz, plate, pickRatio(dice, [0.3, 2]), 0.05)),
    guns: burstsOf(dice, rateHz, { hz: [1500, 9000], tauMs: [40, 160], count: 3 }),
    bangsPerMinute: traits.bangsPerMinute,
  };
}

/** What a clip of so many samples hears of a hall, from an hour that chance chooses. */
export function heardOf(dice: Dice, hall: HallB, length: number): Float32Array {
  const { rateHz, sources, bangs, guns, bangsPerMinute } = hall;
  const out = new Float32Array(length);
  const startS = Math.floor(dice() * 36_000);
  for (const source of sources) addSource(out, source, startS, rateHz);
  if (bangsPerMinute === 0) return out;
  const gapS = 60 / bangsPerMinute;
  for (const at of chances(dice, gapS * rateHz, length)) {
    const bang = bangs[count(dice, [0, bangs.length - 1])];
    if (bang !== undefined) addBlow(out, at, bang, pickRatio(dice, [1.5, 6]), 3);
  }
  for (const at of chances(dice, 2 * gapS * rateHz, length)) {
    const gun = guns[count(dice, [0, guns.length - 1])];
    if (gun !== undefined) addPart(out, at, gun, pickRatio(dice, [0.4, 1.5]));
  }
  return out;
}

/** Samples at which something happens that happens by chance. */
function chances(dice: Dice, mean: number, length: number): number[] {
  const list: number[] = [];
  let at = 0;
  do {
    at -= Math.log(1 - dice()) * mean;
    if (at < length) list.push(Math.floor(at));
  } while (at < length);
  return list;
}

/** Samples in which a source comes up or goes down by one step. */
const step = 256;

function addSource(out: Float32Array, source: Source, startS: number, rateHz: number): void {
  const { loop, level, spanS, onShare, seed } = source;
  const isOn = (span: number): number => (diceOf(seed, `span ${span}`)() < onShare ? 1 : 0);
  let span = Math.floor(startS / spanS);
  let wanted = isOn(span);
  let gain = wanted;
  let at = (startS * rateHz) % loop.length;
  for (let from = 0; from < out.length; from += step) {
    const now = Math.floor((startS + from / rateHz) / spanS);
    if (now !== span) wanted = isOn(now);
    span = now;
    gain += Math.max(-0.03, Math.min(0.03, wanted - gain));
    const loud = level * gain;
    const end = Math.min(out.length, from + step);
    if (loud === 0) {
      at = (at + end - from) % loop.length;
      continue;
    }
    for (let i = from; i < end; i += 1) {
      out[i] = (out[i] as number) + loud * (loop[at] as number);
      at += 1;
      if (at === loop.length) at = 0;
    }
  }
}

/** Fades the last 0.3 s into the first, and sets the root mean square to 1. */
function looped(sound: Float32Array, rateHz: number): Float32Array {
  const fade = Math.round(0.3 * rateHz);
  const loop = sound.slice(0, sound.length - fade);
  for (let i = 0; i < fade; i += 1) {
    const share = (i + 0.5) / fade;
    const over = sound[loop.length + i] as number;
    loop[i] = Math.sqrt(share) * (loop[i] as number) + Math.sqrt(1 - share) * over;
  }
  const power = loop.reduce((sum, value) => sum + value * value, 0) / loop.length;
  const scale = 1 / Math.sqrt(Math.max(1e-20, power));
  return loop.map((value) => value * scale);
}

/** Another machine, far away: bursts at speeds of their own, no two alike. */
function neighbour(dice: Dice, rateHz: number, kind: HallTraits['neighbours']): Float32Array {
  const lengthS = pick(dice, [7, 12]);
  const nothing = { load: dice(), temperatureC: 28 };
  const named = (name: string): Dice => diceOf(Math.floor(dice() * 0x1_0000_0000), name);
  if (kind === 'knitting') {
    const voice = knittingOf(dice, rateHz);
    const speed = voice.engine.nominalPerMinute * pick(dice, [0.7, 1]);
    const motion = turnShaft(dice, rateHz, voice.engine, [{ kind: 'run', durationS: lengthS, speed }], null);
    const out = new Float32Array(motion.turns.length);
    addKnittingB(out, motion, voice, nothing, knittingChangesB([]), named);
    return inRoom(out, rateHz, roomOf(dice, true));
  }
  const voice = sewingOf(dice, rateHz);
  const segments: Segment[] = [];
  for (let atS = 0; atS < lengthS;) {
    const durationS = pickRatio(dice, [0.8, 5]);
    segments.push({ kind: 'run', durationS, speed: voice.engine.nominalPerMinute * pick(dice, [0.5, 1]) });
    if (dice() < 0.5) segments.push({ kind: 'trim', durationS: 0.5 });
    const restS = pickRatio(dice, [0.15, 1]);
    segments.push({ kind: 'stop', durationS: restS });
    atS += durationS + restS;
  }
  const motion = turnShaft(dice, rateHz, voice.engine, segments, null);
  const out = new Float32Array(motion.turns.length);
  addSewingB(out, motion, voice, nothing, sewingChangesB([]), named);
  return inRoom(out, rateHz, roomOf(dice, true));
}

/** A piston on its vessel, some ten strokes a second, and the hum of its motor. */
function compressor(dice: Dice, rateHz: number): Float32Array {
  const out = new Float32Array(Math.round(pick(dice, [3, 4.5]) * rateHz));
  const vessel = plateOf(dice, { lowestHz: 45, highestHz: 700, most: 24, loss: 0.02, drain: 25, bendS: 0.0005 });
  const stroke = blowOn(dice, rateHz, vessel, 6, 0.02);
  const gap = rateHz / pick(dice, [8, 15]);
  for (let at = gap * dice(); at < out.length; at += gap) {
    addBlow(out, Math.floor(at), stroke, pick(dice, [1.6, 2.4]), 2);
  }
  const humHz = 50 * pick(dice, [0.97, 0.995]);
  for (let i = 0; i < out.length; i += 1) {
    const angle = (2 * Math.PI * humHz * i) / rateHz;
    out[i] = (out[i] as number) + 0.5 * Math.sin(angle) + 0.4 * Math.sin(2 * angle + 1);
  }
  return out;
}

/** A murmur as of a person; nothing is said. Pulses of a voice through two formants that glide from syllable to syllable. */
function talk(dice: Dice, rateHz: number): Float32Array {
  const out = new Float32Array(Math.round(pick(dice, [6, 9]) * rateHz));
  const voiceHz = pickRatio(dice, [90, 240]);
  let [at, hz] = [0, voiceHz];
  let [y1, y2, z1, z2, x1, x2] = [0, 0, 0, 0, 0, 0];
  let low = resonanceOf(rateHz, 500, 4, 1);
  let high = resonanceOf(rateHz, 1500, 5, 0.6);
  let [length, since, loud] = [1, 1, 0];
  for (let i = 0; i < out.length; i += 1) {
    since += 1;
    if (since >= length) {
      length = Math.floor(pickRatio(dice, [0.1, 0.35]) * rateHz);
      since = 0;
      loud = dice() < 0.25 ? 0 : pick(dice, [0.5, 1.5]);
      hz = voiceHz * pickRatio(dice, [0.85, 1.25]);
      low = resonanceOf(rateHz, pickRatio(dice, [280, 850]), 4, 1);
      high = resonanceOf(rateHz, pickRatio(dice, [900, 2700]), 5, 0.6);
    }
    at += hz / rateHz;
    let x = 0.02 * (dice() - 0.5);
    if (at >= 1) {
      at -= 1;
      x += 1;
    }
    x *= loud * Math.sin((Math.PI * since) / length);
    const y = low.c1 * y1 - low.c2 * y2 + x - x2;
    const z = high.c1 * z1 - high.c2 * z2 + x - x2;
    [y2, y1, z2, z1, x2, x1] = [y1, y, z1, z, x1, x];
    out[i] = low.gain * y + high.gain * z;
  }
  return out;
}
