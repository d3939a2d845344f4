/**
 * What else is heard: other machines at ±10 dB to each other, compressors at 50 and 100 Hz, murmur as of people (no speech: nothing was
 * recorded and nothing is said), bangs. A hall is made once; every clip hears another part of it and other bangs.
 *
 * Guess: all of it (domain.md §7.1 names the parts; voiceprint.md has no measured hall).
 */
import type { HallTraits } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween, type Random } from '../random.ts';
import { responseOf } from './bodies.ts';
import { createKnittingSound, createSewingSound, sound } from './machine.ts';
import { bandBank, colour, fillWhite, rmsOf } from './noise.ts';
import { addRoom } from './room.ts';
import { addAt, addTone } from './sources.ts';

export interface Hall {
  readonly rateHz: number;
  /** Root mean square 1, without bangs; its end goes on at its beginning. */
  readonly bed: Float32Array;
  readonly bangs: readonly Float32Array[];
  readonly bangsPerMinute: number;
}

const bedS = 12;
/** The end of the bed fades into what comes before its beginning. */
const fadeS = 0.5;

export function createHall(seed: number, rateHz: number, traits: HallTraits): Hall {
  const random = createRandom(seed, 'hall');
  const length = Math.round(bedS * rateHz);
  const whole = new Float32Array(length + Math.round(fadeS * rateHz));
  for (let i = 0; i < traits.machines; i += 1) {
    const heard = neighbour(random, rateHz, traits.neighbours, whole.length / rateHz);
    const level = 10 ** (between(random, [-10, 10]) / 20) / Math.max(1e-9, rmsOf(heard));
    addAt(whole, 0, heard, level);
  }
  const compressorHz = 50 * between(random, [0.98, 1]);
  const still = { rateHz, turns: new Float64Array(0), drive: new Float32Array(0), starts: [], stops: [], trims: [] };
  for (const [i, level] of [0.4, 0.3, 0.1].entries()) {
    const loud = level * between(random, [0.4, 1.4]);
    addTone(whole, still, { hz: compressorHz * (i + 1), level: loud, phase: random(), always: true });
  }
  for (let i = 0; i < traits.voices; i += 1) addMurmur(random, rateHz, whole, between(random, [0.1, 0.35]));
  const bed = whole.slice(0, length);
  const fade = whole.length - length;
  for (let i = 0; i < fade; i += 1) {
    // Of equal power: the two are not alike.
    const share = (Math.PI / 2) * ((i + 0.5) / fade);
    bed[i] = Math.sin(share) * (whole[i] ?? 0) + Math.cos(share) * (whole[length + i] ?? 0);
  }
  const scale = 1 / Math.max(1e-9, rmsOf(bed));
  for (let i = 0; i < length; i += 1) bed[i] = scale * (bed[i] ?? 0);
  return {
    rateHz,
    bed,
    bangs: Array.from({ length: 4 }, () =>
      responseOf(random, rateHz, {
        modes: 40,
        fromHz: 150,
        toHz: 5000,
        decayMs: [20, 90],
        spectrum: [-6, -3, 0, 0, -3, -8, -16],
        contactMs: 2,
        bounces: wholeBetween(random, [0, 2]),
      }),
    ),
    bangsPerMinute: traits.bangsPerMinute,
  };
}

/** The part of a hall that one clip hears: root mean square about 1, more with bangs. */
export function hallPart(random: Random, { bed, bangs, bangsPerMinute, rateHz }: Hall, length: number): Float32Array {
  const part = new Float32Array(length);
  let at = Math.floor(random() * bed.length);
  for (let i = 0; i < length; i += 1) {
    part[i] = bed[at] as number;
    at = at + 1 === bed.length ? 0 : at + 1;
  }
  if (bangsPerMinute === 0) return part;
  for (let when = 0; ;) {
    when -= Math.log(1 - random()) * (60 / bangsPerMinute) * rateHz;
    if (when >= length) return part;
    const bang = bangs[wholeBetween(random, [0, bangs.length - 1])];
    if (bang !== undefined) addAt(part, Math.floor(when), bang, between(random, [2, 6]));
  }
}

/** Another machine on the other side of the hall, which starts and stops as it likes. */
function neighbour(random: Random, rateHz: number, kind: HallTraits['neighbours'], lengthS: number): Float32Array {
  const seed = Math.floor(random() * 0x1_0000_0000);
  const machine = kind === 'sewing' ? createSewingSound(seed, rateHz) : createKnittingSound(seed, rateHz);
  const speed = machine.voice.drive.nominalPerMinute * between(random, [0.6, 1]);
  const stopS = kind === 'sewing' ? between(random, [0.5, 3]) : 0;
  const firstS = between(random, [2, lengthS - 4]);
  const { samples } = sound(machine, {
    seed: 1,
    segments: [
      { kind: 'run', durationS: firstS, speed },
      ...(stopS > 0 ? [{ kind: 'stop', durationS: stopS } as const] : []),
      { kind: 'run', durationS: lengthS - firstS - stopS, speed },
    ],
    load: random(),
    temperatureC: 30,
    faults: [],
  });
  // From far away the room is louder than the machine.
  addRoom(samples, rateHz, { ...machine.room, wet: 0.85, tailMs: 1.5 * machine.room.tailMs });
  return samples;
}

/** Formants of vowels, roughly; which are loud changes from syllable to syllable. */
const formantsHz: readonly (readonly [number, number])[] = [
  [300, 800],
  [900, 1700],
  [1900, 3000],
];

function addMurmur(random: Random, rateHz: number, out: Float32Array, level: number): void {
  const voiceHz = between(random, [90, 230]);
  const source = new Float32Array(out.length);
  fillWhite(random, source);
  const syllable = Math.round(rateHz / between(random, [3, 6]));
  let at = 0;
  let hz = voiceHz;
  for (let i = 0; i < source.length; i += 1) {
    if (i % syllable === 0) hz = voiceHz * between(random, [0.85, 1.2]);
    at += hz / rateHz;
    if (at >= 1) at -= 1;
    source[i] = 2 * (2 * at - 1) + 0.3 * (source[i] as number);
  }
  for (const [from, to] of formantsHz) {
    const band = new Float32Array(out.length);
    colour(source, bandBank(rateHz, from, to), band);
    const scale = level / Math.max(1e-9, rmsOf(band));
    let loud = 0;
    for (let i = 0; i < out.length; i += 1) {
      if (i % syllable === 0) loud = random() < 0.3 ? 0 : 2 * random();
      const swell = Math.sin((Math.PI * (i % syllable)) / syllable) ** 2;
      out[i] = (out[i] as number) + scale * loud * swell * (band[i] as number);
    }
  }
}
