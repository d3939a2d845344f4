/**
 * The camera's place and focus before simulated cloth that runs by: good cloth never fires however long it runs, a camera that was shifted,
 * turned, set nearer or out of focus is told within ten seconds, and it is over when it is put back. Pictures are handed over as the driver
 * does, with the times made up.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CameraHealth, type CameraState, seeFrame, startHealth } from '../../drivers/camera/health.ts';
import { measureFrame } from '../../drivers/camera/measure.ts';
import { type CameraReference, referenceOf } from '../../drivers/camera/scene.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createTubeEye, type TubeEye, type TubeScene } from '../../simulators/cloth/tube-camera.ts';

const fps = 4;
const rpm = 35;
/** What the lens can see; the picture is cut out of it where the camera points. */
const wide = { width: 352, height: 296 };
const picture = { width: 288, height: 256 };

const scene: TubeScene = {
  seed: 8,
  tube: tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 }),
  camera: { widthPx: wide.width, heightPx: wide.height, pxPerMm: 9, needleZero: 100, direction: 1 },
  marginPx: 0,
  markNeedle: 0,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.025,
};

interface Pose {
  /** Share of the picture's width and height by which the camera looks beside its place. */
  readonly right?: number;
  readonly down?: number;
  readonly turnRad?: number;
  readonly zoom?: number;
  /** Standard deviation of the blur, px. */
  readonly blurPx?: number;
}

/** What stands still in view: the edge of the machine's frame on the left, the ring of the cylinder on top, or nothing. */
type View = 'post' | 'ring' | 'tube';
/** Rows of the wide picture that show the ring; the camera sees the lower ones of them. */
const ringRows = 44;

class Bench {
  readonly #eye: TubeEye;
  readonly #hasPost: boolean;
  #number = 0;
  #turns = 0;
  health: CameraHealth = startHealth(0);
  reference: CameraReference | null = null;
  readonly states: CameraState[] = [];

  constructor(view: View) {
    this.#hasPost = view === 'post';
    const marginPx = view === 'ring' ? ringRows : 0;
    const camera = { ...scene.camera, heightPx: wide.height - marginPx };
    this.#eye = createTubeEye({ ...scene, camera, marginPx });
  }

  #take(pose: Pose, speedRpm: number): Uint8Array {
    this.#number += 1;
    this.#turns += speedRpm / 60 / fps;
    const pixels = new Uint8Array(wide.width * wide.height);
    const shot = {
      revolutions: this.#turns,
      timeS: this.#number / fps,
      number: this.#number,
      faults: [],
      trouble: null,
    };
    this.#eye.take(shot, pixels);
    if (this.#hasPost) {
      for (let y = 0; y < wide.height; y += 1) {
        for (let x = 0; x < 80; x += 1) pixels[y * wide.width + x] = x < 78 ? 35 + (x % 3) : 70;
      }
    }
    return cut(pixels, pose);
  }

  /** @returns seconds until the camera is first told to be so; Infinity when it is not */
  run(seconds: number, pose: Pose = {}, until: CameraState | null = null, speedRpm = rpm): number {
    for (let n = 1; n <= seconds * fps; n += 1) {
      const measure = measureFrame({ ...picture, pixels: this.#take(pose, speedRpm), masked: null });
      const nowMs = (this.#number * 1000) / fps;
      const after = seeFrame(this.health, measure, nowMs, this.reference);
      if (after.state !== this.health.state) this.states.push(after.state);
      this.health = after;
      if (until !== null && after.state === until) return n / fps;
    }
    return Number.POSITIVE_INFINITY;
  }

  teach(): void {
    const measures = Array.from({ length: 40 }, () =>
      measureFrame({ ...picture, pixels: this.#take({}, rpm), masked: null }),
    );
    this.reference = referenceOf(measures);
    assert.ok(this.reference !== null);
  }
}

/** The picture a camera in this pose takes of what it took with a wide lens, by bilinear sampling. */
function cut(pixels: Uint8Array, { right = 0, down = 0, turnRad = 0, zoom = 1, blurPx = 0 }: Pose): Uint8Array {
  const [cos, sin] = [Math.cos(turnRad) / zoom, Math.sin(turnRad) / zoom];
  const middle = { x: wide.width / 2 + right * picture.width, y: wide.height / 2 + down * picture.height };
  const out = new Float64Array(picture.width * picture.height);
  for (let y = 0; y < picture.height; y += 1) {
    for (let x = 0; x < picture.width; x += 1) {
      const [dx, dy] = [x - picture.width / 2, y - picture.height / 2];
      const sx = Math.min(wide.width - 2, Math.max(0, middle.x + dx * cos - dy * sin));
      const sy = Math.min(wide.height - 2, Math.max(0, middle.y + dx * sin + dy * cos));
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      const [fx, fy] = [sx - left, sy - top];
      const at = (ox: number, oy: number) => pixels[(top + oy) * wide.width + left + ox] ?? 0;
      out[y * picture.width + x] =
        (at(0, 0) * (1 - fx) + at(1, 0) * fx) * (1 - fy) + (at(0, 1) * (1 - fx) + at(1, 1) * fx) * fy;
    }
  }
  return blurPx === 0 ? Uint8Array.from(out, Math.round) : blurred(out, blurPx);
}

/** Gaussian, along x and y; then the noise of a sensor anew, which no lens takes away. */
function blurred(values: Float64Array, sdPx: number): Uint8Array {
  const reach = Math.ceil(3 * sdPx);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sdPx ** 2)));
  const sum = weights.reduce((a, b) => a + b, 0);
  const { width, height } = picture;
  const along = (from: Float64Array, dx: number, dy: number) =>
    Float64Array.from(from, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      return weights.reduce((total, weight, i) => {
        const px = Math.min(width - 1, Math.max(0, x + (i - reach) * dx));
        const py = Math.min(height - 1, Math.max(0, y + (i - reach) * dy));
        return total + (weight / sum) * (from[py * width + px] ?? 0);
      }, 0);
    });
  return Uint8Array.from(along(along(values, 1, 0), 0, 1), (value, at) =>
    Math.max(0, Math.min(255, Math.round(value + 2 * Math.sin(at * 12.9898) * Math.sin(at * 7.233)))),
  );
}

for (const [view, name] of [
  ['post', 'with the machine’s frame in view'],
  ['ring', 'with the ring in view'],
  ['tube', 'of the tube alone'],
] as const) {
  test(`${name}: good cloth never fires, running, standing and started again`, { timeout: 120_000 }, () => {
    const bench = new Bench(view);
    bench.teach();
    bench.run(45);
    bench.run(15, {}, null, 0);
    bench.run(45, {}, null, 20);
    bench.run(15);
    assert.deepEqual(bench.states, ['ok']);
  });
}

test(
  'shifted, turned, nearer or out of focus: told within ten seconds, and over within ten',
  { timeout: 240_000 },
  () => {
    const bench = new Bench('post');
    bench.teach();
    assert.ok(bench.run(5, {}, 'ok') < 1);
    const cases: readonly (readonly [string, Pose, CameraState])[] = [
      ['3 % to the right', { right: 0.03 }, 'moved'],
      ['3 % to the left', { right: -0.03 }, 'moved'],
      ['8 % to the right', { right: 0.08 }, 'moved'],
      ['turned by 3 degrees', { turnRad: 0.052 }, 'moved'],
      ['a ninth nearer', { zoom: 1.11 }, 'moved'],
      ['out of focus by 2 px', { blurPx: 2 }, 'defocused'],
    ];
    for (const [what, pose, state] of cases) {
      assert.ok(bench.run(10, pose, state) <= 10, `${what} is told: ${bench.health.state}`);
      bench.run(3, pose);
      assert.ok(bench.run(10, {}, 'ok') <= 10, `${what} is over: ${bench.health.reason}`);
      bench.run(5);
      assert.equal(bench.health.state, 'ok', `${what} stays over: ${bench.health.reason}`);
    }
  },
);

test('with the ring in view a shift up or down is seen', { timeout: 240_000 }, () => {
  const bench = new Bench('ring');
  bench.teach();
  bench.run(3);
  for (const down of [0.03, -0.03]) {
    assert.ok(bench.run(10, { down }, 'moved') <= 10, `${down}: ${bench.health.state}`);
    assert.ok(bench.run(10, {}, 'ok') <= 10, `${down} is over: ${bench.health.reason}`);
  }
});

test(
  'of a tube that fills the view a turn, a distance and the focus are seen; a shift along it is not',
  { timeout: 240_000 },
  () => {
    const bench = new Bench('tube');
    bench.teach();
    bench.run(3);
    for (const [pose, state] of [
      [{ turnRad: -0.052 }, 'moved'],
      [{ zoom: 0.89 }, 'moved'],
      [{ blurPx: 2 }, 'defocused'],
    ] as const) {
      assert.ok(bench.run(10, pose, state) <= 10, `${JSON.stringify(pose)}: ${bench.health.state}`);
      assert.ok(bench.run(10, {}, 'ok') <= 10, `${JSON.stringify(pose)} is over: ${bench.health.reason}`);
    }
    bench.states.length = 0;
    bench.run(15, { right: 0.05, down: 0.05 });
    assert.deepEqual(bench.states, [], 'one wale looks like the next');
  },
);
