/**
 * Rules are data: `defaults.yaml` ships them, the configuration overrides them by id. This is their schema.
 *
 * A rule holds when any of its conditions holds. A condition that cannot be judged (no good reading, an open gap) is
 * unknown: it neither raises nor clears, and it ends the on-delay. `offline` alone speaks about gaps.
 */
import { z } from 'zod';
import { machineStates } from '../../cloud-bridge/contract.ts';
import { machineKinds } from '../../drivers/profiles/schema.ts';

const signal = z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/);
const seconds = z
  .number()
  .min(0)
  .max(7 * 86_400);
const inStates = z.array(z.enum(machineStates)).min(1).optional().describe('Judged only in these states');

const above = z.strictObject({
  kind: z.literal('above'),
  signal,
  limit: z.number().describe('Holds above this, in the unit of the signal'),
  deadband: z.number().min(0).default(0).describe('Holds on until the value is this much back inside the limit'),
  inStates,
});
const below = z.strictObject({
  kind: z.literal('below'),
  signal,
  limit: z.number().describe('Holds below this, in the unit of the signal'),
  deadband: z.number().min(0).default(0),
  inStates,
});
const rate = z.strictObject({
  kind: z.literal('rate'),
  signal,
  perS: z.number().positive().describe('Holds when the value changes faster than this a second, up or down'),
  overS: z.number().min(0.1).max(3600).describe('Time over which the change is measured'),
  inStates,
});
const stuck = z.strictObject({
  kind: z.literal('stuck'),
  signal,
  forS: seconds.describe('Holds when the value has not changed at all for this long while the machine answered'),
  inStates,
});
const code = z.strictObject({
  kind: z.literal('code'),
  causes: z
    .array(z.string().regex(/^[a-z][a-z0-9_.]*\*?$/))
    .min(1)
    .describe('Canonical causes; a * at the end matches the rest'),
});
const offline = z.strictObject({
  kind: z.literal('offline'),
  afterS: seconds.describe('Holds when the machine could not be read for this long'),
});
const counter = z.strictObject({
  kind: z.literal('counter'),
  signal: signal.optional().describe('Absent: every counter of the machine'),
  steps: z.int().min(1).describe('Holds when this many steps were implausible …'),
  withinS: seconds.describe('… within this time'),
});
export const conditionSchema = z.discriminatedUnion('kind', [above, below, rate, stuck, code, offline, counter]);
export type Condition = z.infer<typeof conditionSchema>;

/**
 * Fields of a rule that may be set from afar: its figures. What staff read and are told to do, whether it judges at all, and what it
 * looks at can be changed at the gateway alone.
 */
export const remoteRuleFields = [
  'limit',
  'deadband',
  'perS',
  'overS',
  'forS',
  'afterS',
  'steps',
  'withinS',
  'onDelayS',
  'offDelayS',
  'priority',
] as const;

export const priorities = ['low', 'medium', 'high', 'urgent'] as const;

export const ruleSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,60}$/),
  type: z.string().regex(/^[a-z][a-z0-9_]*$/),
  enabled: z.boolean().default(true),
  priority: z.enum(priorities),
  kinds: z.array(z.enum(machineKinds)).min(1).optional().describe('Only for these kinds of machine'),
  when: z.array(conditionSchema).min(1),
  onDelayS: seconds.default(0).describe('Must hold this long without a break before the alert is raised'),
  offDelayS: seconds.default(0).describe('Must be over this long without a break before the alert returns'),
  fallback: z
    .boolean()
    .default(false)
    .describe('Only for machines on which no earlier rule of the same type can ever hold'),
  latch: z
    .boolean()
    .default(false)
    .describe(
      'Stays when the condition is over, until somebody acknowledges that; an acknowledgement from before does not count',
    ),
  chatter: z
    .strictObject({ activations: z.int().min(2), withinS: seconds })
    .default({ activations: 6, withinS: 300 })
    .describe('More activations than this within that time: one occurrence is kept until it has been quiet as long'),
  suppressIn: z.array(z.enum(machineStates)).default([]).describe('By design no alert in these states'),
  text: z.string().min(1).describe('What staff read'),
  runbook: z.string().min(1).nullable().default(null).describe('What to do'),
});
export type Rule = z.infer<typeof ruleSchema>;

export const ruleFileSchema = z.strictObject({ version: z.literal(1), rules: z.array(ruleSchema) });

/** Overrides as the configuration has them: rule id → fields of the rule or of its conditions. */
export type RuleOverrides = Readonly<Record<string, unknown>>;
