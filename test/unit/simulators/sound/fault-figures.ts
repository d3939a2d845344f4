/** Clips with a fault in them, and the figures that tell of it. */
import assert from 'node:assert/strict';
import type { Clip, Segment, SoundFault } from '../../../../simulators/dataset/sound.ts';
import { record } from '../../../../simulators/sound/clip.ts';
import { sound, type SoundMachine } from '../../../../simulators/sound/machine.ts';
import { between, envelope, lineAt, mean } from './measure.ts';

export const rateHz = 32_000;
export const severities = [0, 0.3, 0.6, 1];

export const clipOf = (machine: SoundMachine, faults: readonly SoundFault[], segments?: readonly Segment[]): Clip =>
  record(machine, {
    seed: 11,
    segments: segments ?? [{ kind: 'run', durationS: 4, speed: machine.voice.drive.nominalPerMinute }],
    load: 0.5,
    temperatureC: 30,
    faults,
  });

/** As it is at the machine, where no room is between. */
export function atMachine(machine: SoundMachine, faults: readonly SoundFault[]): Pick<Clip, 'samples' | 'shaft'> {
  const speed = machine.voice.drive.nominalPerMinute;
  const durationS = machine.kind === 'sewing' ? 4 : 180 / speed;
  const segments = [{ kind: 'run', durationS, speed } as const];
  const { samples, motion } = sound(machine, { seed: 11, segments, load: 0.5, temperatureC: 30, faults });
  return { samples, shaft: motion };
}
export const power = (samples: Float32Array): number => samples.reduce((sum, v) => sum + v * v, 0) / samples.length;
export const rises = (name: string, values: readonly number[]): void => {
  for (const [i, value] of values.entries()) {
    assert.ok(
      i === 0 || value > (values[i - 1] ?? Infinity),
      `${name}: ${values.map((v) => v.toPrecision(3)).join(' ')}`,
    );
  }
};
export const bandOf = (fromHz: number, toHz: number) => (clip: Clip) =>
  power(between(clip.samples, rateHz, fromHz, toHz));
/** Of the sound itself: power of a line at an order of the shaft. */
export const orderOf = (order: number) => (clip: Clip) =>
  lineAt(clip.samples, (i) => order * (clip.shaft.turns[i] ?? 0));
/** Of the envelope of a band: how much of it goes with an order, and at which angle (turns) it is loudest. */
export function swing(
  clip: Pick<Clip, 'samples' | 'shaft'>,
  fromHz: number,
  toHz: number,
  order: number,
  power = 1,
): { depth: number; turns: number } {
  const heard = between(clip.samples, rateHz, fromHz, toHz);
  const levels = envelope(heard, rateHz, 0.0005).map((level) => level ** power);
  let [re, im, sum] = [0, 0, 0];
  for (const [k, level] of levels.entries()) {
    const angle = 2 * Math.PI * order * (clip.shaft.turns[Math.round((k + 0.5) * 0.0005 * rateHz)] ?? 0);
    re += level * Math.cos(angle);
    im += level * Math.sin(angle);
    sum += level;
  }
  const turns = Math.atan2(im, re) / (2 * Math.PI);
  return { depth: Math.hypot(re, im) / sum, turns: turns - Math.floor(turns) };
}
/** How much the envelope of a band goes with the angle: standard deviation by mean of the mean course of a turn, in 32 parts. */
export function comb(clip: Clip, fromHz: number, toHz: number): number {
  const [sums, counts] = [new Float64Array(32), new Float64Array(32)];
  for (const [k, level] of envelope(between(clip.samples, rateHz, fromHz, toHz), rateHz, 0.0005).entries()) {
    const turns = clip.shaft.turns[Math.round((k + 0.5) * 0.0005 * rateHz)] ?? 0;
    const part = Math.floor((turns - Math.floor(turns)) * 32);
    sums[part] = (sums[part] ?? 0) + level;
    counts[part] = (counts[part] ?? 0) + 1;
  }
  const course = [...sums].map((sum, i) => sum / (counts[i] ?? 1));
  const middle = mean(course);
  return Math.sqrt(mean(course.map((level) => (level - middle) ** 2))) / middle;
}
/** Distance on the circle of one turn. */
export const apart = (a: number, b: number): number => Math.abs(a - b - Math.round(a - b));
