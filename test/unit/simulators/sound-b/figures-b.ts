/** Clips of generator b with a fault in them, and the figures that tell of it. */
import type { Clip, HeardMachine, Segment, Site, SoundFault } from '../../../../simulators/dataset/sound.ts';
import { generatorB } from '../../../../simulators/sound-b/generator.ts';
import { rateHz } from '../sound/fault-figures.ts';

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
