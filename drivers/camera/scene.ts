/**
 * What stays the same in the pictures of a camera that stands still: its edges, and the pitch of the cloth. Pure.
 *
 * Invariant (test/unit/drivers/camera-health.test.ts): nothing is said that the pictures do not carry. Edges count where they stand out of
 * what runs by, the pitch where it hardly varies; a scene of neither cannot be judged.
 */
import { shiftBetween, type FrameMeasure } from './measure.ts';

/** Mean brightness along one axis, over the last pictures. */
interface Profile {
  readonly mean: readonly number[];
  /** How far single pictures lie off it, rms grey levels: the cloth that runs by. */
  readonly spread: number;
}
export interface Scene {
  readonly frames: number;
  readonly columns: Profile;
  readonly rows: Profile;
  /** From one thread or wale to the next, in pixels, and how far single pictures lie off it; null where there is none. */
  readonly pitch: { readonly mean: number; readonly spread: number } | null;
}

/** Of a single picture; cloth that runs by averages out. */
const newShare = 0.1;
/** Pictures before anything is said: then the first of them counts no more than the others. */
export const leastFrames = 20;
/** Grey levels. */
const flattest = 3;
/** What runs by leaves √(newShare / (2 − newShare)) = 0.23 of its spread in the mean; edges must stand out of that four times. */
const edgeTimes = 4 * Math.sqrt(newShare / (2 - newShare));
/** Share by which single pictures may have another pitch. */
const steadyPitch = 0.02;
/** Below it two profiles have nothing in common. */
const leastLikeness = 0.5;

export const noScene: Scene = {
  frames: 0,
  columns: { mean: [], spread: 0 },
  rows: { mean: [], spread: 0 },
  pitch: null,
};

export function addToScene(
  before: Scene,
  { columns, rows, pitchPx }: Pick<FrameMeasure, 'columns' | 'rows' | 'pitchPx'>,
): Scene {
  // Another resolution begins anew.
  const isOther = before.columns.mean.length !== columns.length || before.rows.mean.length !== rows.length;
  const known = isOther ? noScene : before;
  return {
    frames: known.frames + 1,
    columns: blend(known.columns, columns),
    rows: blend(known.rows, rows),
    pitch: blendPitch(known.pitch, pitchPx),
  };
}

function blend({ mean, spread }: Profile, now: readonly number[]): Profile {
  if (mean.length === 0) return { mean: now, spread: 0 };
  // Light that changes as a whole moves no edge.
  const lift = meanOf(now) - meanOf(mean);
  const off = now.reduce((sum, value, at) => sum + (value - lift - (mean[at] ?? 0)) ** 2, 0) / now.length;
  return {
    mean: now.map((value, at) => (mean[at] ?? value) * (1 - newShare) + value * newShare),
    spread: Math.sqrt(spread ** 2 * (1 - newShare) + off * newShare),
  };
}

function blendPitch(before: Scene['pitch'], now: number | null): Scene['pitch'] {
  if (now === null || before === null) return now === null ? before : { mean: now, spread: 0 };
  const { mean, spread } = before;
  return {
    mean: mean * (1 - newShare) + now * newShare,
    spread: Math.sqrt(spread ** 2 * (1 - newShare) + (now - mean) ** 2 * newShare),
  };
}

/** How far the scene of now lies off the one that was taught, as a share; null where nothing can be said. */
export interface Displacement {
  readonly share: number;
  readonly what: 'shifted' | 'another-pitch' | 'another-scene';
}

export function displacement(taught: Scene, now: Scene): Displacement | null {
  if (now.frames < leastFrames) return null;
  const shifts = ([['columns'], ['rows']] as const)
    .map(([axis]) => {
      const flat = Math.max(flattest, edgeTimes * Math.max(taught[axis].spread, now[axis].spread));
      return shiftBetween(taught[axis].mean, now[axis].mean, flat);
    })
    .filter((shift) => shift !== null);
  if (shifts.some(({ likeness }) => likeness < leastLikeness)) return { share: 1, what: 'another-scene' };
  const found: Displacement[] = shifts.map(({ share }) => ({ share: Math.abs(share), what: 'shifted' }));
  if (isSteady(taught.pitch) && isSteady(now.pitch)) {
    found.push({ share: Math.abs(now.pitch.mean / taught.pitch.mean - 1), what: 'another-pitch' });
  }
  return found.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

const isSteady = (pitch: Scene['pitch']): pitch is NonNullable<Scene['pitch']> =>
  pitch !== null && pitch.spread <= steadyPitch * pitch.mean;
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
