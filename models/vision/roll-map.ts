/**
 * The roll map: every fault along the metres of one roll, with its score. Pure data; `roll-drawing.ts` draws it.
 *
 * Invariants (test/unit/models/vision-roll-map.test.ts):
 *  M1  Faults stand by their place on the roll; the same faults in another order give the same bytes of JSON, CSV and SVG.
 *  M2  What was not looked at is a gap of the map, never cloth without faults.
 *  M3  A needle stands there with its k, or is not known, with the reason.
 *  M4  No text of a file can leave its field: CSV cells are quoted and start no formula, SVG is escaped.
 */
import { z } from 'zod';
import { causes, defectClasses } from './classify.ts';
import { type FourPointOptions, scoreRoll } from './four-point.ts';

const mm = z.number().refine(Number.isFinite);
const text = z.string().max(200);
/** A map of more faults is cut, and says so: four points a metre are reached long before. */
export const mostDefects = 20_000;

export const rollDefectSchema = z
  .strictObject({
    id: z.int().min(0),
    class: z.enum(defectClasses),
    cause: z.enum(causes),
    score: z.number(),
    threshold: z.number(),
    fromMm: mm.describe('Beginning, mm from the beginning of the roll.'),
    toMm: mm,
    alongErrorMm: z.number().min(0).describe('± along the roll, mm.'),
    acrossFromMm: mm.describe('Left edge, mm; of a tube round it from needle 1, opened.'),
    acrossToMm: mm,
    needle: z.int().min(0).nullable(),
    k: z.int().min(0).nullable().describe('The needle lies within ± k of `needle`.'),
    needleUnknown: z
      .enum(['not-calibrated', 'no-angle', 'too-uncertain', 'no-needle'])
      .nullable()
      .describe('Why no needle is named; no-needle: the fault is no needle’s (along a course, or a flat web).'),
    revolutions: z.int().min(1).describe('Revolutions that showed it.'),
    evidence: z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .max(8)
      .describe('SHA-256 of its crops.'),
  })
  .refine((d) => d.toMm >= d.fromMm && d.acrossToMm >= d.acrossFromMm, 'a box ends behind its beginning')
  .refine((d) => (d.needle === null) === (d.k === null), 'a needle has a k')
  .refine((d) => (d.needle === null) === (d.needleUnknown !== null), 'without a needle there is a reason');
export type RollDefect = z.infer<typeof rollDefectSchema>;

export const gapReasons = ['camera', 'no-position', 'not-taught', 'overload', 'not-running', 'not-yet'] as const;
export const rollGapSchema = z
  .strictObject({
    fromMm: mm,
    toMm: mm.describe('As fromMm: how much cloth passed there is not known.'),
    share: z.number().gt(0).max(1).describe('Share of the width that was not looked at; 1: nothing of it was.'),
    reason: z
      .enum(gapReasons)
      .describe(
        'overload: the pictures were too few for the speed; not-running: the agent or its eye did not run; not-yet: still before the camera, or not yet told.',
      ),
  })
  .refine((g) => g.toMm >= g.fromMm, 'a gap ends behind its beginning');
export type RollGap = z.infer<typeof rollGapSchema>;

export const rollMapSchema = z.strictObject({
  version: z.literal(1),
  roll: z.strictObject({
    id: text,
    machine: text,
    fabric: text,
    lengthMm: z.number().min(0).max(100_000_000),
    widthMm: z.number().min(0).max(20_000).describe('Usable width; of a tube opened.'),
  }),
  /** `id@version` of the model that found the faults. */
  model: text,
  isSimulated: z.boolean(),
  defects: z.array(rollDefectSchema).max(mostDefects),
  gaps: z.array(rollGapSchema).max(mostDefects),
  dropped: z.int().min(0).describe('Faults that found no room, here or on the way here.'),
  score: z.strictObject({
    points: z.array(z.int().min(0)).describe('Of each fault, before a metre is cut at four.'),
    total: z.int().min(0),
    inspectedM: z.number().min(0).describe('Metres of full width; of a stretch half looked at, half.'),
    isComplete: z.boolean().describe('false: something was not looked at or not kept, so there may be more points.'),
    pointsPer100M2: z.number().min(0).nullable(),
    grade: text.nullable(),
  }),
});
export type RollMap = z.infer<typeof rollMapSchema>;

export interface RollContents {
  readonly roll: RollMap['roll'];
  readonly model: string;
  readonly isSimulated: boolean;
  readonly defects: readonly RollDefect[];
  readonly gaps: readonly RollGap[];
  readonly dropped: number;
}

/** Classes that are openings in the cloth: the standard has points of their own for them. */
const openings: ReadonlySet<string> = new Set(['hole', 'ladder']);

/** Puts a roll map together: in order, bounded, scored. */
export function rollMapOf(contents: RollContents, options: FourPointOptions): RollMap {
  const ordered = contents.defects.toSorted(
    (a, b) => a.fromMm - b.fromMm || a.acrossFromMm - b.acrossFromMm || a.id - b.id,
  );
  const defects = ordered.slice(0, mostDefects);
  const gaps = contents.gaps
    .toSorted(
      (a, b) =>
        a.fromMm - b.fromMm ||
        a.toMm - b.toMm ||
        gapReasons.indexOf(a.reason) - gapReasons.indexOf(b.reason) ||
        a.share - b.share,
    )
    .slice(0, mostDefects);
  const dropped = contents.dropped + ordered.length - defects.length;
  const scored = defects.map((d) => ({ ...d, isHole: openings.has(d.class) }));
  const score = scoreRoll({ ...contents.roll, gaps }, scored, options);
  return {
    version: 1,
    roll: contents.roll,
    model: contents.model,
    isSimulated: contents.isSimulated,
    defects,
    gaps,
    dropped,
    score: { ...score, points: [...score.points], isComplete: score.isComplete && dropped === 0 },
  };
}

const columns = [
  'from_m',
  'to_m',
  'along_error_mm',
  'across_from_mm',
  'across_to_mm',
  'class',
  'cause',
  'points',
  'needle',
  'k',
  'needle_unknown',
  'revolutions',
  'score',
  'threshold',
  'id',
  'unseen_share',
] as const;

/** One line a fault (RFC 4180, CRLF), metres with millimetres. Gaps are lines of class `gap` with their reason and share, without points. */
export function rollMapCsv(map: RollMap): string {
  const faults = map.defects.map((d, i) => ({
    fromMm: d.fromMm,
    cells: [
      metres(d.fromMm),
      metres(d.toMm),
      d.alongErrorMm.toFixed(1),
      d.acrossFromMm.toFixed(1),
      d.acrossToMm.toFixed(1),
      d.class,
      d.cause,
      String(map.score.points[i] ?? ''),
      d.needle === null ? '' : String(d.needle),
      d.k === null ? '' : String(d.k),
      d.needleUnknown ?? '',
      String(d.revolutions),
      d.score.toFixed(3),
      d.threshold.toFixed(3),
      String(d.id),
      '',
    ],
  }));
  const gaps = map.gaps.map((g) => ({
    fromMm: g.fromMm,
    cells: [
      metres(g.fromMm),
      metres(g.toMm),
      '',
      '',
      '',
      'gap',
      g.reason,
      ...columns.slice(7, -1).map(() => ''),
      g.share.toFixed(3),
    ],
  }));
  const lines = [...faults, ...gaps]
    .sort((a, b) => a.fromMm - b.fromMm)
    .map(({ cells }) => cells.map(csvCell).join(','));
  return [columns.join(','), ...lines].map((line) => `${line}\r\n`).join('');
}

const metres = (value: number): string => (value / 1000).toFixed(3);

/**
 * One cell. Quoted where it must be; a text that a spreadsheet would take for a formula gets an apostrophe in front. A number may
 * begin with a minus.
 */
export function csvCell(value: string): string {
  const isFormula = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value);
  const safe = isFormula ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
