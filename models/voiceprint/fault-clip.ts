/**
 * A recording with the polls that were made meanwhile, cut into what branch B judges: pieces of half a second in which the machine ran at one speed,
 * by the same gate that stands before the ear of a gateway. Pure.
 *
 * Invariant (test/unit/models/voiceprint-fault-clip.test.ts): no piece holds sound in which the polls do not say that it runs steadily.
 */
import type { FaultPiece } from './fault-ear.ts';
import { hopSamples, modelRateHz } from './front-end.ts';
import { RunGate } from './gate.ts';
import { resample } from './resample.ts';
import type { Sound } from './wav.ts';

/** 0.512 s, as the gateway's pieces. */
export const pieceSamples = 24 * hopSamples;
/** Of the highest value, over which a pulse has risen. */
const riseShare = 0.5;

export interface SpeedReading {
  /** Seconds since the recording began. */
  readonly atS: number;
  /** Stitches or revolutions a minute; 0 while it stands. */
  readonly speed: number;
}

/**
 * @param pulse second channel with the index pulse, of the same length and rate; null without one
 * @returns pieces in their order, without those the gate shuts out
 */
export function piecesOf(sound: Sound, readings: readonly SpeedReading[], pulse: Float32Array | null): FaultPiece[] {
  const { samples } = resample(sound, modelRateHz);
  const marks = pulse === null ? null : risesOf(pulse).map((at) => (at * modelRateHz) / sound.rateHz);
  const gate = new RunGate();
  for (const { atS, speed } of readings) gate.saw({ timeMs: atS * 1000, isRunning: speed > 0, speed });
  const pieces: FaultPiece[] = [];
  for (let from = 0; from + pieceSamples <= samples.length; from += pieceSamples) {
    const answer = gate.answer((from * 1000) / modelRateHz, ((from + pieceSamples) * 1000) / modelRateHz);
    if (answer.kind !== 'open') continue;
    pieces.push({
      pcm: samples.slice(from, from + pieceSamples),
      speed: answer.speed,
      marks: marks?.map((at) => at - from) ?? null,
    });
  }
  return pieces;
}

/** Samples at which a pulse rises. */
export function risesOf(pulse: Float32Array): number[] {
  let most = 0;
  for (const value of pulse) most = Math.max(most, value);
  const rises: number[] = [];
  let isHigh = (pulse[0] ?? 0) > riseShare * most;
  for (let i = 1; i < pulse.length; i += 1) {
    const wasHigh = isHigh;
    isHigh = (pulse[i] as number) > riseShare * most;
    if (isHigh && !wasHigh) rises.push(i);
  }
  return rises;
}
