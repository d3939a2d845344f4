/**
 * A machine that can be heard, drawn from a seed: its kind, its voice, its room and its microphone. One machine makes any number of clips
 * (clip.ts); what differs between them is what was done with it. Every figure got from it is a figure about a simulated machine.
 */
import type { Doing, Motion } from '../dataset/sound.ts';
import { SimulatorError } from '../errors.ts';
import { createRandom, type Random } from '../random.ts';
import { checkSeverity, isKnittingFault, isSewingFault, knittingChanges, sewingChanges } from './faults.ts';
import {
  addKnitting,
  addKnittingFault,
  createKnitting,
  drawKnittingTraits,
  type KnittingTraits,
  type KnittingVoice,
} from './knitting.ts';
import { move } from './motion.ts';
import { createMicrophone, createRoom, type Microphone, type Room } from './room.ts';
import { addSewing, createSewing, drawTraits, type SewingTraits, type SewingVoice } from './sewing.ts';
import { addSewingFault } from './sewing-faults.ts';

interface Placed {
  readonly seed: number;
  readonly rateHz: number;
  readonly room: Room;
  readonly microphone: Microphone;
}

export type SewingSound = Placed & { readonly kind: 'sewing'; readonly voice: SewingVoice };
export type KnittingSound = Placed & { readonly kind: 'knitting'; readonly voice: KnittingVoice };
export type SoundMachine = SewingSound | KnittingSound;

const place = (seed: number, rateHz: number): Placed => ({
  seed,
  rateHz,
  room: createRoom(createRandom(seed, 'room')),
  microphone: createMicrophone(createRandom(seed, 'microphone')),
});

/** What is settled of a sewing machine; the rest is drawn from its seed. */
export interface SewingPreset {
  readonly traits?: SewingTraits;
  readonly room?: Partial<Room>;
  readonly microphone?: Partial<Microphone>;
}

/** A sewing machine; without traits an industrial one whose traits are drawn. */
export function createSewingSound(seed: number, rateHz = 48_000, preset: SewingPreset = {}): SewingSound {
  const traits = preset.traits ?? drawTraits(createRandom(seed, 'sewing traits'));
  const placed = place(seed, rateHz);
  return {
    kind: 'sewing',
    ...placed,
    room: { ...placed.room, ...preset.room },
    microphone: { ...placed.microphone, ...preset.microphone },
    voice: createSewing(createRandom(seed, 'sewing'), rateHz, traits),
  };
}

/** A circular knitting machine; without traits they are drawn. */
export function createKnittingSound(seed: number, rateHz = 48_000, traits?: KnittingTraits): KnittingSound {
  const used = traits ?? drawKnittingTraits(createRandom(seed, 'knitting traits'));
  const voice = createKnitting(createRandom(seed, 'knitting'), rateHz, used);
  return { kind: 'knitting', ...place(seed, rateHz), voice };
}

/** Streams of chance of a clip, one a label. */
export const streamsOf =
  (machine: SoundMachine, seed: number) =>
  (label: string): Random =>
    createRandom(machine.seed, `${seed} ${label}`);

export interface Sounding {
  /** At the machine: no room, no microphone, no hall. */
  readonly samples: Float32Array;
  readonly motion: Motion;
  /** Kelvin warmer than the work says, and share of load more, by its faults. */
  readonly warmerK: number;
  readonly loadMore: number;
}

/** Runs a machine and gives its sound at the machine. @throws SimulatorError `soundImpossible` */
export function sound(machine: SoundMachine, doing: Doing): Sounding {
  check(machine, doing);
  const stream = streamsOf(machine, doing.seed);
  if (machine.kind === 'sewing') {
    const faults = doing.faults.filter(isSewingFault);
    const { voice } = machine;
    const changes = sewingChanges(faults);
    const sway = changes.swayShare === 0 ? null : { order: voice.traits.beltOrder ?? 0, share: changes.swayShare };
    const motion = move(stream('motion'), machine.rateHz, voice.drive, doing.segments, sway);
    const samples = new Float32Array(motion.turns.length);
    addSewing(samples, motion, voice, doing, changes, stream);
    for (const fault of faults) addSewingFault(samples, motion, voice, machine.seed, fault, stream);
    return { samples: scaled(samples, voice.traits.gain), motion, warmerK: 0, loadMore: 0 };
  }
  const faults = doing.faults.filter(isKnittingFault);
  const { voice } = machine;
  const changes = knittingChanges(faults);
  const motion = move(stream('motion'), machine.rateHz, voice.drive, doing.segments, null);
  const samples = new Float32Array(motion.turns.length);
  addKnitting(samples, motion, voice, doing, changes, stream);
  for (const fault of faults) addKnittingFault(samples, motion, voice, machine.seed, fault, stream);
  const { warmerK, loadMore } = changes;
  return { samples: scaled(samples, voice.traits.gain), motion, warmerK, loadMore };
}

function scaled(samples: Float32Array, gain: number): Float32Array {
  for (let i = 0; i < samples.length; i += 1) samples[i] = gain * (samples[i] as number);
  return samples;
}

function check(machine: SoundMachine, { segments, faults, load }: Doing): void {
  const refuse = (why: string): never => {
    throw new SimulatorError('soundImpossible', why);
  };
  if (segments.length === 0) refuse('a clip of no parts');
  if (!(load >= 0 && load <= 1)) refuse(`the load ${load} is not between 0 and 1`);
  for (const segment of segments) {
    if (!(segment.durationS > 0 && segment.durationS <= 3600)) refuse(`a part of ${segment.durationS} s`);
    if (segment.kind === 'run' && !(segment.speed > 0)) refuse(`a run at the speed ${segment.speed}`);
  }
  for (const fault of faults) {
    checkSeverity(fault);
    if (isKnittingFault(fault) !== (machine.kind === 'knitting')) refuse(`${fault.kind} of a ${machine.kind} machine`);
    if (machine.kind === 'sewing') {
      if (fault.kind === 'slippingBelt' && machine.voice.traits.beltOrder === null)
        refuse('slippingBelt without a belt');
      continue;
    }
    const { needles, feeders } = machine.voice.traits;
    if (fault.kind === 'badNeedle' && !within(fault.needle, needles)) refuse(`needle ${fault.needle} of ${needles}`);
    if (fault.kind === 'badFeeder' && !within(fault.feeder, feeders)) refuse(`feeder ${fault.feeder} of ${feeders}`);
  }
}

const within = (number: number, of: number): boolean => Number.isInteger(number) && number >= 0 && number < of;
