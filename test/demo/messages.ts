/** The JSON lines the demo reads from its processes. */
import { z } from 'zod';

export const bridgeListening = z.object({
  event: z.literal('listening'),
  mqtt: z.number(),
  mqtts: z.number(),
  api: z.number(),
  enrolment: z.number(),
});
export const floorListening = z.object({ event: z.literal('listening'), endpoints: z.string() });
export const floorHalted = z.object({ event: z.literal('halted'), t: z.number() });
export const agentListening = z.object({ msg: z.literal('listening'), page: z.string() });
/** The agent's status line; every agent writes one each `log.statusEveryS`. */
export const agentStatus = z.object({
  msg: z.literal('status'),
  readings: z.number(),
  activeAlerts: z.number(),
  openAlerts: z.number(),
  lostRecords: z.number(),
  alertsRaised: z.number(),
  outboxRecords: z.number(),
  outboxBatches: z.number(),
  uplink: z.string(),
  /** Newest good reading by machine, UTC ms. */
  lastGoodMs: z.record(z.string(), z.number().nullable()),
  /** Everything up to here is in summaries that were handed to the outbox. */
  summarisedToMs: z.number(),
  eventLoopP99Ms: z.number(),
  rssMB: z.number(),
});
export type AgentStatus = z.infer<typeof agentStatus>;
export const idleResult = z.object({ eventLoopP99Ms: z.number() });
export const endpointsFile = z.object({
  machines: z.array(
    z.object({
      id: z.string(),
      profile: z.string(),
      protocol: z.string(),
      endpoint: z.string(),
      camera: z.object({ endpoint: z.string() }).optional(),
      microphone: z.object({ endpoint: z.string() }).optional(),
    }),
  ),
});
