/**
 * A camera before a tube by generator b, for needle-line trials: its own arithmetic of the tube, its own ring and mark. What it is told
 * (scene and shot) has the shape of generator a's, so that one plan of trials serves both; its code is its own.
 */
import { child, dice, gradientNoise, normal } from './dice.ts';
import { asItShouldBe, heightOf, layKnit, type KnitB, type Wrong } from './knit.ts';
import { capture, lightUp } from './light.ts';
import { createRelief, type Relief } from './relief.ts';
import { tear, tuft } from './things.ts';

export interface SceneB {
  readonly seed: number;
  readonly tube: {
    readonly needles: number;
    readonly feeders: number;
    readonly coursesPerCm: number;
    readonly walesPerCm: number;
  };
  readonly camera: {
    readonly widthPx: number;
    readonly heightPx: number;
    readonly pxPerMm: number;
    readonly needleZero: number;
    readonly direction: 1 | -1;
  };
  readonly marginPx: number;
  readonly markNeedle: number;
  readonly tone: number;
  readonly unevenness: number;
  readonly shakeMm: number;
}
export interface ShotB {
  readonly revolutions: number;
  readonly timeS: number;
  readonly number: number;
  /** Of these it draws `needle_line` alone. */
  readonly faults: readonly {
    readonly kind: string;
    readonly needle?: number;
    readonly fromHeight?: number;
    readonly toHeight?: number;
    readonly strength?: number;
  }[];
  readonly holes?: readonly {
    readonly needle: number;
    readonly height: number;
    readonly radiusMm: number;
    readonly seed: number;
  }[];
}

const behind = 0.07;
const wrap = (value: number, by: number): number => value - by * Math.floor(value / by);

export function createTubeEyeB(scene: SceneB): { take(shot: ShotB, pixels: Uint8Array): void } {
  const { tube, camera, marginPx } = scene;
  const { widthPx, heightPx, pxPerMm, direction } = camera;
  const knit: KnitB = {
    seed: child(scene.seed, 61),
    needles: tube.needles,
    feeders: tube.feeders,
    direction,
    waleMm: 10 / tube.walesPerCm,
    courseMm: 10 / tube.coursesPerCm,
    tone: scene.tone,
    unevenness: scene.unevenness,
  };
  const lamp = child(scene.seed, 62);
  let relief: Relief | null = null;
  return {
    take(shot, pixels) {
      // The needle in the middle: as many have passed as the cylinder has turned, up or down in number.
      const inMiddle = wrap(camera.needleZero + direction * tube.needles * (shot.revolutions % 1), tube.needles);
      const shake = scene.shakeMm * (Math.cos(70 * shot.timeS) + 0.5 * normal(lamp, shot.number, 4));
      const middleMm = (inMiddle + 0.5) * knit.waleMm + shake;
      const heightMm = tube.feeders * shot.revolutions * knit.courseMm;
      relief = createRelief(
        widthPx,
        heightPx,
        pxPerMm,
        middleMm - widthPx / pxPerMm / 2,
        -heightMm - heightPx / pxPerMm / 2,
        relief,
      );
      layKnit(knit, relief, wornNeedles(knit, shot));
      for (const { needle, height, radiusMm, seed } of shot.holes ?? []) {
        const off = wrap(needle - inMiddle + tube.needles / 2, tube.needles) - tube.needles / 2;
        const x = (inMiddle + off + 0.5) * knit.waleMm;
        tear(relief, x, -height * knit.courseMm, radiusMm, child(seed, 9));
      }
      // Now and then fibres fly by.
      if (dice(lamp, shot.number, 5) < 0.08)
        tuft(
          relief,
          middleMm + 10 * normal(lamp, shot.number, 6),
          -heightMm + normal(lamp, shot.number, 7),
          0.25,
          shot.number,
          0.9,
        );
      const grey = lightUp(relief, lamp, lamp, behind);
      const gain = 1 + 0.03 * gradientNoise(lamp, shot.timeS / 30, 0.5) + 0.005 * normal(lamp, shot.number, 8);
      for (let i = 0; i < grey.length; i += 1) grey[i] = (grey[i] ?? 0) * gain;
      const image = new Float32Array(widthPx * (heightPx + marginPx));
      image.set(grey, marginPx * widthPx);
      if (marginPx > 0) {
        const off = wrap(scene.markNeedle - inMiddle + tube.needles / 2, tube.needles) - tube.needles / 2;
        const mark = widthPx / 2 + (off * knit.waleMm - shake) * pxPerMm;
        ring(image, widthPx, marginPx, mark, lamp, inMiddle);
      }
      pixels.set(capture(image, widthPx, child(lamp, 100 + shot.number)));
    },
  };
}

/** Painted ring, matt and grey, with a light mark whose edges are soft; its lowest rows lie in shadow. */
function ring(image: Float32Array, width: number, rows: number, mark: number, seed: number, needle: number): void {
  for (let y = 0; y < rows; y += 1) {
    const shadow = Math.min(1, (rows - y) / 3);
    for (let x = 0; x < width; x += 1) {
      const paint = 42 + 5 * gradientNoise(seed, (x + needle * 6) / 13, y / 5);
      const light = 1 / (1 + Math.exp((Math.abs(x + 0.5 - mark) - 3) * 4));
      image[y * width + x] = (paint + 170 * light) * shadow;
    }
  }
}

function wornNeedles(knit: KnitB, shot: ShotB): Wrong {
  const lines = shot.faults.filter(({ kind }) => kind === 'needle_line');
  return (wale, course) => {
    for (const { needle = -9, fromHeight = -Infinity, toHeight = Infinity, strength = 1 } of lines) {
      const off = wrap(wale - needle + 1, knit.needles) - 1;
      if (off > 1) continue;
      // Wales are counted in the view, courses from needle 0: the height is that of the loop among its own.
      const height = heightOf(knit, wrap(wale, knit.needles), course);
      if (height < fromHeight || height >= toHeight) continue;
      return off === 0
        ? {
            ...asItShouldBe,
            wide: 1 - 0.2 * strength,
            high: 1 - 0.16 * strength,
            radius: 0.94,
            tone: 1 - 0.1 * strength,
          }
        : { ...asItShouldBe, wide: 1 + 0.05 * strength };
    }
    return null;
  };
}
