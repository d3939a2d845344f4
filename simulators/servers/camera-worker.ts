/** Draws and encodes a camera's frames, in a thread of its own: nothing of it may hold up the machines beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { createTubeEye, imageSize, type Shot, type TubeScene } from '../cloth/tube-camera.ts';

export interface CameraWork {
  readonly scene: TubeScene;
  readonly jpegQuality: number;
}
export interface FrameOrder {
  readonly id: number;
  readonly shot: Shot;
}
export interface DrawnFrame {
  readonly id: number;
  readonly jpeg: Uint8Array;
}

const { scene, jpegQuality } = workerData as CameraWork;
const eye = createTubeEye(scene);
const { widthPx, heightPx } = imageSize(scene);
const pixels = new Uint8Array(widthPx * heightPx);
// One thread for the one small image: the others of this process have work of their own.
sharp.concurrency(1);

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (order: FrameOrder) => {
  last = last.then(async () => {
    eye.take(order.shot, pixels);
    const jpeg = await sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: jpegQuality })
      .toBuffer();
    const frame: DrawnFrame = { id: order.id, jpeg };
    parentPort?.postMessage(frame, []);
  });
});
