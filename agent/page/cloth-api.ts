/** The operations about cloth: rolls, their maps, and teaching the eye. */
import { z } from 'zod';
import { rollMapSchema } from '../../models/vision/roll-map.ts';
import { rollIdSchema } from '../rolls/requests.ts';
import { mediaTypes, type RollFormat } from '../rolls/show.ts';
import { list, ofMachine, type Operation } from './operation.ts';
import { clothView, rollView } from './views.ts';

const mapQuery = z.strictObject({
  roll: z.string().min(1).max(60).optional().describe('Id or number; absent: the newest'),
});
/** The map of a roll in one of its formats. */
const rollMap = <F extends RollFormat, R extends Operation['response']>(format: F, what: string, response: R) =>
  ({
    method: 'GET',
    path: `/api/machines/:machine/roll-map.${format}`,
    summary: `${what} 404: there is no such roll`,
    access: 'viewer',
    touches: true,
    params: ofMachine,
    query: mapQuery,
    response,
  }) as const;

export const clothOperations = {
  rolls: {
    method: 'GET',
    path: '/api/machines/:machine/rolls',
    summary: 'Rolls of a machine with an eye, the newest first; the first is the one on the machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: list(rollView),
  },
  beginRoll: {
    method: 'POST',
    path: '/api/machines/:machine/rolls',
    summary: 'Says that the cloth was cut and a roll begins. 404: no eye looks at that machine',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({ id: rollIdSchema.optional().describe('Absent: its number') }),
    response: z.strictObject({ number: z.int(), id: z.string() }),
  },
  cloth: {
    method: 'GET',
    path: '/api/machines/:machine/cloth',
    summary: 'The cloth that is configured, and what the eye knows of it. 404: no eye looks at that machine',
    access: 'viewer',
    touches: false,
    params: ofMachine,
    response: clothView,
  },
  teachCloth: {
    method: 'POST',
    path: '/api/machines/:machine/cloth/teach',
    summary:
      'Begins to teach the eye the cloth that is configured, from its camera: only good cloth must be running. ' +
      '404: no eye looks at that machine; 409: a cloth is being taught on this gateway already',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: clothView,
  },
  stopTeaching: {
    method: 'POST',
    path: '/api/machines/:machine/cloth/teach/cancel',
    summary: 'Stops it. 409: no cloth is being taught at that machine',
    access: 'maintainer',
    touches: true,
    params: ofMachine,
    body: z.strictObject({}),
    response: clothView,
  },
  rollMap: rollMap(
    'json',
    'Every fault of a roll along its metres, what was not looked at, and its score.',
    rollMapSchema,
  ),
  rollMapCsv: rollMap('csv', 'The same as a table.', { media: mediaTypes.csv }),
  rollMapSvg: rollMap('svg', 'The same as a drawing.', { media: mediaTypes.svg }),
  rollMapPng: rollMap('png', 'The same as a picture.', { media: mediaTypes.png }),
} as const satisfies Record<string, Operation>;
