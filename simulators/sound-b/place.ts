/**
 * The room and the microphone of generator b. Physics: floor, ceiling and walls as mirrors (the first images of a box), then a tail that
 * is nothing but sparse taps of either sign (velvet noise), each third of the spectrum with a decay of its own, made denser by two
 * all-passes. (Generator a feeds delays into each other.)
 */
import type { Converter } from '../dataset/sound.ts';
import { bell, fillBell, pick, pickRatio, type Dice } from './dice.ts';
import { resonanceOf } from './colour.ts';

interface Tap {
  readonly delayMs: number;
  readonly gain: number;
}

export interface RoomB {
  /** The six nearest mirrors. */
  readonly images: readonly Tap[];
  /** What a wall leaves of the heights: corner of one pole. */
  readonly wallHz: number;
  /** Low, middle, high. */
  readonly tails: readonly (readonly Tap[])[];
  readonly cornersHz: readonly [number, number];
  readonly diffuseMs: readonly [number, number];
}

/** Taps of the tail for each third of the spectrum; multiples of four, see `addTaps`. */
const tapsOf = [12, 20, 28] as const;

/** @param far from far away the room is louder than what sounds in it */
export function roomOf(dice: Dice, far = false): RoomB {
  const sizeM = [pickRatio(dice, [5, 30]), pickRatio(dice, [4, 20]), pick(dice, [2.7, 5])] as const;
  const sourceM = sizeM.map((m) => m * pick(dice, [0.15, 0.85]));
  const sourceHighM = pick(dice, [0.8, 1.1]);
  const directM = far ? pick(dice, [3, 8]) : pick(dice, [0.25, 0.7]);
  const hard = pick(dice, [0.55, 0.85]);
  const images = sizeM.flatMap((m, axis) => {
    const at = axis === 2 ? sourceHighM : (sourceM[axis] ?? 0);
    return [2 * at, 2 * (m - at)].map((wayM) => {
      const lengthM = Math.hypot(directM, Math.max(0.3, wayM));
      return { delayMs: ((lengthM - directM) / 343) * 1000, gain: (hard * directM) / lengthM };
    });
  });
  const wet = far ? pick(dice, [0.75, 0.9]) : pick(dice, [0.35, 0.65]);
  const direct = 1 + images.reduce((sum, { gain }) => sum + gain * gain, 0);
  const middleTauMs = (far ? 2 : 1) * pickRatio(dice, [14, 55]);
  const tails = tapsOf.map((taps, band) => {
    const tauMs = middleTauMs * ([pick(dice, [1.1, 1.6]), 1, pick(dice, [0.5, 0.8])][band] ?? 1);
    const spacing = (3 * tauMs) / taps;
    const list = Array.from({ length: taps }, (_, k) => {
      const delayMs = 2 + spacing * (k + dice());
      return { delayMs, gain: (dice() < 0.5 ? -1 : 1) * Math.exp(-delayMs / tauMs) };
    });
    const power = list.reduce((sum, { gain }) => sum + gain * gain, 0);
    const scale = (wet / (1 - wet)) * Math.sqrt(direct / power);
    return list.map(({ delayMs, gain }) => ({ delayMs, gain: gain * scale }));
  });
  return {
    images,
    wallHz: pick(dice, [3000, 9000]),
    tails,
    cornersHz: [pick(dice, [400, 700]), pick(dice, [2000, 3200])],
    diffuseMs: [pick(dice, [1.2, 2.2]), pick(dice, [3.1, 5.3])],
  };
}

const block = 4096;

/** What is heard in the room; noise keeps its loudness. */
export function inRoom(samples: Float32Array, rateHz: number, room: RoomB): Float32Array {
  const pole = (hz: number): number => 1 - Math.exp((-2 * Math.PI * hz) / rateHz);
  const [lowPole, highPole, wallPole] = [pole(room.cornersHz[0]), pole(room.cornersHz[1]), pole(room.wallHz)];
  const bands = [0, 1, 2].map(() => new Float32Array(samples.length)) as [Float32Array, Float32Array, Float32Array];
  const dull = new Float32Array(samples.length);
  const [low, middle, high] = bands;
  let [l, m, w] = [0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const x = samples[i] as number;
    l += lowPole * (x - l);
    m += highPole * (x - m);
    w += wallPole * (x - w);
    low[i] = l;
    middle[i] = m - l;
    high[i] = x - m;
    dull[i] = w;
  }
  const power = 1 + room.images.reduce((sum, { gain }) => sum + gain * gain, 0);
  const tailPower = (room.tails[1] ?? []).reduce((sum, { gain }) => sum + gain * gain, 0);
  const scale = 1 / Math.sqrt(power + tailPower);
  const tail = new Float32Array(samples.length);
  for (const [i, taps] of room.tails.entries()) addTaps(tail, bands[i] ?? dull, rateHz, taps);
  for (const [i, delayMs] of room.diffuseMs.entries()) diffuse(tail, Math.round((delayMs / 1000) * rateHz), i);
  addTaps(tail, dull, rateHz, room.images);
  for (let i = 0; i < samples.length; i += 1) tail[i] = scale * ((tail[i] as number) + (samples[i] as number));
  return tail;
}

/** Adds delayed sound, four delays at a time and a block after another: what makes a room fast. */
function addTaps(out: Float32Array, from: Float32Array, rateHz: number, taps: readonly Tap[]): void {
  const none: Tap = { delayMs: 0, gain: 0 };
  const delayOf = ({ delayMs }: Tap): number => Math.round((delayMs / 1000) * rateHz);
  for (let start = 0; start < out.length; start += block) {
    const end = Math.min(out.length, start + block);
    for (let k = 0; k < taps.length; k += 4) {
      const [a = none, b = none, c = none, d = none] = taps.slice(k, k + 4);
      const [da, db, dc, dd] = [delayOf(a), delayOf(b), delayOf(c), delayOf(d)];
      const longest = Math.max(da, db, dc, dd);
      for (let i = start; i < Math.min(end, longest); i += 1) {
        let sum = 0;
        if (i >= da) sum += a.gain * (from[i - da] as number);
        if (i >= db) sum += b.gain * (from[i - db] as number);
        if (i >= dc) sum += c.gain * (from[i - dc] as number);
        if (i >= dd) sum += d.gain * (from[i - dd] as number);
        out[i] = (out[i] as number) + sum;
      }
      const [ga, gb, gc, gd] = [a.gain, b.gain, c.gain, d.gain];
      for (let i = Math.max(start, longest); i < end; i += 1) {
        const sum = ga * (from[i - da] as number) + gb * (from[i - db] as number);
        out[i] = (out[i] as number) + sum + gc * (from[i - dc] as number) + gd * (from[i - dd] as number);
      }
    }
  }
}

/** An all-pass in place: what comes becomes denser, and no louder. */
function diffuse(samples: Float32Array, delay: number, which: number): void {
  const line = new Float32Array(Math.max(1, delay));
  const g = which % 2 === 0 ? 0.62 : -0.55;
  let at = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const held = line[at] as number;
    const into = (samples[i] as number) + g * held;
    samples[i] = held - g * into;
    line[at] = into;
    at = at + 1 === line.length ? 0 : at + 1;
  }
}

export interface MicrophoneB {
  /** Two poles below, a resonance of the port above. */
  readonly highPassHz: number;
  readonly portHz: number;
  readonly portQ: number;
  readonly portGain: number;
  readonly lowPassHz: number;
  readonly noise: number;
}

export function microphoneOf(dice: Dice): MicrophoneB {
  return {
    highPassHz: pickRatio(dice, [25, 90]),
    portHz: pick(dice, [9000, 15_000]),
    portQ: pick(dice, [1.2, 2.5]),
    portGain: pick(dice, [0.2, 0.9]),
    lowPassHz: pick(dice, [13_000, 19_000]),
    noise: 10 ** (pick(dice, [-86, -73]) / 20),
  };
}

/** What the microphone makes of the pressure, in place; without its noise. */
export function hear(samples: Float32Array, rateHz: number, microphone: MicrophoneB): void {
  const high = 1 - Math.exp((-2 * Math.PI * microphone.highPassHz) / rateHz);
  const low = 1 - Math.exp((-2 * Math.PI * Math.min(microphone.lowPassHz, 0.45 * rateHz)) / rateHz);
  const port = resonanceOf(rateHz, microphone.portHz, microphone.portQ, 1);
  // At its middle a resonance has the gain 2 / (1 − r²).
  const level = microphone.portGain * (1 - port.c2) * 0.5;
  let [h1, h2, l, y1, y2, x1, x2] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    let x = samples[i] as number;
    h1 += high * (x - h1);
    x -= h1;
    h2 += high * (x - h2);
    x -= h2;
    const y = port.c1 * y1 - port.c2 * y2 + x - x2;
    y2 = y1;
    y1 = y;
    x2 = x1;
    x1 = x;
    l += low * (x + level * y - l);
    samples[i] = l;
  }
}

/** The microphone's own noise: white, with a little more at the bottom. */
export function addOwnNoise(dice: Dice, samples: Float32Array, { noise }: MicrophoneB): void {
  const white = new Float32Array(samples.length);
  fillBell(dice, white);
  let rumble = bell(dice);
  for (let i = 0; i < samples.length; i += 1) {
    rumble += 0.02 * ((white[i] as number) - rumble);
    samples[i] = (samples[i] as number) + noise * (0.9 * (white[i] as number) + 4 * rumble);
  }
}

/** Clips and quantises, in place. */
export function toFile(samples: Float32Array, { gain, clip, sixteenBit }: Converter): void {
  for (const [i, value] of samples.entries()) {
    const loud = gain * value;
    const held = clip || sixteenBit ? Math.min(1, Math.max(-1, loud)) : loud;
    samples[i] = sixteenBit ? Math.min(32_767, Math.round(held * 32_768)) / 32_768 : held;
  }
}
