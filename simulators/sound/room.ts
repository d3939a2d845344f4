/**
 * From the machine to the file: the room, the microphone, the converter.
 *
 * Physics: a room's tail decays exponentially; a microphone passes neither the lowest nor the highest. Measured: nothing. Guess: tail
 * 15–60 ms and wet share .5–.65 (voiceprint.md §3), corners of the microphone.
 */
import type { Converter } from '../dataset/sound.ts';
import { between, type Random } from '../random.ts';
import { biquadOf, fillWhite, filterOf } from './noise.ts';

export interface Room {
  /** 1/e of the amplitude of the tail. */
  readonly tailMs: number;
  /** Share of the amplitude that comes by the walls. */
  readonly wet: number;
  /** Ways to the walls and back, ms. */
  readonly delaysMs: readonly number[];
  /** How much of the heights each way swallows, 0..1. */
  readonly damping: number;
}

/** A room near the machine, drawn. */
export function createRoom(random: Random): Room {
  return {
    tailMs: between(random, [15, 60]),
    wet: between(random, [0.5, 0.65]),
    delaysMs: [2.3, 3.1, 4.3, 5.9, 7.1, 8.9].map((ms) => ms * between(random, [0.85, 1.15])),
    damping: between(random, [0.05, 0.25]),
  };
}

/**
 * Puts sound into a room, in place: six delays that feed each other by a Householder mirror, so no energy is made and the tail is dense. Wet
 * and dry have the same loudness for noise.
 */
export function addRoom(samples: Float32Array, rateHz: number, room: Room): void {
  roomOf(rateHz, room)(samples);
}

/** The same for sound that comes in pieces: what still rings of one goes on in the next. */
export function roomOf(rateHz: number, room: Room): (samples: Float32Array) => void {
  const delays = room.delaysMs.map((ms) => Math.max(1, Math.round((ms / 1000) * rateHz)));
  const lines = delays.map((delay) => new Float64Array(delay));
  const keep = Float64Array.from(delays, (delay) => Math.exp(-delay / ((room.tailMs / 1000) * rateHz)));
  const places = new Int32Array(delays.length);
  const dull = new Float64Array(delays.length);
  const count = delays.length;
  // Power of the tail for power 1 fed into every line.
  const power = keep.reduce((sum, value) => sum + (value * value) / (1 - value * value), 0);
  const dry = 1 - room.wet;
  const wet = room.wet / Math.sqrt(power);
  const scale = 1 / Math.hypot(dry, room.wet);
  return (samples) => {
    for (let i = 0; i < samples.length; i += 1) {
      const x = samples[i] as number;
      let sum = 0;
      for (let k = 0; k < count; k += 1) {
        const came = (lines[k] as Float64Array)[places[k] as number] as number;
        dull[k] = (keep[k] as number) * (came + room.damping * ((dull[k] as number) - came));
        sum += dull[k] as number;
      }
      const mirror = (2 / count) * sum;
      let heard = 0;
      for (let k = 0; k < count; k += 1) {
        const line = lines[k] as Float64Array;
        const place = places[k] as number;
        line[place] = x + (dull[k] as number) - mirror;
        places[k] = place + 1 === line.length ? 0 : place + 1;
        heard += k % 2 === 0 ? (dull[k] as number) : -(dull[k] as number);
      }
      samples[i] = scale * (dry * x + wet * heard);
    }
  };
}

export interface Microphone {
  readonly highPassHz: number;
  readonly lowPassHz: number;
  /** Its own noise, root mean square of full scale. */
  readonly noise: number;
}

/** A small electret or MEMS microphone, drawn. */
export function createMicrophone(random: Random): Microphone {
  return {
    highPassHz: between(random, [40, 110]),
    lowPassHz: between(random, [14_000, 20_000]),
    noise: 10 ** (between(random, [-84, -74]) / 20),
  };
}

/** What the microphone makes of the pressure, in place; without its noise. */
export function hearBy(samples: Float32Array, rateHz: number, microphone: Microphone): void {
  microphoneOf(rateHz, microphone)(samples);
}

/** The same for sound that comes in pieces. */
export function microphoneOf(rateHz: number, microphone: Microphone): (samples: Float32Array) => void {
  const filters = [
    filterOf(biquadOf('high', rateHz, microphone.highPassHz, 0.7)),
    filterOf(biquadOf('low', rateHz, Math.min(microphone.lowPassHz, 0.45 * rateHz), 0.6)),
  ];
  return (samples) => {
    for (const filter of filters) filter(samples);
  };
}

/** Adds the microphone's own noise. */
export function addSelfNoise(random: Random, samples: Float32Array, microphone: Microphone): void {
  const white = new Float32Array(samples.length);
  fillWhite(random, white);
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = (samples[i] as number) + microphone.noise * (white[i] as number);
  }
}

/** Clips and quantises, in place. */
export function convert(samples: Float32Array, { gain, clip, sixteenBit }: Converter): void {
  for (let i = 0; i < samples.length; i += 1) {
    let value = gain * (samples[i] as number);
    if (clip || sixteenBit) value = Math.max(-1, Math.min(1, value));
    if (sixteenBit) value = Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))) / 32_768;
    samples[i] = value;
  }
}
