/** Generator a behind the words both generators share: the machine of a site. */
import type { SoundGenerator } from '../dataset/sound.ts';
import { SimulatorError } from '../errors.ts';
import { positionOf, record } from './clip.ts';
import { createHall } from './hall.ts';
import { createKnittingSound, createSewingSound } from './machine.ts';

export const generatorA: SoundGenerator = ({ kind, seed, rateHz, hall: around }) => {
  const machine = kind === 'sewing' ? createSewingSound(seed, rateHz) : createKnittingSound(seed, rateHz);
  const hall = around === null ? null : createHall(around.seed, rateHz, around);
  const position = positionOf(machine);
  return {
    generator: 'a',
    kind,
    seed,
    rateHz,
    nominalPerMinute: machine.voice.drive.nominalPerMinute,
    belt: machine.kind === 'sewing' && machine.voice.traits.beltOrder !== null,
    cylinder:
      position === null || machine.kind === 'sewing' ? null : { ...position, feeders: machine.voice.traits.feeders },
    record: ({ snrDb, ...asked }) => {
      if (snrDb === null) return record(machine, asked);
      if (hall === null) throw new SimulatorError('soundImpossible', 'a signal-to-noise ratio without a hall');
      return record(machine, { ...asked, among: { hall, snrDb } });
    },
  };
};
