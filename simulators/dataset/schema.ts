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

const span = z
  .tuple([z.number().min(0), z.number().min(0)])
  .refine(([from, to]) => from <= to, 'a span is [from, to] with from not above to');

const trials = z
  .strictObject({
    version: z.literal(1),
    dataset: z.literal('needle-trials'),
    description: z.string().optional(),
    /** What this machine and cloth are called where there are several. */
    lot: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, 'a lot is 1 to 40 of a-z, 0-9 and -')
      .optional(),
    /** Trials with a worn needle, and without one, for each kind of position. */
    each: z.int().min(0).max(5000),
    clean: z.int().min(0).max(5000).default(0),
    diameterInch: z.number().positive().max(60).default(30),
    gauge: z.number().min(5).max(50).default(28),
    feeders: z.int().min(1).max(200).default(96),
    coursesPerCm: z.number().min(4).max(40).default(18),
    rpm: z.number().min(1).max(60).default(35),
    ripple: z.number().min(0).max(0.1).default(0.0005),
    revolutions: z.number().min(1).max(20).default(3.4),
    lineFrom: span.default([0.05, 0.4]),
    fps: z.number().min(1).max(200).default(16),
    widthPx: z.int().min(64).max(2048).default(512),
    rowsPx: z.int().multipleOf(8).min(16).max(512).default(256),
    pxPerMm: z.number().min(3).max(30).default(6),
    tone: z.number().min(0.15).max(0.95).default(0.7),
    unevenness: z.number().min(0).max(3).default(1),
    shakeMm: z.number().min(0).max(1).default(0.025),
    /** A roll for each kind of position with holes at known metres. */
    roll: z.strictObject({ metres: z.number().min(1).max(1000), holes: z.int().min(1).max(1000) }).optional(),
    strength: span.default([0.4, 1.1]),
    skewPpm: z.number().min(0).max(500).default(80),
    jitterMs: z.number().min(0).max(50).default(0.2),
    latencyMs: span.default([0, 200]),
    countsPerRevolution: z.int().min(16).max(1_000_000).default(4096),
    telemetryMs: z.number().min(10).max(5000).default(100),
    jpegQuality: z.int().min(30).max(100).default(82),
  })
  .superRefine(({ revolutions, rpm, fps, rowsPx }, ctx) => {
    // A JPEG has 16 bits for its rows (ITU-T T.81, B.2.2).
    const rows = Math.ceil((revolutions / rpm) * 60 * fps + 1) * (rowsPx + 8);
    if (rows > 65_535)
      ctx.addIssue({
        code: 'custom',
        path: ['rowsPx'],
        message: `the frames of a trial make ${rows} rows, a JPEG has 65535 at most: fewer rows, revolutions or frames`,
      });
  });

const soundParts = z.discriminatedUnion('of', [
  z.strictObject({
    of: z.literal('faults'),
    /** Number of the first; even ones sew, odd ones knit. */
    from: z.int().min(0).max(1_000_000).default(0),
    trials: z.int().min(1).max(1000),
    enrol: z.int().min(5).max(1000).default(40),
    healthy: z.int().min(1).max(1000).default(40),
    faulty: z.int().min(1).max(1000).default(4),
    clipS: z.number().min(2).max(60).default(4),
  }),
  z.strictObject({
    of: z.literal('needles'),
    from: z.int().min(0).max(1_000_000).default(0),
    trials: z.int().min(1).max(1000),
    position: z.enum(['pulse', 'telemetry']),
    /** Healthy clips besides, one a trial. */
    healthy: z.boolean().default(false),
  }),
  z.strictObject({
    of: z.literal('week'),
    kind: z.enum(['sewing', 'knitting']),
    days: z.int().min(1).max(31).default(6),
    /** Of what an ear would judge, so much is rendered. */
    share: z.number().min(0).max(1).default(0.05),
    enrol: z.int().min(5).max(1000).default(40),
    clipS: z.number().min(2).max(60).default(4.1),
  }),
]);

const sounds = z.strictObject({
  version: z.literal(1),
  dataset: z.literal('sound-trials'),
  description: z.string().optional(),
  /** Of the machine over everything else (docs/SIMULATED-SOUND.md). */
  snrDb: z.number().min(-20).max(60).default(0),
  part: soundParts,
});

export const datasetSchema = z.discriminatedUnion('dataset', [strips, trials, sounds]);
export type Dataset = z.output<typeof datasetSchema>;
export type StripsDataset = Extract<Dataset, { dataset: 'strips' }>;
export type SoundDataset = Extract<Dataset, { dataset: 'sound-trials' }>;
export type TrialsDataset = Extract<Dataset, { dataset: 'needle-trials' }>;
