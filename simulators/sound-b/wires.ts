/** What generator b gives beside the sound: the pulse of the index and what polls of the machine say, as late and as rough as generator a's. */
import type { Motion, Reading } from '../dataset/sound.ts';
import { bell, pick, type Dice } from './dice.ts';
import { angleAt } from './shaft.ts';

/** 1 ms high at every whole turn; its rise is off by `jitterS` (standard deviation). */
export function pulseAt(dice: Dice, { turns, rateHz }: Motion, jitterS: number): Float32Array {
  const pulse = new Float32Array(turns.length);
  let next = Math.ceil(turns[0] ?? 0);
  for (let i = 1; i < turns.length; i += 1) {
    const turn = turns[i] as number;
    if (turn < next) continue;
    next = Math.floor(turn) + 1;
    const rise = Math.max(0, i + Math.round(Math.max(-3, Math.min(3, bell(dice))) * jitterS * rateHz));
    pulse.fill(0.8, rise, rise + Math.round(0.001 * rateHz));
  }
  return pulse;
}

export interface Wire {
  readonly nominalPerMinute: number;
  readonly intervalS: number;
  readonly latencyS: readonly [number, number];
  readonly skewPpm: number;
  readonly speedStep: number;
  readonly temperatureC: number;
  readonly loadShare: number;
}

/** Polls for as long as the clip lasts. */
export function answersOf(dice: Dice, motion: Motion, wire: Wire): Reading[] {
  const answers: Reading[] = [];
  const lengthS = motion.turns.length / motion.rateHz;
  const zero = Math.floor(motion.turns[0] ?? 0);
  for (let atS = dice() * wire.intervalS; atS < lengthS; atS += wire.intervalS) {
    const trueS = Math.max(0, atS - pick(dice, wire.latencyS));
    const drive = motion.drive[Math.floor(trueS * motion.rateHz)] ?? 0;
    answers.push({
      atS: atS * (1 + wire.skewPpm / 1e6),
      speed: Math.round((drive * wire.nominalPerMinute) / wire.speedStep) * wire.speedStep,
      count: Math.floor(angleAt(motion, trueS)) - zero,
      temperatureC: Math.round(wire.temperatureC * 10) / 10,
      loadShare: drive > 0 ? wire.loadShare : 0,
    });
  }
  return answers;
}
