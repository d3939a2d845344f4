/** What a row of the audit says. */
import { z } from 'zod';

const value = z.union([z.number(), z.boolean()]);

/** One step of one write. Every row carries all that is known by then, so that the newest row of a write tells it whole. */
export const auditEntry = z.strictObject({
  /** Id of the write: all its steps have the same. */
  write: z.string().min(1).max(64),
  step: z.enum(['proposed', 'intent', 'result', 'dropped']),
  /** UTC ms by the wall clock. */
  atMs: z.number(),
  /** ms of the clock that never goes back, within one boot. */
  monotonicMs: z.number(),
  /** Who proposed, and who confirmed; null before that. */
  proposedBy: z.string().max(100),
  confirmedBy: z.string().max(100).nullable(),
  machine: z.string().max(100),
  setPoint: z.string().max(200),
  unit: z.string().max(20),
  from: value,
  to: value,
  /** Why, in the words of who proposed it. */
  reason: z.string().max(500),
  /** null until it is known. */
  outcome: z.enum(['written', 'refused', 'unknown', 'not-sent', 'not-allowed', 'dropped']).nullable(),
  /** Word group of the outcome, such as timeout or modbus-exception-3. */
  detail: z.string().max(200).nullable(),
  readBack: value.nullable(),
});
export type AuditEntry = z.infer<typeof auditEntry>;
