/** The simulated camera and the camera driver, which share no code: what one sends the other takes, and what one suffers the other tells. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createCameraServer, type CameraLatch } from '../../simulators/servers/camera.ts';
import { Watched } from './camera-watcher.ts';

test('the driver takes its frames with their time, and tells of every trouble it is given', async (t) => {
  const camera = createCameraServer({
    tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
    camera: { widthPx: 256, heightPx: 240, pxPerMm: 9, needleZero: 100, direction: 1 },
    position: 'index',
    fps: 20,
    jpegQuality: 90,
    countsPerRevolution: 2048,
    skewPpm: 0,
    jitterMs: 0,
    latencyMs: [0, 20],
    seed: 3,
    port: 0,
    random: Math.random,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    onTrouble: (error) => assert.fail(error.message),
  });
  const give = (trouble: CameraLatch['trouble']): void => {
    // The machine stands: the place of a camera is judged by profiles of the picture, which running cloth makes less sure.
    camera.latch({ monotonicMs: performance.now(), revolutions: 10, speedRpm: 0, faults: [], trouble });
  };
  give(null);
  await camera.start();
  t.after(() => camera.stop());

  const health = { stalledMs: 1000, raiseMs: 400, clearMs: 400 };
  const untaught = new Watched(t, { endpoint: camera.endpoint, health });
  await untaught.camera.start(new AbortController().signal);
  await untaught.until('twenty frames', ({ frames }) => frames.length >= 20);
  const [first] = untaught.frames;
  assert.ok(first !== undefined);
  assert.deepEqual([first.width, first.height, first.capturedBy, first.index], [256, 240 + 16, 'camera', null]);
  assert.ok(Math.abs(first.receivedMs - first.capturedMs) < 2000);
  const reference = untaught.camera.reference();
  assert.ok(reference !== null);
  await untaught.camera.stop();

  const taught = new Watched(t, { endpoint: camera.endpoint, health, reference });
  await taught.camera.start(new AbortController().signal);
  await taught.until('it is well', (watched) => watched.states().at(-1) === 'ok');
  for (const [trouble, told] of [
    ['black', 'black'],
    ['overexposed', 'over-exposed'],
    ['defocused', 'defocused'],
    ['moved', 'moved'],
    ['stalled', 'stalled'],
  ] as const) {
    give(trouble);
    await taught.until(`${trouble} is told as ${told}`, (watched) => watched.states().at(-1) === told, 20_000);
    give(null);
    await taught.until(`${trouble} is over`, (watched) => watched.states().at(-1) === 'ok', 20_000);
  }
  assert.deepEqual(taught.camera.counts().refused, 0);
});
