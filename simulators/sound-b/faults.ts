/** Which faults are of which machine, and what generator b refuses. */
import type { Asked, KnittingFault, SewingFault, SoundFault } from '../dataset/sound.ts';
import { SimulatorError } from '../errors.ts';
import type { MachineB } from './generator.ts';

export const isOfKnitting = (fault: SoundFault): fault is KnittingFault =>
  fault.kind === 'badNeedle' || fault.kind === 'badFeeder' || fault.kind === 'lackOfOil';
export const isOfSewing = (fault: SoundFault): fault is SewingFault => !isOfKnitting(fault);

/** @throws SimulatorError `soundImpossible` */
export function checkAsked(machine: MachineB, { segments, faults, load }: Asked): void {
  const [why] = [
    ...(segments.length === 0 ? ['a clip of no parts'] : []),
    ...(load >= 0 && load <= 1 ? [] : [`the load ${load} is not between 0 and 1`]),
    ...segments.flatMap((segment) => {
      if (!(segment.durationS > 0 && segment.durationS <= 3600)) return [`a part of ${segment.durationS} s`];
      return segment.kind === 'run' && !(segment.speed > 0) ? [`a run at the speed ${segment.speed}`] : [];
    }),
    ...faults.flatMap((fault) => wrongWith(machine, fault)),
  ];
  if (why !== undefined) throw new SimulatorError('soundImpossible', why);
}

function wrongWith(machine: MachineB, fault: SoundFault): readonly string[] {
  const { kind, severity } = fault;
  if (!(severity >= 0 && severity <= 1)) return [`${kind}: the severity ${severity} is not between 0 and 1`];
  if (isOfKnitting(fault) !== (machine.kind === 'knitting')) return [`${kind} of a ${machine.kind} machine`];
  if (machine.kind === 'sewing') {
    return kind === 'slippingBelt' && machine.voice.beltOrder === null ? ['slippingBelt without a belt'] : [];
  }
  const { position, feeders } = machine.voice;
  if (fault.kind === 'badNeedle' && !has(position.needles, fault.needle)) return [`needle ${fault.needle}`];
  if (fault.kind === 'badFeeder' && !has(feeders, fault.feeder)) return [`feeder ${fault.feeder}`];
  return [];
}

const has = (many: number, number: number): boolean => Number.isInteger(number) && number >= 0 && number < many;
