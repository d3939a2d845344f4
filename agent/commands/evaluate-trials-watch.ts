/** One trial through the eye: what the gateway gets of it goes in as the camera and the drivers would bring it, what is told is kept. */
import { measureFrame } from '../../drivers/camera/measure.ts';
import { levelOf } from '../../models/vision/prepare.ts';
import type { EyeConfig } from '../config/config.ts';
import { AgentError, agentErrors } from '../errors.ts';
import { learnFrom } from '../senses/teaching.ts';
import { machineOf } from '../senses/eye/told.ts';
import type { EyeFinding } from '../senses/eye/looking.ts';
import { Watching } from '../senses/eye/watching.ts';
import type { Graph } from '../../models/graph.ts';
import type { Taught } from '../../models/vision/taught.ts';
import type { Grey } from '../../models/vision/grey.ts';
import type { TrialInput, TrialTruth } from './evaluate-trials-data.ts';

/** `selvedge teach vision` takes so many pictures of a camera. */
export const taughtPictures = 12;
/** A line that was not told in so many revolutions is missed. */
export const tellWithin = 3;

/** Where too many pictures differ a person shows others; so often. */
const showings = 4;

/**
 * Learns the cloth of a trial in which nothing is wrong, from pictures spread over all of it, as `selvedge teach vision` does.
 * @throws ModelError, AgentError as `learnFrom`
 */
export async function teachFrom(pictures: readonly Grey[], graph: Graph): Promise<Taught> {
  for (let showing = 0; ; showing += 1) {
    const good = Array.from({ length: taughtPictures }, (_, i) => {
      const at = Math.floor(((i + showing / showings) * pictures.length) / taughtPictures);
      const image = pictures[at];
      if (image === undefined) return [];
      return [
        { name: `picture ${at}`, image, level: levelOf(image), measure: measureFrame({ ...image, masked: null }) },
      ];
    }).flat();
    try {
      return (await learnFrom({ good, refused: [], reference: null, trouble: null }, graph)).taught;
    } catch (error) {
      if (!(error instanceof AgentError) || error.entry !== agentErrors.samplesDiffer || showing + 1 >= showings)
        throw error;
    }
  }
}

/** The eye before the machine of a trial, as its configuration and its calibration would have it. */
export function eyeFor(input: TrialInput, taught: Taught, graph: Graph): Watching {
  const { machine, camera, calibration, position } = input;
  const eye: Omit<EyeConfig, 'score'> = {
    camera: 'mjpeg+http://127.0.0.1/stream',
    mask: [],
    fabric: 'trial',
    mmPerPx: 1 / camera.pxPerMm,
    needles: machine.needles,
    firstNeedle: 0,
    feeders: machine.feeders,
    coursesPerCm: machine.coursesPerCm,
    circumferenceMm: machine.needles * machine.walePitchMm,
    position,
    ringRowsPx: Math.max(1, camera.marginPx),
    countsPerRevolution: camera.countsPerRevolution ?? 1,
    rising: machine.direction === 1,
    needleZero: calibration.zeroNeedle,
    behind: 'darker',
    simulated: true,
  };
  // As a calibration leaves it: half a needle off at most.
  const zero = {
    zeroNeedle: calibration.zeroNeedle,
    zeroError: 0.5,
    direction: machine.direction,
    columns: 1,
  } as const;
  const style = { description: { camera: null }, stats: Buffer.alloc(0) };
  const settings = machineOf('trial', eye, style, zero);
  return new Watching(settings, { width: camera.widthPx, height: camera.heightPx }, taught, graph);
}

/** What was told, and in which frame of the trial. */
export interface Told {
  readonly frame: number;
  readonly finding: EyeFinding;
}

/** Shows the eye all of a trial. Polls come in before the frames that come later. */
export async function watchTrial(watching: Watching, input: TrialInput, pictures: readonly Grey[]): Promise<Told[]> {
  const told: Told[] = [];
  let polled = 0;
  for (const [frame, { capturedMs, receivedMs, count }] of input.frames.entries()) {
    for (let poll = input.telemetry[polled]; poll !== undefined; poll = input.telemetry[polled]) {
      if (poll.receivedMs > receivedMs) break;
      watching.telemetry({ timeMs: poll.receivedMs, rpm: poll.speedRpm, revolutions: poll.revolutions });
      polled += 1;
    }
    const picture = pictures[frame];
    if (picture === undefined) continue;
    const { findings } = await watching.frame({ ...picture, timeMs: capturedMs, receivedMs, count: count ?? null });
    told.push(...findings.map(({ finding }) => ({ frame, finding })));
  }
  return told;
}

/** How a trial ended. */
export interface LineOutcome {
  /** What was told of the line when it was told first; null: nothing within `tellWithin` revolutions. */
  readonly line: { readonly finding: EyeFinding; readonly revolutions: number } | null;
  /** How often the line was told again, as if it were another. */
  readonly again: number;
  /** Everything else that was found. */
  readonly others: readonly EyeFinding[];
}

/**
 * Holds what was told against the truth. A finding is that of the line when it runs along a wale and was last seen in a frame that shows
 * the line or its beginning, whatever needle it names.
 */
export function judgedLine(told: readonly Told[], input: TrialInput, truth: TrialTruth): LineOutcome {
  const frames = [...truth.partly, ...truth.passes.map(({ frame }) => frame)];
  const shown = new Set(frames.map((frame) => input.frames[frame]?.capturedMs));
  const found = told.filter(({ finding }) => finding.phase === 'found');
  const isOwn = ({ finding }: Told) => finding.shape === 'vertical' && shown.has(finding.lastMs);
  // What was a spot while little of it was seen becomes a line under its name.
  const line = told.find((one) => one.finding.phase !== 'closed' && isOwn(one));
  const own = found.filter((one) => isOwn(one) || one.finding.id === line?.finding.id);
  const revolutions =
    line === undefined ? Infinity : revolutionsAt(line.frame, input, truth) - (truth.fromRevolutions ?? 0);
  return {
    line: line === undefined || revolutions > tellWithin ? null : { finding: line.finding, revolutions },
    again: Math.max(0, own.length - 1),
    others: found.filter((one) => !own.includes(one)).map(({ finding }) => finding),
  };
}

/** The speed of a trial swings by less than a thousandth: its frames are evenly spread over its revolutions. */
function revolutionsAt(frame: number, { frames }: TrialInput, { revolutions: { from, to } }: TrialTruth): number {
  return from + ((to - from) * frame) / Math.max(1, frames.length - 1);
}

/** Needles between two, the shorter way round. */
export function apart(a: number, b: number, needles: number): number {
  const off = (((a - b) % needles) + needles) % needles;
  return Math.min(off, needles - off);
}
