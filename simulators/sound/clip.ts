/**
 * A clip: a machine in its room, among the others of the hall, through its microphone, with what the agent gets beside the sound and with
 * the truth. Pure: the same machine, hall and conditions give the same bytes.
 */
import type { Channels, Clip, ClipTruth, Doing } from '../dataset/sound.ts';
import { between } from '../random.ts';
import { poll, pulseOf } from './channels.ts';
import { hallPart, type Hall } from './hall.ts';
import { sound, streamsOf, type SoundMachine } from './machine.ts';
import { rmsOf } from './noise.ts';
import { addRoom, addSelfNoise, convert, hearBy } from './room.ts';

export interface Conditions extends Doing, Channels {
  /** What `snrDb` means: dataset/sound.ts. */
  readonly among?: { readonly hall: Hall; readonly snrDb: number };
}

/** Records a clip. @throws SimulatorError `soundImpossible` */
export function record(machine: SoundMachine, conditions: Conditions): Clip {
  const { rateHz, microphone } = machine;
  const stream = streamsOf(machine, conditions.seed);
  const { samples, motion, warmerK, loadMore } = sound(machine, conditions);
  addRoom(samples, rateHz, machine.room);
  hearBy(samples, rateHz, microphone);
  if (conditions.among !== undefined) {
    const { hall, snrDb } = conditions.among;
    const others = hallPart(stream('hall'), hall, samples.length);
    hearBy(others, rateHz, microphone);
    const turns = motion.drive.some((share) => share > 0);
    const own = rmsOf(samples, turns ? (i) => (motion.drive[i] as number) > 0 : undefined);
    const level = (own * 10 ** (-snrDb / 20)) / Math.max(1e-9, rmsOf(others));
    for (let i = 0; i < samples.length; i += 1) samples[i] = (samples[i] as number) + level * (others[i] as number);
  }
  addSelfNoise(stream('microphone'), samples, microphone);
  if (conditions.converter !== undefined) convert(samples, conditions.converter);
  const random = stream('telemetry');
  const skewPpm = conditions.polling?.skewPpm ?? between(random, [-50, 50]);
  const temperatureC = conditions.temperatureC + warmerK;
  const telemetry = poll(
    random,
    motion,
    machine.voice.drive.nominalPerMinute,
    {
      intervalS: conditions.polling?.intervalS ?? 0.1,
      latencyS: conditions.polling?.latencyS ?? [0, 0.2],
      skewPpm,
      speedStep: machine.kind === 'sewing' ? 10 : 0.1,
    },
    { temperatureC, loadShare: Math.min(1, conditions.load + loadMore) },
  );
  return {
    samples,
    rateHz,
    shaft: motion,
    pulse: conditions.pulse === undefined ? null : pulseOf(stream('pulse'), motion, conditions.pulse.jitterS),
    telemetry,
    truth: {
      simulated: true,
      generator: 'a',
      kind: machine.kind,
      machineSeed: machine.seed,
      clipSeed: conditions.seed,
      faults: conditions.faults,
      snrDb: conditions.among?.snrDb ?? null,
      skewPpm,
      temperatureC,
      position: positionOf(machine),
    },
  };
}

/** Where the needles and the microphone are; null of sewing. */
export function positionOf(machine: SoundMachine): ClipTruth['position'] {
  if (machine.kind === 'sewing') return null;
  const { needles, direction, indexNeedle, microphoneTurns } = machine.voice.traits;
  return { needles, direction, indexNeedle, microphoneTurns };
}
