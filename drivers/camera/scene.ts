/**
 * What stays the same in the pictures of a camera that stands still: edges, and how the cloth lies in the picture. Pure.
 *
 * Cloth that runs by leaves no edge in the mean of many pictures; the frame of the machine, the ring of a cylinder or the edge of the
 * cloth do. Only steps in brightness that stood still while the cloth was taught are looked for again.
 *
 * Invariants (test/unit/drivers/camera-health.test.ts, test/unit/drivers/camera-scene.test.ts):
 *  E1  Nothing is said that the pictures do not carry: without an edge no shift is told, without a pitch no distance and no lean.
 *  E2  Good cloth that runs by, however long, is no displacement.
 */
import { z } from 'zod';
import type { FrameMeasure } from './measure.ts';

/** Steps of brightness along one axis as shares of the mean brightness; 0 where none stood still. */
const edges = z.array(z.number().min(-10).max(10)).max(256);

/** What a person showed as right: the camera in its place, in focus, before this cloth. */
export const referenceSchema = z.strictObject({
  /** As `measure.ts` has it. */
  sharpness: z.number().positive(),
  columns: edges,
  rows: edges,
  /** Null where the cloth has none that can be measured. */
  pitchPx: z.number().positive().nullable(),
  lean: z.number().min(-1).max(1).nullable(),
});
export type CameraReference = z.infer<typeof referenceSchema>;

/** A figure over the last pictures, and how far single pictures lie off it (rms). */
interface Mean {
  readonly mean: number;
  readonly spread: number;
}
export interface Scene {
  readonly frames: number;
  /** Of the last pictures, as `CameraReference` has them but for what moves. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  readonly pitch: Mean | null;
  readonly lean: Mean | null;
}
export const noScene: Scene = { frames: 0, columns: [], rows: [], pitch: null, lean: null };

/** Pictures before anything is said. */
export const leastFrames = 12;
/** Half of what is on either side of a place makes its step: so wide that wales and courses cancel out. */
const reachShare = 1 / 40;
/** A step of less is light that falls off. */
const leastStep = 0.06;
/** … and against how it varies from picture to picture: what runs by. */
const leastTimes = 1.5;
/** Pitch and lean of single pictures may vary by so much, as a share and as a tangent. */
const steadyPitch = 0.02;
const steadyLean = 0.02;
/** Further a camera is not looked for: it shows another scene. */
const mostShift = 0.12;
/** Share of the taught edges that is found again; less is another scene. */
const leastFound = 0.35;

type Profiles = Pick<FrameMeasure, 'columns' | 'rows' | 'pitchPx' | 'lean'>;

/**
 * What is to be kept of pictures of good cloth that ran by.
 * @returns null for too few pictures, or none with any detail
 */
export function referenceOf(measures: readonly (Profiles & Pick<FrameMeasure, 'sharpness'>)[]): CameraReference | null {
  const first = measures[0];
  if (first === undefined || measures.length < leastFrames) return null;
  const alike = measures.filter(
    ({ columns, rows }) => columns.length === first.columns.length && rows.length === first.rows.length,
  );
  const sharpness = medianOf(alike.map((one) => one.sharpness));
  if (alike.length < measures.length || sharpness <= 0) return null;
  const pitch = meanOf(alike.flatMap(({ pitchPx }) => pitchPx ?? []));
  const lean = meanOf(alike.flatMap((one) => one.lean ?? []));
  return {
    sharpness,
    columns: standing(alike.map(({ columns }) => stepsOf(columns))),
    rows: standing(alike.map(({ rows }) => stepsOf(rows))),
    pitchPx: isSteadyPitch(pitch) ? pitch.mean : null,
    lean: isSteadyLean(lean) ? lean.mean : null,
  };
}

/** @param share of the picture in the mean, 0 … 1 */
export function addToScene(before: Scene, { columns, rows, pitchPx, lean }: Profiles, share: number): Scene {
  // Another resolution begins anew.
  const isOther = before.columns.length !== columns.length || before.rows.length !== rows.length;
  const known = isOther ? noScene : before;
  // At first each picture counts alike.
  const part = Math.max(share, 1 / (known.frames + 1));
  return {
    frames: known.frames + 1,
    columns: blend(known.columns, stepsOf(columns), part),
    rows: blend(known.rows, stepsOf(rows), part),
    pitch: blendMean(known.pitch, pitchPx, part),
    lean: blendMean(known.lean, lean, part),
  };
}

/** By how much of its width or height the rim of the picture lies elsewhere than was taught. */
export interface Displacement {
  readonly share: number;
  readonly what: 'shifted' | 'another-distance' | 'turned' | 'another-scene';
}

/** null where nothing can be said. */
export function displacement(taught: CameraReference, now: Scene): Displacement | null {
  if (now.frames < leastFrames) return null;
  const found: Displacement[] = [];
  for (const axis of ['columns', 'rows'] as const) {
    const shift = shiftOf(taught[axis], now[axis]);
    if (shift === null) continue;
    if (shift.found < leastFound) return { share: 1, what: 'another-scene' };
    found.push({ share: Math.abs(shift.share), what: 'shifted' });
  }
  // The rim is half a picture away from the middle, about which it gets larger and turns. A pitch counts half of that: take-down and the
  // moisture of the yarn make it some per cent other while the camera stands where it stood.
  if (taught.pitchPx !== null && isSteadyPitch(now.pitch)) {
    found.push({ share: Math.abs(now.pitch.mean / taught.pitchPx - 1) / 4, what: 'another-distance' });
  }
  if (taught.lean !== null && isSteadyLean(now.lean)) {
    found.push({ share: Math.abs(now.lean.mean - taught.lean) / 2, what: 'turned' });
  }
  return found.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

/** What is right of a place less what is left of it, as a share of the mean; 0 beside what the mask covers. */
function stepsOf(profile: readonly number[]): readonly number[] {
  const seen = profile.filter((value) => !Number.isNaN(value));
  const level = Math.max(1, seen.reduce((sum, value) => sum + value, 0) / Math.max(1, seen.length));
  const reach = Math.max(2, Math.round(profile.length * reachShare));
  return profile.map((_, at) => {
    const before = partMean(profile, at - reach, at);
    const after = partMean(profile, at, at + reach);
    return before === null || after === null ? 0 : (after - before) / level;
  });
}

/** Null where it is less than two places, or the mask covers one of them. */
function partMean(profile: readonly number[], from: number, to: number): number | null {
  const [first, end] = [Math.max(0, from), Math.min(profile.length, to)];
  if (end - first < 2) return null;
  let sum = 0;
  for (let at = first; at < end; at += 1) sum += profile[at] ?? Number.NaN;
  return Number.isNaN(sum) ? null : sum / (end - first);
}

/** The mean of steps that stand still; 0 elsewhere. */
function standing(pictures: readonly (readonly number[])[]): number[] {
  const places = pictures[0]?.length ?? 0;
  return Array.from({ length: places }, (_, at) => {
    const { mean, spread } = meanOf(pictures.map((steps) => steps[at] ?? 0)) ?? { mean: 0, spread: 0 };
    return Math.abs(mean) >= Math.max(leastStep, leastTimes * spread) ? Math.round(mean * 10_000) / 10_000 : 0;
  });
}

/**
 * Where the taught edges are now: the shift that leaves the least of them unexplained,
 *
 *   found = 1 − Σ (taught[i] − now[i + shift])² / Σ taught[i]²     over the places that have an edge
 *
 * @returns null where none was taught, or the picture has another resolution
 */
function shiftOf(
  taught: readonly number[],
  now: readonly number[],
): { readonly share: number; readonly found: number } | null {
  if (taught.length !== now.length || taught.every((step) => step === 0)) return null;
  const most = Math.max(1, Math.round(taught.length * mostShift));
  const scores = Array.from({ length: 2 * most + 1 }, (_, i) => foundAt(taught, now, i - most));
  let best = most;
  for (let off = 1; off <= most; off += 1) {
    for (const at of [most - off, most + off]) if ((scores[at] ?? 0) > (scores[best] ?? 0) + 1e-9) best = at;
  }
  const [before, here, after] = [scores[best - 1], scores[best] ?? 0, scores[best + 1]];
  const bend = before === undefined || after === undefined ? 0 : before - 2 * here + after;
  const top = bend === 0 ? 0 : ((before ?? 0) - (after ?? 0)) / (2 * bend);
  return { share: (best - most + top) / taught.length, found: here };
}

function foundAt(taught: readonly number[], now: readonly number[], shift: number): number {
  let [all, left] = [0, 0];
  for (const [at, step] of taught.entries()) {
    if (step === 0) continue;
    // What would lie outside the picture is not found.
    left += (step - (now[at + shift] ?? 0)) ** 2;
    all += step * step;
  }
  return 1 - left / all;
}

function blend(before: readonly number[], now: readonly number[], part: number): readonly number[] {
  return before.length === 0 ? now : now.map((value, at) => (before[at] ?? value) * (1 - part) + value * part);
}

function blendMean(before: Mean | null, now: number | null, part: number): Mean | null {
  if (now === null || before === null) return now === null ? before : { mean: now, spread: 0 };
  const { mean, spread } = before;
  return {
    mean: mean * (1 - part) + now * part,
    spread: Math.sqrt(spread ** 2 * (1 - part) + (now - mean) ** 2 * part),
  };
}

function meanOf(values: readonly number[]): Mean | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, spread: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

const isSteadyPitch = (pitch: Mean | null): pitch is Mean => pitch !== null && pitch.spread <= steadyPitch * pitch.mean;
const isSteadyLean = (lean: Mean | null): lean is Mean => lean !== null && lean.spread <= steadyLean;
const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
