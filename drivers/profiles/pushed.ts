/** What the profiles of machines say that talk by themselves: messages of the knit floor, events of flat knitting machines. */
import { z } from 'zod';

/** What a message of the knit floor can tell. */
export const floorMessages = ['yellow', 'red', 'green', 'quality', 'speed', 'rounds', 'presses', 'alive'] as const;
export type FloorMessageName = (typeof floorMessages)[number];

export const floorSource = z
  .strictObject({
    message: z
      .enum(floorMessages)
      .describe(
        'yellow, red, green: a lamp; quality: the quality check; speed: the digits of 7dddd; rounds, presses: how often 7dddd and 8 came; alive: true with every sign of life.',
      ),
  })
  .describe('Protocol knit-floor.');
export type FloorSource = z.infer<typeof floorSource>;

export const knitFloorBlock = z.strictObject({
  silenceS: z.number().min(0.1).max(3600).default(60).meta({
    description: 'Without a message for so long the machine is not read: a gap, and its connection is closed.',
    unit: 's',
  }),
});

/** What an event of a flat knitting machine can change. */
export const stollEvents = [
  'mcState',
  'mode',
  'stopText',
  'startMode',
  'productive',
  'creepSpeed',
  'setupMode',
  'maintenanceMode',
  'pattern',
  'pieces',
  'piecesLeft',
  'sequences',
  'sequencesLeft',
  'shift',
  'userState',
  'userInfo',
  'productionId',
  'otherEvent',
  'alive',
] as const;
export type StollEventName = (typeof stollEvents)[number];

export const stollSource = z
  .strictObject({
    event: z
      .enum(stollEvents)
      .describe('What the events change; docs/drivers/stoll-events.md has the events behind each name.'),
  })
  .describe('Protocol stoll-events.');
export type StollSource = z.infer<typeof stollSource>;

export const stollBlock = z.strictObject({
  silenceS: z
    .number()
    .min(0.1)
    .max(3600)
    .default(30)
    .meta({ description: 'Without an event or a sign of life for so long the machine is not read.', unit: 's' }),
  lateAfterS: z
    .number()
    .min(1)
    .max(86_400)
    .default(120)
    .meta({ description: 'An event that comes so long after its time is uncertain (delivered-late).', unit: 's' }),
});
