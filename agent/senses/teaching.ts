/** Pictures of good cloth, from a folder or from the machine's own camera: what can be learned from and what cannot, with its reason. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCamera } from '../../drivers/camera/camera.ts';
import { DriverError } from '../../drivers/errors.ts';
import type { Mask } from '../../drivers/camera/mask.ts';
import { isImageName, readImageFile } from '../../drivers/camera/image-file.ts';
import { ModelError } from '../../models/errors.ts';
import { findCloth } from '../../models/vision/cloth.ts';
import type { Grey } from '../../models/vision/grey.ts';
import { AgentError } from '../errors.ts';

/** More are not looked at: they teach nothing new and take memory. */
export const mostImages = 60;

export interface Gathered {
  readonly good: readonly Grey[];
  /** What could not be learned from, by name or number, with the reason. */
  readonly refused: readonly { readonly image: string; readonly reason: string }[];
}

/** @throws AgentError `fileUnreadable` where there is no such folder */
export async function fromFolder(dir: string): Promise<Gathered> {
  let names: string[];
  try {
    names = readdirSync(dir).filter(isImageName).toSorted().slice(0, mostImages);
  } catch (error) {
    throw new AgentError('fileUnreadable', dir, { cause: error });
  }
  const good: Grey[] = [];
  const refused: { image: string; reason: string }[] = [];
  for (const name of names) {
    try {
      const image = await readImageFile(join(dir, name));
      findCloth(image);
      good.push(image);
    } catch (error) {
      if (!(error instanceof DriverError || error instanceof ModelError)) throw error;
      refused.push({ image: name, reason: error.message });
    }
  }
  return { good, refused };
}

export interface CameraPictures {
  readonly camera: string;
  readonly endpoint: string;
  readonly mask: Mask;
  /** Rows at the top that show no cloth. */
  readonly ringRowsPx: number;
  readonly images: number;
  /** Between two pictures, so that they show other cloth. */
  readonly everyMs: number;
  readonly withinMs: number;
  readonly onImage?: (taken: number) => void;
}

/** Takes so many pictures, or as many as come in time. */
export async function fromCamera(options: CameraPictures): Promise<Gathered> {
  const { camera: name, endpoint, mask, ringRowsPx, images, everyMs, withinMs } = options;
  const good: Grey[] = [];
  const refused: { image: string; reason: string }[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  const { promise: enough, resolve: done } = Promise.withResolvers<void>();
  const camera = createCamera(
    { camera: name, endpoint, mask },
    {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: Math.random,
      onEvent: () => undefined,
      log: () => undefined,
      onFrame: async ({ width, height, pixels, monotonicMs }) => {
        if (monotonicMs - lastMs < everyMs || good.length >= images) return;
        lastMs = monotonicMs;
        const image: Grey = { width, height: height - ringRowsPx, pixels: pixels.slice(ringRowsPx * width) };
        try {
          findCloth(image);
          good.push(image);
          options.onImage?.(good.length);
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          if (refused.length < mostImages)
            refused.push({ image: `picture ${good.length + refused.length + 1}`, reason: error.message });
        }
        if (good.length >= images) done();
      },
    },
  );
  const timer = setTimeout(done, withinMs);
  await camera.start(new AbortController().signal);
  await enough;
  clearTimeout(timer);
  await camera.stop();
  return { good, refused };
}
