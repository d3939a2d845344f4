/** Clips of generator b with a fault in them, and the figures that tell of it. */
import assert from 'node:assert/strict';
import type { Clip, HeardMachine, Segment, Site, SoundFault } from '../../../../simulators/dataset/sound.ts';
import { generatorB } from '../../../../simulators/sound-b/generator.ts';

export const rateHz = 32_000;
export const severities = [0, 0.3, 0.6, 1];

export const machineOf = (kind: Site['kind'], seed: number): HeardMachine =>
  generatorB({ kind, seed, rateHz, hall: null });

/** The first so many machines of which something is true. */
export function machinesOf(
  kind: Site['kind'],
  many: number,
  wanted: (machine: HeardMachine) => boolean = () => true,
): HeardMachine[] {
  const machines: HeardMachine[] = [];
  for (let seed = 1; machines.length < many; seed += 1) {
    const machine = machineOf(kind, seed);
    if (wanted(machine)) machines.push(machine);
  }
  return machines;
}

export const clipOf = (machine: HeardMachine, faults: readonly SoundFault[], segments?: readonly Segment[]): Clip =>
  machine.record({
    seed: 11,
    segments: segments ?? [{ kind: 'run', durationS: 4, speed: machine.nominalPerMinute }],
    load: 0.5,
    temperatureC: 30,
    faults,
    snrDb: null,
  });

/** What a fault adds: the clip with it less the clip without. */
export function addedBy(machine: HeardMachine, fault: SoundFault, segments?: readonly Segment[]): Clip {
  const bad = clipOf(machine, [fault], segments);
  const good = clipOf(machine, [], segments);
  return { ...bad, samples: bad.samples.map((value, i) => value - (good.samples[i] ?? 0)) };
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
/** Distance on the circle of one turn. */
export const apart = (a: number, b: number): number => Math.abs(a - b - Math.round(a - b));
