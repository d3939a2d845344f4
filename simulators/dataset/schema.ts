/** A scenario that is no floor but a data set: what `selvedge simulate SCENARIO --dataset DIR` is to write. */
import { z } from 'zod';
import { classesOf, cloths } from './fabric.ts';

const fabric = z
  .strictObject({
    /** Stands after the last `_` of the names of its files. */
    id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'an id is 1 to 40 of a-z, 0-9 and -'),
    cloth: z.enum(cloths),
    good: z.int().min(0).max(2000),
    defect: z.int().min(0).max(2000),
    /** Classes in turn; all the cloth can have where nothing is said. */
    classes: z.array(z.string()).min(1).optional(),
    pxPerMm: z.number().min(4).max(40).default(9),
    tone: z.number().min(0.15).max(0.95).default(0.72),
    unevenness: z.number().min(0).max(3).default(1),
    diameterInch: z.number().positive().max(60).default(30),
    gauge: z.number().min(5).max(50).default(28),
    feeders: z.int().min(1).max(200).default(96),
    coursesPerCm: z.number().min(4).max(40).default(18),
    endsPerCm: z.number().min(4).max(60).default(16),
    picksPerCm: z.number().min(4).max(60).default(15),
    stitchMm: z.number().min(1).max(8).default(2.5),
    edges: z.boolean().default(false),
  })
  .superRefine(({ cloth, classes }, ctx) => {
    const known: readonly string[] = classesOf[cloth];
    for (const [i, name] of (classes ?? []).entries()) {
      if (!known.includes(name))
        ctx.addIssue({
          code: 'custom',
          path: ['classes', i],
          message: `${cloth} cannot have ${name}; it can have ${known.join(', ')}`,
        });
    }
  });

const strips = z.strictObject({
  version: z.literal(1),
  dataset: z.literal('strips'),
  description: z.string().optional(),
  fabrics: z
    .array(fabric)
    .min(1)
    .max(100)
    .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'two fabrics have one id'),
});

export const datasetSchema = z.discriminatedUnion('dataset', [strips]);
export type Dataset = z.output<typeof datasetSchema>;
export type StripsDataset = Extract<Dataset, { dataset: 'strips' }>;
