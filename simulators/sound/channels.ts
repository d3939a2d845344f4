/**
 * What goes with the sound: the second channel with the pulse of the index, and what a poll of the machine says. Both are as bad as they
 * are in a mill.
 *
 * Physics: one pulse a turn; a poll answers with what was true some time ago; two clocks drift apart. Guess: jitter, latency, how coarse
 * the speed is.
 */
import type { Motion, Reading } from '../dataset/sound.ts';
import { between, noise, type Random } from '../random.ts';
import { turnsAt } from './motion.ts';

/** Width of a pulse, s. */
const pulseS = 0.001;

/** A pulse at every whole turn; its rise is late or early by `jitterS` (standard deviation). */
export function pulseOf(random: Random, { turns, rateHz }: Motion, jitterS: number): Float32Array {
  const pulse = new Float32Array(turns.length);
  const width = Math.round(pulseS * rateHz);
  for (let i = 1; i < turns.length; i += 1) {
    if (Math.floor(turns[i] as number) === Math.floor(turns[i - 1] as number)) continue;
    const from = Math.max(0, i + Math.round(jitterS * noise(random) * rateHz));
    pulse.fill(0.8, from, Math.min(pulse.length, from + width));
  }
  return pulse;
}

export interface Polling {
  readonly intervalS: number;
  /** The least and the greatest age of what an answer says, s. */
  readonly latencyS: readonly [number, number];
  /** The agent's clock runs faster than the sound's by so many millionths. */
  readonly skewPpm: number;
  /** The speed is given in steps of so much a minute. */
  readonly speedStep: number;
}

/** Polls a machine for as long as the clip lasts. */
export function poll(
  random: Random,
  motion: Motion,
  nominalPerMinute: number,
  polling: Polling,
  rest: { readonly temperatureC: number; readonly loadShare: number },
): Reading[] {
  const readings: Reading[] = [];
  const lengthS = motion.turns.length / motion.rateHz;
  const began = Math.floor(turnsAt(motion, 0));
  const firstS = between(random, [0, polling.intervalS]);
  for (let number = 0; ; number += 1) {
    const atS = firstS + number * polling.intervalS;
    if (atS >= lengthS) return readings;
    const trueS = Math.max(0, atS - between(random, polling.latencyS));
    const drive = motion.drive[Math.min(motion.drive.length - 1, Math.floor(trueS * motion.rateHz))] ?? 0;
    readings.push({
      atS: atS * (1 + polling.skewPpm / 1e6),
      speed: Math.round((drive * nominalPerMinute) / polling.speedStep) * polling.speedStep,
      count: Math.floor(turnsAt(motion, trueS)) - began,
      temperatureC: Math.round(rest.temperatureC * 10) / 10,
      // A machine at rest takes nothing.
      loadShare: drive > 0 ? rest.loadShare : 0,
    });
  }
}
