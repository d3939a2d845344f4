/**
 * Needle-line trials: a few revolutions of a tube before a camera, in which one needle wears out, with all that a gateway would get of
 * it and, apart from that, the truth. Pure: times are made up, nothing waits.
 *
 * Invariants (tests in `test/unit/simulators/cloth/trials.test.ts`):
 *  N1  The same plan, seed and number give the same trial.
 *  N2  What the gateway gets names no needle but those of its calibration; the truth lies beside it.
 *  N3  The worn needle is at the told column in every frame the truth lists, and in no other frame.
 */
import { bell, branch, uniform, within } from './chance.ts';
import { advanceMm, columnOf, passedMm, tubeOf, walePitchMm, type Tube, type TubeCamera } from './geometry.ts';
import type { KnitFault } from './knit.ts';
import type { TubeEye, TubeScene } from './tube-camera.ts';

export const trialPositions = ['index', 'encoder', 'telemetry'] as const;
export type TrialPosition = (typeof trialPositions)[number];

export interface TrialPlan {
  readonly diameterInch: number;
  readonly gauge: number;
  readonly feeders: number;
  readonly coursesPerCm: number;
  readonly rpm: number;
  /** Share by which the speed swings about `rpm`. */
  readonly ripple: number;
  /** How long a trial is. The line begins in the first one. */
  readonly revolutions: number;
  readonly fps: number;
  readonly widthPx: number;
  /** Of a frame, margin and all; a multiple of 8, so that frames in one JPEG do not run into each other. */
  readonly rowsPx: number;
  readonly pxPerMm: number;
  readonly strength: readonly [from: number, to: number];
  readonly skewPpm: number;
  readonly jitterMs: number;
  readonly latencyMs: readonly [from: number, to: number];
  readonly countsPerRevolution: number;
  /** How often the machine's own interface is polled, and how old what it says may be, ms. */
  readonly telemetryMs: number;
}

/** A frame as it comes in: the exposure by the camera's clock, the arrival by the gateway's, with an encoder its count. */
export interface TrialFrame {
  readonly capturedMs: number;
  readonly receivedMs: number;
  readonly count?: number;
}
/** What the machine answered to a poll: whole revolutions since the roll was begun, and the speed. */
export interface TrialPoll {
  readonly receivedMs: number;
  readonly revolutions: number;
  readonly speedRpm: number;
}

/** All that the gateway gets: nothing in it says which needle is worn. */
export interface TrialInput {
  readonly id: string;
  readonly position: TrialPosition;
  readonly simulated: true;
  readonly generator: string;
  readonly machine: {
    readonly needles: number;
    readonly feeders: number;
    readonly coursesPerCm: number;
    readonly walePitchMm: number;
    readonly advanceMm: number;
    readonly direction: 1 | -1;
  };
  readonly camera: {
    readonly widthPx: number;
    readonly heightPx: number;
    /** Rows of a frame that show the ring, above the cloth. */
    readonly marginPx: number;
    readonly pxPerMm: number;
    readonly fps: number;
    readonly countsPerRevolution?: number;
  };
  /**
   * What a calibration found: the needle in the middle column when the mark is there (index), when the count is a multiple of
   * `countsPerRevolution` (encoder) or when the count of revolutions steps on (telemetry); a whole number, so half a needle off at most.
   */
  readonly calibration: { readonly zeroNeedle: number };
  readonly frames: readonly TrialFrame[];
  readonly telemetry: readonly TrialPoll[];
}

export interface TrialTruth {
  readonly id: string;
  readonly position: TrialPosition;
  readonly needles: number;
  readonly rpm: number;
  /** null: nothing is wrong with this cloth. */
  readonly truthNeedle: number | null;
  readonly strength: number | null;
  /** Where the line begins: revolutions since the roll was begun, and metres on it in mm. */
  readonly fromRevolutions: number | null;
  readonly fromMm: number | null;
  /** The first frame that shows the line; frames count from 0. */
  readonly firstFrame: number | null;
  /** Every frame that shows it: the column of its wale's middle, and the metre of the frame's middle row of cloth, mm. */
  readonly passes: readonly {
    readonly frame: number;
    readonly xPx: number;
    readonly revolutions: number;
    readonly mm: number;
  }[];
  readonly revolutions: { readonly from: number; readonly to: number };
  readonly clothMm: number;
}

export interface Trial {
  readonly input: TrialInput;
  readonly truth: TrialTruth;
  /** Draws a frame into `pixels` (widthPx × rowsPx). */
  draw(frame: number, pixels: Uint8Array): void;
}

const marginRows = 8;
/** The gateway's clock at the first exposure of a trial, about. */
const epochMs = 1_790_000_000_000;

/** Who draws the frames of trials. */
export interface TrialDrawer {
  readonly generator: string;
  createEye(scene: TubeScene): TubeEye;
}

/** Trials of one plan: one machine and its cloth, the camera mounted anew in each. */
export function createTrialMaker(
  plan: TrialPlan,
  seed: number,
  drawer: TrialDrawer,
): (position: TrialPosition, number: number, hasLine: boolean) => Trial {
  const tube = tubeOf(plan);
  return (position, number, hasLine) => {
    const own = branch(seed, `trial ${position} ${number}`);
    const direction = uniform(own, 1) < 0.5 ? 1 : -1;
    const marginPx = position === 'index' ? marginRows : 0;
    const camera: TubeCamera = {
      widthPx: plan.widthPx,
      heightPx: plan.rowsPx - marginPx,
      pxPerMm: plan.pxPerMm,
      needleZero: Math.floor(uniform(own, 2) * tube.needles),
      direction,
    };
    const markNeedle = Math.floor(uniform(own, 3) * tube.needles);
    // Where the camera is mounted is another place in every trial; cloth and light are those of one machine.
    const eye = drawer.createEye({
      seed,
      tube,
      camera,
      marginPx,
      markNeedle,
      tone: 0.7,
      unevenness: 1,
      shakeMm: 0.025,
    });
    return planTrial(plan, tube, camera, eye, {
      generator: drawer.generator,
      position,
      number,
      hasLine,
      seed: own,
      marginPx,
      markNeedle,
    });
  };
}

interface TrialParts {
  readonly generator: string;
  readonly position: TrialPosition;
  readonly number: number;
  readonly hasLine: boolean;
  readonly seed: number;
  readonly marginPx: number;
  readonly markNeedle: number;
}

function planTrial(plan: TrialPlan, tube: Tube, camera: TubeCamera, eye: TubeEye, parts: TrialParts): Trial {
  const { position, seed, marginPx } = parts;
  const turned = turning(plan, seed);
  const startRevolutions = turned(0);
  const frames: { readonly timeS: number; readonly revolutions: number }[] = [];
  for (let i = 0; ; i += 1) {
    const timeS = i / plan.fps;
    const revolutions = turned(timeS);
    if (revolutions - startRevolutions > plan.revolutions) break;
    frames.push({ timeS, revolutions });
  }
  const line = parts.hasLine
    ? {
        needle: Math.floor(uniform(seed, 10) * tube.needles),
        fromRevolutions: startRevolutions + within(seed, 11, 0.2, 1),
        strength: within(seed, 12, ...plan.strength),
      }
    : null;
  const faults: readonly KnitFault[] =
    line === null
      ? []
      : [
          {
            kind: 'needle_line',
            needle: line.needle,
            fromHeight: tube.feeders * line.fromRevolutions,
            toHeight: Infinity,
            strength: line.strength,
          },
        ];
  const passes = frames.flatMap(({ revolutions }, frame) => {
    if (line === null || revolutions < line.fromRevolutions) return [];
    const xPx = columnOf(tube, camera, revolutions, line.needle);
    return xPx === null ? [] : [{ frame, xPx, revolutions, mm: passedMm(tube, revolutions) }];
  });
  const id = `${position}-${String(parts.number).padStart(4, '0')}`;
  const end = frames.at(-1)?.revolutions ?? startRevolutions;
  return {
    input: {
      id,
      position,
      simulated: true,
      generator: parts.generator,
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
        heightPx: plan.rowsPx,
        marginPx,
        pxPerMm: camera.pxPerMm,
        fps: plan.fps,
        ...(position === 'encoder' ? { countsPerRevolution: plan.countsPerRevolution } : {}),
      },
      ...signals(plan, tube, camera, parts, frames, turned),
    },
    truth: {
      id,
      position,
      needles: tube.needles,
      rpm: plan.rpm,
      truthNeedle: line?.needle ?? null,
      strength: line?.strength ?? null,
      fromRevolutions: line?.fromRevolutions ?? null,
      fromMm: line === null ? null : passedMm(tube, line.fromRevolutions),
      firstFrame: passes[0]?.frame ?? null,
      passes,
      revolutions: { from: startRevolutions, to: end },
      clothMm: passedMm(tube, end - startRevolutions),
    },
    draw(frame, pixels) {
      const shown = frames[frame];
      if (shown !== undefined) eye.take({ ...shown, number: frame, faults, trouble: null }, pixels);
    },
  };
}

/** Revolutions since the roll was begun, by the time of the trial in s: the speed swings a little about its mean. */
function turning(plan: TrialPlan, seed: number): (timeS: number) => number {
  const start = within(seed, 20, 50, 4000);
  const perS = plan.rpm / 60;
  const swing = 2 * Math.PI * within(seed, 21, 0.5, 4);
  const phase = within(seed, 22, 0, 2 * Math.PI);
  return (timeS) =>
    start + perS * (timeS + (plan.ripple / swing) * (Math.sin(swing * timeS + phase) - Math.sin(phase)));
}

/** What comes in over the wires, and the calibration that goes with it. */
function signals(
  plan: TrialPlan,
  tube: Tube,
  camera: TubeCamera,
  { position, seed, markNeedle }: TrialParts,
  frames: readonly { readonly timeS: number; readonly revolutions: number }[],
  turned: (timeS: number) => number,
): Pick<TrialInput, 'calibration' | 'frames' | 'telemetry'> {
  const chance = branch(seed, 'wires');
  const cameraOffsetMs = within(chance, 1, -500, 500);
  const countZero = Math.floor(uniform(chance, 2) * plan.countsPerRevolution);
  const skew = 1 + within(chance, 3, -plan.skewPpm, plan.skewPpm) / 1e6;
  const micro = (ms: number): number => Math.round(ms * 1000) / 1000;
  let lastMs = 0;
  const received = frames.map(({ timeS, revolutions }, i): TrialFrame => {
    const trueMs = timeS * 1000;
    const capturedMs = micro(epochMs + cameraOffsetMs + trueMs * skew + plan.jitterMs * bell(chance, i, 4));
    // No frame overtakes an earlier one.
    lastMs = Math.max(lastMs + 0.5, epochMs + trueMs + within(branch(chance, `late ${i}`), 5, ...plan.latencyMs));
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
  return { calibration: { zeroNeedle }, frames: received, telemetry };
}
