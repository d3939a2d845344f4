/** What `/api/fleet` says of one gateway. */
import { z } from 'zod';
import { batchBody } from '../contract.ts';

const utcMs = z.int().describe('UTC milliseconds');
const count = z.int().min(0);

export const fleetItem = z.strictObject({
  gateway: z.string(),
  site: z.string(),
  state: z.enum(['up', 'down', 'unknown']).describe('Its newest status: connected, gone, or none ever came'),
  mayConnect: z.boolean().describe('false: it was revoked, or is not registered any more'),
  statusMs: utcMs.nullable().describe('When that status came, on the clock of the bridge'),
  heardMs: utcMs.describe('When anything of it was stored last, on the clock of the bridge'),
  data: z
    .strictObject({
      receivedMs: utcMs.describe('When its newest batch came, on the clock of the bridge'),
      madeMs: utcMs.describe('When it was made, on the clock of the gateway'),
      clock: batchBody.shape.clock,
    })
    .nullable()
    .describe('null: no batch ever came'),
  agentVersion: z.string().nullable(),
  missing: count.describe(
    'Records older than the newest of its present start that are not here: they wait at the gateway, or it dropped them',
  ),
  forks: count.describe('Boots shared by cloned or restored gateways'),
  alerts: z
    .strictObject({ urgent: count, high: count, medium: count, low: count, silenced: count })
    .describe('Open occurrences; silenced: shelved, suppressed by design or out of service, of any priority'),
});
export type FleetItem = z.infer<typeof fleetItem>;
