/** A fabric that is to be drawn: what a scenario says of it. The same words are understood by every generator. */
export const cloths = ['single-jersey', 'plain', 'twill', 'seam'] as const;
export type Cloth = (typeof cloths)[number];

export interface Fabric {
  /** What stands after the last `_` of its files' names. */
  readonly id: string;
  readonly cloth: Cloth;
  readonly pxPerMm: number;
  /** Reflectance, 0 to 1. */
  readonly tone: number;
  readonly unevenness: number;
  /** The machine of a single jersey. */
  readonly diameterInch: number;
  readonly gauge: number;
  readonly feeders: number;
  readonly coursesPerCm: number;
  /** Of a weave, and of the cloth below a seam. */
  readonly endsPerCm: number;
  readonly picksPerCm: number;
  readonly stitchMm: number;
  /** Some strips end on the cloth's edge, with the table beside it. */
  readonly edges: boolean;
}

/** Classes of defects a cloth can be drawn with: words of the trade (knit and seam), and those of weaving. */
export const classesOf = {
  'single-jersey': [
    'hole',
    'dropped_stitch',
    'ladder',
    'needle_line',
    'sinker_line',
    'barre',
    'oil_spot',
    'oil_line',
    'fly_contamination',
    'elastane_miss',
    'slub_thick_thin',
  ],
  plain: [
    'hole',
    'broken_end',
    'broken_pick',
    'barre',
    'oil_spot',
    'oil_line',
    'fly_contamination',
    'slub_thick_thin',
    'knot',
    'crease',
  ],
  twill: [
    'hole',
    'broken_end',
    'broken_pick',
    'barre',
    'oil_spot',
    'oil_line',
    'fly_contamination',
    'slub_thick_thin',
    'knot',
    'crease',
  ],
  seam: ['skipped_stitch', 'broken_stitch', 'loose_stitch', 'seam_pucker'],
} as const satisfies Record<Cloth, readonly string[]>;
export type DefectClass = (typeof classesOf)[Cloth][number];
