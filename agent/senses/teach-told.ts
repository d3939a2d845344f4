/**
 * What `selvedge teach vision --progress` tells on its standard output, one JSON object a line: how many pictures it has, and at the end its
 * report. The verb writes it, and `teach-desk.ts` reads it from its child; both by these shapes.
 */
import { z } from 'zod';

const count = z.int().min(0).max(10_000);
const line = z.string().max(2_000);
const refused = z
  .array(z.strictObject({ image: line, reason: line }))
  .max(200)
  .readonly();
const advice = z.array(line).max(50).readonly();

export const taughtReport = z.strictObject({
  ok: z.literal(true),
  machine: z.string().max(40),
  fabric: z.string().max(40),
  version: z.int().min(1),
  images: count.describe('Pictures it was learned from'),
  refused: refused.describe('Pictures that were not good enough, with the reason'),
  threshold: z.number(),
  seconds: z.number().min(0),
  advice: advice.describe('What would make it better'),
});
export const refusedReport = z.strictObject({
  ok: z.literal(false),
  machine: z.string().max(40),
  fabric: z.string().max(40),
  images: count.describe('Pictures that could have been learned from'),
  refused,
  message: line.describe('Why nothing was learned: the code, and where'),
  meaning: line,
  cure: line.describe('What to do about it'),
  advice,
});
export const teachReport = z.discriminatedUnion('ok', [taughtReport, refusedReport]);
export type TeachReport = z.infer<typeof teachReport>;

const toldSchema = z.union([z.strictObject({ picture: count, of: count }), z.strictObject({ report: teachReport })]);
export type TeachTold = z.infer<typeof toldSchema>;

export const lineOf = (told: TeachTold): string => `${JSON.stringify(told)}\n`;

/** null: a line that says nothing of that. */
export function readLine(text: string): TeachTold | null {
  try {
    return toldSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
