/** Microphones in the configuration: one at a machine (`ear:`). */
import { z } from 'zod';
import { parseMicrophoneEndpoint } from '../../drivers/microphone/endpoint.ts';
import { atStart, field, secretExpects, secretReference } from './fields.ts';

/** What is wrong with the endpoint of a microphone; null: nothing. */
function microphoneProblem(text: string): string | null {
  try {
    parseMicrophoneEndpoint(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'cannot be read';
  }
}

export const earSchema = z.strictObject({
  microphone: field(
    z.string().superRefine((text, ctx) => {
      const problem = microphoneProblem(text);
      if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
    }),
    'Where the sound of the machine comes from. It is fixed at its frame, and the machine tells its speed (spindle.speed or cylinder.speed).',
    {
      ...atStart,
      expects: 'alsa:hw:1,0, wav+http://host/path, tcp://host:port?format=…, rtp://address:port?… or file:///path.wav',
      examples: ['alsa:hw:1,0'],
    },
  ),
  simulated: field(
    z.boolean().default(false),
    'What the microphone hears is computed and no machine; every alert says so.',
    atStart,
  ),
  keepClips: field(
    z
      .strictObject({
        days: field(z.int().min(1).max(90), 'A clip is removed after so many days.', { ...atStart, unit: 'd' }),
        seconds: field(z.int().min(1).max(5), 'So much of what was judged before an alert.', { ...atStart, unit: 's' }),
        key: field(secretReference, 'Seals the clips: 64 hexadecimal digits (openssl rand -hex 32).', {
          ...atStart,
          secret: true,
          expects: secretExpects,
        }),
      })
      .optional(),
    'Keeps raw sound before each alert, sealed, on this gateway alone. Absent: no sound is ever kept. Ask those who work there first.',
    atStart,
  ),
  pulse: field(
    z.boolean().default(false),
    'The second channel of the microphone carries a pulse that comes once a revolution of the shaft. With it the ear says at which angle a sewing machine knocks, and which needle of a circular one clicks.',
    atStart,
  ),
  needles: field(
    z.int().min(4).max(100_000).optional(),
    'Needles of the cylinder of a circular knitting machine. With `feeders` the ear says which fault it may be; of sewing machines it needs neither. Where the machine has an `eye`, the same as there.',
    atStart,
  ),
  feeders: field(z.int().min(1).max(1_000).optional(), 'Feeders of the cylinder, see `needles`.', atStart),
  firstNeedle: field(z.union([z.literal(0), z.literal(1)]).default(1), 'How the machine counts its needles.', atStart),
  direction: field(
    z.enum(['rising', 'falling']).optional(),
    'Whether needles of rising or of falling number pass the mark as the cylinder turns. With `pulse`, `needles`, `feeders`, `needleZero` and `microphoneTurns` the ear says which needle clicks.',
    atStart,
  ),
  needleZero: field(
    z.number().min(0).max(100_000).optional(),
    'Needle at the mark when the pulse comes, as the machine counts; see `direction`.',
    atStart,
  ),
  microphoneTurns: field(
    z.number().min(0).max(1).optional(),
    'Where the microphone hangs after the mark, in the direction of turning, in turns; see `direction`.',
    atStart,
  ),
});
