/**
 * Rolls as the journal has them: three kinds of events beside those of the findings, and nothing else. What a roll map shows is folded
 * from them (`fold.ts`), so there is no second truth, and a backup, a repair or an eviction of the journal needs to know of no rolls.
 */
import { z } from 'zod';
import { causes, defectClasses } from '../../models/vision/classify.ts';
import { gapReasons } from '../../models/vision/roll-map.ts';

export * from './event-names.ts';

const count = z.int().min(0);
const metres = z.number().refine(Number.isFinite);

/** Why a roll begins: the first of all, somebody said so, or the machine counted one. */
export const beginReasons = ['first', 'asked', 'counted'] as const;
export type BeginReason = (typeof beginReasons)[number];

export const begunData = z.object({
  roll: count.describe('Number of the roll at this machine.'),
  id: z.string().max(200).describe('What people call it; the number where nobody said.'),
  why: z.enum(beginReasons),
  /** Rolls that the machine counted and nobody saw begin. */
  missed: count,
  /** Length of the roll before it, m; null where there was none. */
  endedM: metres.nullable(),
  widthMm: z.number().min(0).max(20_000),
  fabric: z.string().max(200),
  /** As the machine counts rolls and cloth; null where it does not. */
  rollCount: z.number().nullable(),
  clothMm: z.number().nullable(),
});
export type BegunData = z.infer<typeof begunData>;

export const lookedData = z.object({
  roll: count,
  fromM: metres,
  toM: metres,
  /** Share of the width that was not looked at, and why. */
  unseen: z.number().min(0).max(1),
  reason: z.enum(gapReasons).nullable(),
  newestM: metres,
  fabric: z.string().max(200),
  model: z.string().max(200),
  isSimulated: z.boolean(),
  faults: count,
  dropped: count,
  rollCount: z.number().nullable(),
  clothMm: z.number().nullable(),
});
export type LookedData = z.infer<typeof lookedData>;

/** What is read of a finding. */
export const findingData = z.object({
  /** Absent where no roll was begun yet: events of earlier versions. */
  roll: count,
  /** Starts of the eye in this boot: with the boot and `finding` a fault is named. */
  eye: count,
  finding: count,
  class: z.enum(defectClasses).catch('anomaly'),
  cause: z.enum(causes),
  score: z.number(),
  threshold: z.number(),
  needle: count.nullable(),
  k: count.nullable(),
  needleUnknown: z.enum(['not-calibrated', 'no-angle', 'too-uncertain', 'no-needle']).nullable(),
  rollFromM: metres,
  rollToM: metres,
  alongErrorMm: z.number().min(0),
  acrossFromMm: z.number(),
  acrossToMm: z.number(),
  revolutions: z.int().min(1),
  model: z.string().max(200),
  isSimulated: z.boolean(),
  crop: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** Of one that is closed because it was another: that one. */
  sameAs: count.nullable(),
  /** The eye was started anew: how far it went is not known. */
  lost: z.boolean().default(false),
});
export type FindingData = z.infer<typeof findingData>;
