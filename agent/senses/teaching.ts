/** Pictures of good cloth, from a folder or from the machine's own camera: what can be learned from and what cannot, with its reason. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCamera } from '../../drivers/camera/camera.ts';
import { DriverError, driverErrors } from '../../drivers/errors.ts';
import { blankCovered, compileMask, type Mask, runsOf } from '../../drivers/camera/mask.ts';
import { type FrameMeasure, measureFrame, type Picture } from '../../drivers/camera/measure.ts';
import { isImageName, readImageFile } from '../../drivers/camera/image-file.ts';
import { type CameraReference, referenceOf } from '../../drivers/camera/scene.ts';
import { ModelError } from '../../models/errors.ts';
import { findCloth } from '../../models/vision/cloth.ts';
import { learn, leastImages } from '../../models/vision/eye.ts';
import { levelOf } from '../../models/vision/prepare.ts';
import type { Graph } from '../../models/graph.ts';
import type { Taught } from '../../models/vision/taught.ts';
import type { Grey } from '../../models/vision/grey.ts';
import { AgentError } from '../errors.ts';
import { differing, faulty, isLit, isSameCloth, type Refusal, type Sample, unfit } from './samples.ts';

/** More are not looked at: they teach nothing new and take memory. */
export const mostImages = 60;
/** Of a camera all pictures are measured, also those between the ones that are learned from. */
const mostMeasures = 600;

export interface Gathered {
  /** What can be learned from, in its order. */
  readonly good: readonly Sample[];
  /** What cannot, by name or number, with the reason. */
  readonly refused: readonly Refusal[];
  /** What the camera looks like in its place; null where the pictures do not say. */
  readonly reference: CameraReference | null;
  /** Why not one picture came of the camera; null where one did. */
  readonly trouble: DriverError | null;
}

/** How the pictures of this camera are taken. */
export interface PictureFrame {
  readonly mask: Mask;
  /** Rows at the top that show no cloth. */
  readonly ringRowsPx: number;
}

/**
 * The pictures of a folder, whole as this camera gives them.
 * @throws AgentError `fileUnreadable` where there is no such folder
 */
export async function fromFolder(dir: string, frame: PictureFrame): Promise<Gathered> {
  let files: string[];
  try {
    files = readdirSync(dir).filter(isImageName).toSorted().slice(0, mostImages);
  } catch (error) {
    throw new AgentError('fileUnreadable', dir, { cause: error });
  }
  const gathering = new Gathering(frame);
  for (const name of files) {
    try {
      const image = await readImageFile(join(dir, name));
      const masked = compileMask(frame.mask, image.width, image.height);
      if (masked !== null) blankCovered(image.pixels, runsOf(masked));
      gathering.take(name, image, gathering.measure({ ...image, masked }));
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      gathering.refuse(name, error.message);
    }
  }
  return gathering.result();
}

export interface CameraPictures extends PictureFrame {
  readonly camera: string;
  readonly endpoint: string;
  readonly images: number;
  /** Between two pictures, so that they show other cloth. */
  readonly everyMs: number;
  readonly withinMs: number;
  readonly onImage?: (taken: number) => void;
}

/** What is told of a camera's trouble is in its own words, which may be a page of ffmpeg's. */
const mostTrouble = 300;

/** Takes so many pictures, or as many as come in time; where none comes, with the camera's own trouble. */
export async function fromCamera(options: CameraPictures): Promise<Gathered> {
  const { camera: name, endpoint, mask, images, everyMs, withinMs } = options;
  const gathering = new Gathering(options);
  let lastMs = Number.NEGATIVE_INFINITY;
  let told: Readonly<Record<string, unknown>> = {};
  const { promise: enough, resolve: done } = Promise.withResolvers<void>();
  const camera = createCamera(
    { camera: name, endpoint, mask },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      onEvent: () => undefined,
      log: (_level, _message, fields) => {
        if ('reason' in fields) told = fields;
      },
      onFrame: async (frame) => {
        if (gathering.taken >= images) return;
        const measure = gathering.measure(frame);
        if (frame.monotonicMs - lastMs < everyMs) return;
        lastMs = frame.monotonicMs;
        if (gathering.take(`picture ${gathering.seen + 1}`, frame, measure)) options.onImage?.(gathering.taken);
        if (gathering.taken >= images) done();
      },
    },
  );
  const timer = setTimeout(done, withinMs);
  await camera.start(new AbortController().signal);
  await enough;
  clearTimeout(timer);
  await camera.stop();
  const { delivered } = camera.counts();
  return { ...gathering.result(), trouble: delivered > 0 ? null : troubleOf(name, told, withinMs) };
}

/** @param told what the camera said last; nothing where it was silent */
function troubleOf(camera: string, told: Readonly<Record<string, unknown>>, withinMs: number): DriverError {
  const key = told['code'] === driverErrors.ffmpegMissing.code ? 'ffmpegMissing' : 'cameraUnreadable';
  const words = [told['reason'], told['detail']].filter((word) => typeof word === 'string').join(': ');
  const why = words === '' ? '' : ` (${words.slice(0, mostTrouble)})`;
  return new DriverError(key, `${camera}: no picture came within ${Math.round(withinMs / 1000)} s${why}`);
}

class Gathering {
  readonly #frame: PictureFrame;
  readonly #good: Sample[] = [];
  readonly #refused: Refusal[] = [];
  readonly #measures: FrameMeasure[] = [];
  seen = 0;

  constructor(frame: PictureFrame) {
    this.#frame = frame;
  }

  get taken(): number {
    return this.#good.length;
  }

  measure(picture: Picture): FrameMeasure {
    const measure = measureFrame(picture);
    if (isLit(measure) && this.#measures.length < mostMeasures) this.#measures.push(measure);
    return measure;
  }

  /** Whether there is cloth in it to be learned from. */
  take(name: string, { width, height, pixels }: Grey, measure: FrameMeasure): boolean {
    this.seen += 1;
    const { ringRowsPx } = this.#frame;
    const image: Grey = { width, height: height - ringRowsPx, pixels: pixels.slice(ringRowsPx * width) };
    const sample: Sample = { name, image, measure, level: levelOf(image) };
    const before = this.#good.at(-1);
    const reason =
      unfit(sample) ??
      withoutCloth(image) ??
      (before !== undefined && isSameCloth(before.image, image)
        ? `shows the same cloth as ${before.name}: does the machine stand?`
        : null);
    if (reason === null) this.#good.push(sample);
    else this.refuse(name, reason);
    return reason === null;
  }

  refuse(image: string, reason: string): void {
    if (this.#refused.length < mostImages) this.#refused.push({ image, reason });
  }

  result(): Gathered {
    return { good: this.#good, refused: this.#refused, reference: referenceOf(this.#measures), trouble: null };
  }
}

function withoutCloth(image: Grey): string | null {
  try {
    findCloth(image);
    return null;
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
}

export interface Learned {
  readonly taught: Taught;
  /** What it was learned from. */
  readonly used: readonly Sample[];
  /** What was left out because it differs from the others, beside what could not be learned from anyway. */
  readonly leftOut: readonly Refusal[];
}

/** More of them that differ are not exceptions: nobody can say which cloth is meant. */
const mostLeftOut = 1 / 4;

/**
 * Learns a cloth from what was gathered. Pictures that differ from the others are named and left out, and a threshold never comes from
 * one with a fault in it.
 * @throws DriverError where no picture came; ModelError of `learn`; AgentError `samplesDiffer` where too many differ
 */
export async function learnFrom({ good, trouble }: Gathered, graph: Graph): Promise<Learned> {
  if (trouble !== null) throw trouble;
  const most = Math.floor(good.length * mostLeftOut);
  const odd = differing(good);
  mustBeFew(odd, most);
  const alike = without(good, odd);
  const first = await learn(
    alike.map(({ image }) => image),
    graph,
  );
  const withFault = faulty(
    alike.map(({ name }) => name),
    first.peaks,
  );
  if (withFault.length === 0) return { taught: first.taught, used: alike, leftOut: odd };
  const leftOut = [...odd, ...withFault];
  mustBeFew(leftOut, most);
  const used = without(alike, withFault);
  if (used.length < leastImages) throw new AgentError('samplesDiffer', said(leftOut));
  const { taught } = await learn(
    used.map(({ image }) => image),
    graph,
  );
  return { taught, used, leftOut };
}

function mustBeFew(leftOut: readonly Refusal[], most: number): void {
  if (leftOut.length > most) throw new AgentError('samplesDiffer', said(leftOut));
}

const without = (samples: readonly Sample[], leftOut: readonly Refusal[]): readonly Sample[] =>
  samples.filter(({ name }) => leftOut.every(({ image }) => image !== name));
const said = (leftOut: readonly Refusal[]): string =>
  leftOut
    .slice(0, 4)
    .map(({ image, reason }) => `${image} ${reason}`)
    .join('; ');
