/**
 * Generator b of machine sound, which exists to judge with: what an ear learned from generator a is scored on it. It shares the words of a
 * clip with a and no code (test/unit/simulators/sound-b/generator-b.test.ts): other blows, noise, room, hall, unevenness of the shaft,
 * and other shapes and laws of the faults. Its clips say `generator: 'b'`, so that what teaches can refuse them.
 *
 * Invariants (tests in the same folder): the same arguments give the same bytes; severity 0 changes no bit.
 */
import type { Asked, Clip, HeardMachine, Motion, Site, SoundGenerator } from '../dataset/sound.ts';
import { SimulatorError } from '../errors.ts';
import { diceOf, pick, type Dice } from './dice.ts';
import { checkAsked, isOfKnitting, isOfSewing } from './faults.ts';
import { hallOf, heardOf, type HallB } from './hall.ts';
import { addKnittingB, addKnittingFaultB, knittingChangesB, knittingOf, type KnittingB } from './knitting.ts';
import { addOwnNoise, hear, inRoom, microphoneOf, roomOf, toFile } from './place.ts';
import { addSewingFaultB } from './sewing-faults.ts';
import { addSewingB, sewingChangesB, sewingOf, type SewingB } from './sewing.ts';
import { turnShaft } from './shaft.ts';
import { answersOf, pulseAt } from './wires.ts';

export type MachineB = { readonly seed: number; readonly rateHz: number } & (
  | { readonly kind: 'sewing'; readonly voice: SewingB }
  | { readonly kind: 'knitting'; readonly voice: KnittingB }
);

/** The machine of a seed, without its place. */
export function machineOf(kind: 'sewing' | 'knitting', seed: number, rateHz: number): MachineB {
  const dice = diceOf(seed, kind);
  return kind === 'sewing'
    ? { kind, seed, rateHz, voice: sewingOf(dice, rateHz) }
    : { kind, seed, rateHz, voice: knittingOf(dice, rateHz) };
}

export interface SoundingB {
  /** At the machine: no room, no microphone, no hall. */
  readonly samples: Float32Array;
  readonly motion: Motion;
  readonly warmerK: number;
  readonly loadMore: number;
}

/** Runs a machine and gives its sound at the machine. @throws SimulatorError `soundImpossible` */
export function soundB(machine: MachineB, asked: Asked): SoundingB {
  checkAsked(machine, asked);
  const { seed, rateHz } = machine;
  const dice = (name: string): Dice => diceOf(seed, `${asked.seed}/${name}`);
  if (machine.kind === 'sewing') {
    const { voice } = machine;
    const faults = asked.faults.filter(isOfSewing);
    const changes = sewingChangesB(faults);
    const slip = changes.slip === 0 ? null : { order: voice.beltOrder ?? 0, share: changes.slip };
    const motion = turnShaft(dice('shaft'), rateHz, voice.engine, asked.segments, slip);
    const samples = new Float32Array(motion.turns.length);
    addSewingB(samples, motion, voice, asked, changes, dice);
    for (const fault of faults) addSewingFaultB(samples, motion, voice, seed, fault, dice);
    return { samples: scaled(samples, voice.gain), motion, warmerK: 0, loadMore: 0 };
  }
  const { voice } = machine;
  const faults = asked.faults.filter(isOfKnitting);
  const { warmerK, loadMore, ...changes } = knittingChangesB(faults);
  const motion = turnShaft(dice('shaft'), rateHz, voice.engine, asked.segments, null);
  const samples = new Float32Array(motion.turns.length);
  addKnittingB(samples, motion, voice, asked, { ...changes, warmerK, loadMore }, dice);
  for (const fault of faults) addKnittingFaultB(samples, motion, voice, seed, fault, dice);
  return { samples: scaled(samples, voice.gain), motion, warmerK, loadMore };
}

function scaled(samples: Float32Array, gain: number): Float32Array {
  for (let i = 0; i < samples.length; i += 1) samples[i] = gain * (samples[i] as number);
  return samples;
}

export const generatorB: SoundGenerator = (site: Site): HeardMachine => {
  const { kind, seed, rateHz } = site;
  const machine = machineOf(kind, seed, rateHz);
  const hall = site.hall === null ? null : hallOf(site.hall.seed, rateHz, site.hall);
  const room = roomOf(diceOf(seed, 'room'));
  const microphone = microphoneOf(diceOf(seed, 'microphone'));
  const cylinder = machine.kind === 'sewing' ? null : { ...machine.voice.position, feeders: machine.voice.feeders };
  const record = (asked: Asked): Clip => {
    const dice = (name: string): Dice => diceOf(seed, `${asked.seed}/${name}`);
    const { samples: dry, motion, warmerK, loadMore } = soundB(machine, asked);
    const samples = inRoom(dry, rateHz, room);
    hear(samples, rateHz, microphone);
    if (asked.snrDb !== null)
      addHall(samples, motion, hall, asked.snrDb, dice('hall'), (others) => hear(others, rateHz, microphone));
    addOwnNoise(dice('microphone'), samples, microphone);
    if (asked.converter !== undefined) toFile(samples, asked.converter);
    const wire = dice('telemetry');
    const skewPpm = asked.polling?.skewPpm ?? pick(wire, [-50, 50]);
    const temperatureC = asked.temperatureC + warmerK;
    return {
      samples,
      rateHz,
      shaft: motion,
      pulse: asked.pulse === undefined ? null : pulseAt(dice('pulse'), motion, asked.pulse.jitterS),
      telemetry: answersOf(wire, motion, {
        nominalPerMinute: machine.voice.engine.nominalPerMinute,
        intervalS: asked.polling?.intervalS ?? 0.1,
        latencyS: asked.polling?.latencyS ?? [0, 0.2],
        skewPpm,
        speedStep: kind === 'sewing' ? 10 : 0.1,
        temperatureC,
        loadShare: Math.min(1, asked.load + loadMore),
      }),
      truth: {
        simulated: true,
        generator: 'b',
        kind,
        machineSeed: seed,
        clipSeed: asked.seed,
        faults: asked.faults,
        snrDb: asked.snrDb,
        skewPpm,
        temperatureC,
        position: machine.kind === 'sewing' ? null : machine.voice.position,
      },
    };
  };
  return {
    generator: 'b',
    kind,
    seed,
    rateHz,
    nominalPerMinute: machine.voice.engine.nominalPerMinute,
    belt: machine.kind === 'sewing' && machine.voice.beltOrder !== null,
    cylinder,
    record,
  };
};

function addHall(
  samples: Float32Array,
  { drive }: Motion,
  hall: HallB | null,
  snrDb: number,
  dice: Dice,
  hearIt: (others: Float32Array) => void,
): void {
  if (hall === null) throw new SimulatorError('soundImpossible', 'a signal-to-noise ratio without a hall');
  const others = heardOf(dice, hall, samples.length);
  hearIt(others);
  const still = !drive.some((share) => share > 0);
  let [own, moving, theirs] = [0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    theirs += (others[i] as number) ** 2;
    if (!still && (drive[i] as number) === 0) continue;
    own += (samples[i] as number) ** 2;
    moving += 1;
  }
  const ratio = own / Math.max(1, moving) / Math.max(1e-18, theirs / samples.length);
  const level = Math.sqrt(ratio) * 10 ** (-snrDb / 20);
  for (let i = 0; i < samples.length; i += 1) samples[i] = (samples[i] as number) + level * (others[i] as number);
}
