/** A simulated tube before a camera, and the session of the model that ships: what several tests of the eye show it, and by what. */
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createTubeEye, imageSize, type KnitFault, type TubeScene } from '../../simulators/cloth/tube-camera.ts';

export const tube = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
const scene: TubeScene = {
  seed: 11,
  tube,
  camera: { widthPx: 512, heightPx: 512, pxPerMm: 9, needleZero: 700, direction: 1 },
  marginPx: 0,
  markNeedle: 0,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.02,
};
export const size = imageSize(scene);
const rpm = 35;
const eye = createTubeEye(scene);

/** Pictures of it in their order, so many a second. */
export const picturesAt = (fps: number) => (number: number, faults: readonly KnitFault[]) => {
  const timeS = number / fps;
  const turns = (timeS * rpm) / 60;
  const pixels = new Uint8Array(size.widthPx * size.heightPx);
  eye.take({ revolutions: turns, timeS, number, faults, trouble: null }, pixels);
  return { turns, timeMs: 1000 * timeS, width: size.widthPx, height: size.heightPx, pixels };
};

export async function shippedSession(t: TestContext): Promise<ModelSession> {
  const session = await openSession(
    fileURLToPath(new URL('../../models/packages/fabric-anomaly/model.onnx', import.meta.url)),
  );
  t.after(() => session.close());
  return session;
}
