/** A camera mounted for a trial, how its machine turns, and what comes in over the wires. */
import { bell, branch, uniform, within } from './chance.ts';
import { advanceMm, columnOf, nextPass, passedMm, walePitchMm, type Tube, type TubeCamera } from './geometry.ts';
import type { TrialFrame, TrialInput, TrialPlan, TrialPoll, TrialPosition, TrialTruth } from './trial.ts';
import type { TubeEye } from './tube-camera.ts';

/** The gateway's clock at the first exposure of a trial, about. */
const epochMs = 1_790_000_000_000;

/** A camera before the machine. */
export interface Mounted {
  readonly plan: TrialPlan;
  readonly tube: Tube;
  readonly camera: TubeCamera;
  readonly eye: TubeEye;
  readonly generator: string;
  readonly position: TrialPosition;
  readonly seed: number;
  readonly marginPx: number;
  readonly markNeedle: number;
}

/** An exposure: its number on the camera's even beat, its time since the first one, and how far the cylinder has turned. */
export interface Exposure {
  readonly beat: number;
  readonly timeS: number;
  readonly revolutions: number;
}

export function inputOf(
  { plan, tube, camera, position, generator, marginPx }: Mounted,
  id: string,
  { calibration, frames, telemetry }: Pick<TrialInput, 'calibration' | 'frames' | 'telemetry'>,
): TrialInput {
  return {
    id,
    position,
    simulated: true,
    generator,
    machine: {
      needles: tube.needles,
      feeders: tube.feeders,
      coursesPerCm: tube.coursesPerCm,
      walePitchMm: walePitchMm(tube),
      advanceMm: advanceMm(tube),
      direction: camera.direction,
    },
    camera: {
      widthPx: camera.widthPx,
      heightPx: camera.heightPx + marginPx,
      marginPx,
      pxPerMm: camera.pxPerMm,
      fps: plan.fps,
      ...(position === 'encoder' ? { countsPerRevolution: plan.countsPerRevolution } : {}),
    },
    calibration,
    frames,
    telemetry,
  };
}

/** Revolutions since the roll was begun, by the time of the trial in s: the speed swings a little about its mean. */
export function turning(plan: TrialPlan, seed: number): (timeS: number) => number {
  const start = within(seed, 20, 50, 4000);
  const perS = plan.rpm / 60;
  const swing = 2 * Math.PI * within(seed, 21, 0.5, 4);
  const phase = within(seed, 22, 0, 2 * Math.PI);
  return (timeS) =>
    start + perS * (timeS + (plan.ripple / swing) * (Math.sin(swing * timeS + phase) - Math.sin(phase)));
}

/** What comes in over the wires, the calibration that goes with it, and where on the roll its count stands at 0. */
export function signals(
  { plan, tube, camera, position, seed, markNeedle }: Mounted,
  frames: readonly Exposure[],
  turned: (timeS: number) => number,
): Pick<TrialInput, 'calibration' | 'frames' | 'telemetry'> & Pick<TrialTruth, 'zeroMm'> {
  const chance = branch(seed, 'wires');
  const cameraOffsetMs = within(chance, 1, -500, 500);
  const countZero = Math.floor(uniform(chance, 2) * plan.countsPerRevolution);
  const skew = 1 + within(chance, 3, -plan.skewPpm, plan.skewPpm) / 1e6;
  const micro = (ms: number): number => Math.round(ms * 1000) / 1000;
  let lastMs = 0;
  const received = frames.map(({ beat, timeS, revolutions }): TrialFrame => {
    const trueMs = timeS * 1000;
    const capturedMs = micro(epochMs + cameraOffsetMs + trueMs * skew + plan.jitterMs * bell(chance, beat, 4));
    // No frame overtakes an earlier one.
    lastMs = Math.max(lastMs + 0.5, epochMs + trueMs + within(branch(chance, `late ${beat}`), 5, ...plan.latencyMs));
    const count = Math.floor(revolutions * plan.countsPerRevolution) + countZero;
    return { capturedMs, receivedMs: micro(lastMs), ...(position === 'encoder' ? { count } : {}) };
  });
  const telemetry: TrialPoll[] = [];
  const endS = frames.at(-1)?.timeS ?? 0;
  for (let i = 0; (i * plan.telemetryMs) / 1000 <= endS + 0.5; i += 1) {
    const atMs = i * plan.telemetryMs + 12 * bell(chance, i, 6);
    // The controller refreshes what it shows once a poll's time; what is read is up to so old.
    const shownS = (atMs - plan.telemetryMs * uniform(chance, i, 7)) / 1000;
    telemetry.push({
      receivedMs: micro(epochMs + atMs),
      revolutions: Math.floor(turned(shownS)),
      speedRpm: Math.round(plan.rpm),
    });
  }
  const atZero = {
    index: markNeedle,
    encoder: camera.needleZero - (camera.direction * tube.needles * countZero) / plan.countsPerRevolution,
    telemetry: camera.needleZero,
  }[position];
  const zeroNeedle = ((Math.round(atZero) % tube.needles) + tube.needles) % tube.needles;
  const zeroRevolutions = {
    index: firstMark(tube, camera, markNeedle, frames),
    encoder: -countZero / plan.countsPerRevolution,
    telemetry: 0,
  }[position];
  return { calibration: { zeroNeedle }, frames: received, telemetry, zeroMm: passedMm(tube, zeroRevolutions) };
}

/** Revolutions at the pass of the mark that the first frame with all of it shows. */
function firstMark(tube: Tube, camera: TubeCamera, markNeedle: number, frames: readonly Exposure[]): number {
  const first = frames.find(({ revolutions }) => {
    const x = columnOf(tube, camera, revolutions, markNeedle);
    return x !== null && x > 8 && x < camera.widthPx - 8;
  });
  const from = (first ?? frames[0])?.revolutions ?? 0;
  const next = nextPass(tube, camera, markNeedle, from);
  // A frame shows the mark a little before it passes the middle, or a little after.
  return next - from > 0.5 ? next - 1 : next;
}
