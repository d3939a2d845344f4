/** A strip of cloth as a generator hands it over, and what there is to know about it. */
import type { DefectClass, Fabric } from './fabric.ts';

export interface StripSize {
  readonly widthPx: number;
  readonly heightPx: number;
}
/** What inspection cameras hand over, and what the evaluation reads. */
export const stripSize: StripSize = { widthPx: 4096, heightPx: 256 };

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface StripDefect {
  readonly class: DefectClass;
  readonly box: Box;
  /** Middle of the defect in the cloth, mm from its first wale or end and its first course or pick. */
  readonly mm: { readonly x: number; readonly y: number };
  /** Only where one needle or one course made it. */
  readonly needle: number | null;
  readonly course: number | null;
}
export interface Strip {
  readonly pixels: Uint8Array;
  /** 255 where the defects are; null of a good strip. */
  readonly mask: Uint8Array | null;
  readonly defects: readonly StripDefect[];
  /** Columns that show cloth. */
  readonly cloth: { readonly fromPx: number; readonly toPx: number };
}

/** Draws strip `number` of one fabric, good or with a defect of one class. The same arguments give the same bytes. */
export type StripMaker = (number: number, wanted: DefectClass | null) => Strip;
/** A generator: the strips of a fabric from a seed. */
export type Generator = (fabric: Fabric, seed: number, size?: StripSize) => StripMaker;
