/** The operations about the sound of machines: what the ear knows, enrolment, and what staff say of its alerts. */
import { z } from 'zod';
import { mostCause, saidWords } from '../senses/ear/labels.ts';
import { defaultSamples, leastSamples, mostSamples } from '../senses/ear/settings.ts';
import { ofMachine, ofOccurrence, type Operation } from './operation.ts';
import { soundView } from './views.ts';

export const soundOperations = {
  labelSound: {
    method: 'POST',
    path: '/api/alerts/:occurrence/label',
    summary:
      'Says of an alert of the ear, open or closed, that it was a false alarm, or real and what it was. It moves the threshold of that ' +
      'machine, by three spreads at most with all that was said, and never past a real fault. The last that is said of an alert counts; ' +
      'the same again changes nothing. 404: no such alert of the ear; 409: it does not say by what it was told, or there are too many',
    access: 'maintainer',
    touches: true,
    params: ofOccurrence,
    body: z.strictObject({ said: z.enum(saidWords), cause: z.string().trim().max(mostCause).optional() }),
    response: soundView,
  },
  unlabelSound: {
    method: 'POST',
    path: '/api/alerts/:occurrence/label/take-back',
    summary:
      'Takes back what was said of an alert of the ear, and what it moved. 404: no such alert; 409: nothing was said of it',
    access: 'maintainer',
    touches: true,
    params: ofOccurrence,
    body: z.strictObject({}),
    response: soundView,
  },
  sound: {
    method: 'GET',
    path: '/api/machines/:machine/sound',
    summary:
      'What the ear knows of a machine, what is being taught, and what staff said. 404: no microphone hears that machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: soundView,
  },
  teachSound: {
    method: 'POST',
    path: '/api/machines/:machine/sound/teach',
    summary:
      'Begins to enrol a machine by the sound of it running well, so many samples of four seconds a speed. ' +
      '404: no microphone hears that machine; 409: it is being enrolled already',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({ samples: z.int().min(leastSamples).max(mostSamples).default(defaultSamples) }),
    response: soundView,
  },
  stopTeachingSound: {
    method: 'POST',
    path: '/api/machines/:machine/sound/teach/cancel',
    summary: 'Stops it. 409: that machine is not being enrolled',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: soundView,
  },
} as const satisfies Record<string, Operation>;
