/**
 * Needle-line trials: a few revolutions of a tube before a camera, in which one needle wears out, with all that a gateway would get of
 * it and, apart from that, the truth. Pure: times are made up, nothing waits.
 *
 * Invariants (tests in `test/unit/simulators/cloth/trials.test.ts`):
 *  N1  The same plan, seed and number give the same trial.
 *  N2  What the gateway gets names no needle but those of its calibration; the truth lies beside it.
 *  N3  The worn needle is at the told column in every frame the truth lists, and in no other frame.
 *  N4  A roll has each of its holes in the frames the truth lists, and shows the mark in every revolution.
 */
import { bell, branch, uniform, within } from './chance.ts';
import {
  advanceMm,
  columnOf,
  coursePitchMm,
  nextPass,
  passedMm,
  rowOf,
  tubeOf,
  walePitchMm,
  type Tube,
  type TubeCamera,
} from './geometry.ts';
import type { KnitFault } from './knit.ts';
import type { TubeEye, TubeScene, TubeHole } from './tube-camera.ts';

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
  /** How long a trial is, and after how many revolutions of it the line begins. */
  readonly revolutions: number;
  readonly lineFrom: readonly [from: number, to: number];
  readonly fps: number;
  readonly widthPx: number;
  /** Of the cloth in a frame; a multiple of 8, as the margin is, so that frames in one JPEG do not run into each other. */
  readonly rowsPx: number;
  readonly pxPerMm: number;
  /** Reflectance of the yarn; how uneven yarn and needles are (1: in good order); how far the camera shakes, mm. */
  readonly tone: number;
  readonly unevenness: number;
  readonly shakeMm: number;
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

/** A hole of a roll: the metre of its middle, and every frame that shows all of it. */
export interface HoleTruth {
  readonly needle: number;
  readonly mm: number;
  readonly radiusMm: number;
  readonly frames: readonly number[];
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
  /** Frames that show it in fewer rows: its beginning is in them. */
  readonly partly: readonly number[];
  readonly revolutions: { readonly from: number; readonly to: number };
  readonly clothMm: number;
  /** Metre of the roll, mm, at which what the gateway counts stands at 0: the first mark in the middle, the count 0, revolution 0. */
  readonly zeroMm: number;
  /** Of a roll alone. */
  readonly holes?: readonly HoleTruth[];
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

export interface TrialMaker {
  trial(position: TrialPosition, number: number, hasLine: boolean): Trial;
  /** A roll of `metres` with `holes` in it, in parts that go on where the one before ends; few of its frames are drawn. */
  roll(position: TrialPosition, metres: number, holes: number): readonly Trial[];
}

/** Trials of one plan: one machine, its cloth and its light, the camera mounted anew in each. */
export function createTrialMaker(plan: TrialPlan, seed: number, drawer: TrialDrawer): TrialMaker {
  const tube = tubeOf(plan);
  const direction = uniform(branch(seed, 'direction'), 0) < 0.5 ? 1 : -1;
  const mounted = (position: TrialPosition, label: string): Mounted => {
    const own = branch(seed, label);
    const marginPx = position === 'index' ? marginRows : 0;
    const camera: TubeCamera = {
      widthPx: plan.widthPx,
      heightPx: plan.rowsPx,
      pxPerMm: plan.pxPerMm,
      needleZero: Math.floor(uniform(own, 2) * tube.needles),
      direction,
    };
    const markNeedle = Math.floor(uniform(own, 3) * tube.needles);
    // Where the camera is mounted is another place in every trial; cloth and light are those of one machine.
    const { tone, unevenness, shakeMm } = plan;
    const eye = drawer.createEye({ seed, tube, camera, marginPx, markNeedle, tone, unevenness, shakeMm });
    return { plan, tube, camera, eye, generator: drawer.generator, position, seed: own, marginPx, markNeedle };
  };
  return {
    trial: (position, number, hasLine) => planTrial(mounted(position, `trial ${position} ${number}`), number, hasLine),
    roll: (position, metres, holes) => planRoll(mounted(position, `roll ${position}`), metres, holes),
  };
}

/** A camera before the machine. */
interface Mounted {
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
interface Exposure {
  readonly beat: number;
  readonly timeS: number;
  readonly revolutions: number;
}

function planTrial(mounted: Mounted, number: number, hasLine: boolean): Trial {
  const { plan, tube, camera, eye, seed, position } = mounted;
  const turned = turning(plan, seed);
  const startRevolutions = turned(0);
  const frames: Exposure[] = [];
  for (let beat = 0; ; beat += 1) {
    const timeS = beat / plan.fps;
    const revolutions = turned(timeS);
    if (revolutions - startRevolutions > plan.revolutions) break;
    frames.push({ beat, timeS, revolutions });
  }
  const line = hasLine
    ? {
        needle: Math.floor(uniform(seed, 10) * tube.needles),
        fromRevolutions: startRevolutions + within(seed, 11, ...plan.lineFrom),
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
  const halfView = camera.heightPx / camera.pxPerMm / 2 / advanceMm(tube);
  const partly = frames.flatMap(({ revolutions }, frame) => {
    if (line === null || revolutions >= line.fromRevolutions) return [];
    const isIn = columnOf(tube, camera, revolutions, line.needle) !== null;
    return isIn && revolutions + halfView > line.fromRevolutions ? [frame] : [];
  });
  const id = `${position}-${String(number).padStart(4, '0')}`;
  const end = frames.at(-1)?.revolutions ?? startRevolutions;
  const wires = signals(mounted, frames, turned);
  return {
    input: inputOf(mounted, id, wires),
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
      partly,
      revolutions: { from: startRevolutions, to: end },
      clothMm: passedMm(tube, end - startRevolutions),
      zeroMm: wires.zeroMm,
    },
    draw(frame, pixels) {
      const shown = frames[frame];
      if (shown !== undefined) eye.take({ ...shown, number: shown.beat, faults, trouble: null }, pixels);
    },
  };
}

/** So many frames a part of a roll: a JPEG has 65,535 rows. */
const framesOfPart = 160;
/** Frames drawn before and after the one that shows a hole best. */
const aroundHole = 1;

function planRoll(mounted: Mounted, metres: number, count: number): readonly Trial[] {
  const { plan, tube, camera, eye, seed, position } = mounted;
  const turned = turning(plan, seed);
  const start = turned(0);
  const lengthRevolutions = (metres * 1000) / advanceMm(tube);
  /** The exposure nearest to an angle. */
  const beatAt = (revolutions: number): number => {
    let beat = Math.round(((revolutions - start) / plan.rpm) * 60 * plan.fps);
    const off = (at: number): number => Math.abs(turned(at / plan.fps) - revolutions);
    while (beat > 0 && off(beat - 1) < off(beat)) beat -= 1;
    while (off(beat + 1) < off(beat)) beat += 1;
    return beat;
  };
  const middle = (needle: number, from: number) => nextPass(tube, camera, needle, from);
  const viewCourses = (camera.heightPx / camera.pxPerMm) * (tube.coursesPerCm / 10);
  const holes = Array.from({ length: count }, (_, i) => {
    const needle = Math.floor(uniform(seed, i, 40) * tube.needles);
    const pass = middle(needle, start + 3 + ((lengthRevolutions - 4) * (i + 0.5)) / count);
    const height = tube.feeders * pass + viewCourses * (uniform(seed, i, 41) - 0.5) * 0.6;
    const radiusMm = 0.8 + 1.1 * uniform(seed, i, 42);
    return { needle, height, pass, radiusMm };
  });
  const beats = new Set<number>();
  // The mark in every revolution, and in every second one the machine at an angle drawn for it.
  for (let turn = 0; turn < lengthRevolutions; turn += 1) {
    if (position === 'index') beats.add(beatAt(middle(mounted.markNeedle, start + turn)));
    if (turn % 2 === 0) beats.add(beatAt(start + turn + uniform(seed, turn, 43)));
  }
  for (const { pass } of holes) {
    for (let off = -aroundHole; off <= aroundHole; off += 1) beats.add(beatAt(pass) + off);
  }
  const frames = [...beats]
    .toSorted((a, b) => a - b)
    .map((beat): Exposure => ({ beat, timeS: beat / plan.fps, revolutions: turned(beat / plan.fps) }));
  const wires = signals(mounted, frames, turned);
  const painted = holes.map(({ needle, height, radiusMm }, i): TubeHole => ({
    needle,
    height,
    radiusMm,
    seed: branch(seed, `hole ${i}`),
  }));
  const shows = ({ revolutions }: Exposure, { needle, height, radiusMm }: TubeHole): boolean => {
    const x = columnOf(tube, camera, revolutions, needle);
    const y = rowOf(tube, camera, revolutions, height);
    const rim = 1.6 * radiusMm * camera.pxPerMm;
    return x !== null && y !== null && Math.min(x, camera.widthPx - x, y, camera.heightPx - y) > rim;
  };
  const parts: Trial[] = [];
  for (let from = 0; from < frames.length; from += framesOfPart) {
    const own = frames.slice(from, from + framesOfPart);
    const [first, last] = [own[0]?.revolutions ?? start, own.at(-1)?.revolutions ?? start];
    const id = `roll-${position}-${String(parts.length + 1).padStart(4, '0')}`;
    const received = wires.frames.slice(from, from + framesOfPart);
    const [sinceMs, untilMs] = [
      from === 0 ? 0 : (received[0]?.receivedMs ?? 0),
      wires.frames[from + framesOfPart]?.receivedMs ?? Infinity,
    ];
    const telemetry =
      position === 'telemetry'
        ? wires.telemetry.filter(({ receivedMs }) => receivedMs >= sinceMs && receivedMs < untilMs)
        : [];
    parts.push({
      input: inputOf(mounted, id, { ...wires, frames: received, telemetry }),
      truth: {
        id,
        position,
        needles: tube.needles,
        rpm: plan.rpm,
        truthNeedle: null,
        strength: null,
        fromRevolutions: null,
        fromMm: null,
        firstFrame: null,
        passes: [],
        partly: [],
        revolutions: { from: first, to: last },
        clothMm: passedMm(tube, last - first),
        zeroMm: wires.zeroMm,
        holes: painted.flatMap((hole) => {
          const seen = own.flatMap((frame, i) => (shows(frame, hole) ? [i] : []));
          const { needle, height, radiusMm } = hole;
          return seen.length === 0 ? [] : [{ needle, mm: height * coursePitchMm(tube), radiusMm, frames: seen }];
        }),
      },
      draw(frame, pixels) {
        const shown = own[frame];
        if (shown !== undefined)
          eye.take({ ...shown, number: shown.beat, faults: [], holes: painted, trouble: null }, pixels);
      },
    });
  }
  return parts;
}

function inputOf(
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
function turning(plan: TrialPlan, seed: number): (timeS: number) => number {
  const start = within(seed, 20, 50, 4000);
  const perS = plan.rpm / 60;
  const swing = 2 * Math.PI * within(seed, 21, 0.5, 4);
  const phase = within(seed, 22, 0, 2 * Math.PI);
  return (timeS) =>
    start + perS * (timeS + (plan.ripple / swing) * (Math.sin(swing * timeS + phase) - Math.sin(phase)));
}

/** What comes in over the wires, the calibration that goes with it, and where on the roll its count stands at 0. */
function signals(
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
