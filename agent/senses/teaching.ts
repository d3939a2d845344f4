/** Pictures of good cloth, from a folder or from the machine's own camera: what can be learned from and what cannot, with its reason. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCamera } from '../../drivers/camera/camera.ts';
import { DriverError } from '../../drivers/errors.ts';
import { blankCovered, compileMask, type Mask, runsOf } from '../../drivers/camera/mask.ts';
import { type FrameMeasure, measureFrame } from '../../drivers/camera/measure.ts';
import { isImageName, readImageFile } from '../../drivers/camera/image-file.ts';
import { type CameraReference, referenceOf } from '../../drivers/camera/scene.ts';
import { ModelError } from '../../models/errors.ts';
import { findCloth } from '../../models/vision/cloth.ts';
import type { Grey } from '../../models/vision/grey.ts';
import { AgentError } from '../errors.ts';

/** More are not looked at: they teach nothing new and take memory. */
export const mostImages = 60;
/** Of a camera all pictures are measured, also those between the ones that are learned from. */
const mostMeasures = 600;

export interface Gathered {
  readonly good: readonly Grey[];
  /** Names of `good`, in their order. */
  readonly names: readonly string[];
  /** What could not be learned from, by name or number, with the reason. */
  readonly refused: readonly { readonly image: string; readonly reason: string }[];
  /** What the camera looks like in its place; null where the pictures do not say. */
  readonly reference: CameraReference | null;
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
      gathering.measure(measureFrame({ ...image, masked }));
      gathering.take(name, image);
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

/** Takes so many pictures, or as many as come in time. */
export async function fromCamera(options: CameraPictures): Promise<Gathered> {
  const { camera: name, endpoint, mask, images, everyMs, withinMs } = options;
  const gathering = new Gathering(options);
  let lastMs = Number.NEGATIVE_INFINITY;
  const { promise: enough, resolve: done } = Promise.withResolvers<void>();
  const camera = createCamera(
    { camera: name, endpoint, mask },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      onEvent: () => undefined,
      log: () => undefined,
      onFrame: async (frame) => {
        if (gathering.taken >= images) return;
        gathering.measure(measureFrame(frame));
        if (frame.monotonicMs - lastMs < everyMs) return;
        lastMs = frame.monotonicMs;
        if (gathering.take(`picture ${gathering.seen + 1}`, frame)) options.onImage?.(gathering.taken);
        if (gathering.taken >= images) done();
      },
    },
  );
  const timer = setTimeout(done, withinMs);
  await camera.start(new AbortController().signal);
  await enough;
  clearTimeout(timer);
  await camera.stop();
  return gathering.result();
}

class Gathering {
  readonly #frame: PictureFrame;
  readonly #good: Grey[] = [];
  readonly #names: string[] = [];
  readonly #refused: { image: string; reason: string }[] = [];
  readonly #measures: FrameMeasure[] = [];
  seen = 0;

  constructor(frame: PictureFrame) {
    this.#frame = frame;
  }

  get taken(): number {
    return this.#good.length;
  }

  measure(measure: FrameMeasure): void {
    if (this.#measures.length < mostMeasures) this.#measures.push(measure);
  }

  /** Whether there is cloth in it to be learned from. */
  take(name: string, { width, height, pixels }: Grey): boolean {
    this.seen += 1;
    const { ringRowsPx } = this.#frame;
    const image: Grey = { width, height: height - ringRowsPx, pixels: pixels.slice(ringRowsPx * width) };
    try {
      findCloth(image);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.refuse(name, error.message);
      return false;
    }
    this.#good.push(image);
    this.#names.push(name);
    return true;
  }

  refuse(name: string, reason: string): void {
    if (this.#refused.length < mostImages) this.#refused.push({ image: name, reason });
  }

  result(): Gathered {
    return {
      good: this.#good,
      names: this.#names,
      refused: this.#refused,
      reference: referenceOf(this.#measures),
    };
  }
}
