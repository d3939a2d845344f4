/** The camera driver in front of the simulated tube: times, counts, and what is wrong with a camera. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { measureFrame } from '../../drivers/camera/measure.ts';
import { referenceOf } from '../../drivers/camera/scene.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createCameraServer, type CameraLatch, type CameraOptions } from '../../simulators/servers/camera.ts';
import { Watched } from './camera-watcher.ts';

const go = new AbortController().signal;
const speedRpm = 35;

async function simulated(t: TestContext, more: Partial<CameraOptions> = {}) {
  const server = createCameraServer({
    tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
    camera: { widthPx: 256, heightPx: 240, pxPerMm: 9, needleZero: 100, direction: 1 },
    position: 'telemetry',
    fps: 20,
    jpegQuality: 90,
    countsPerRevolution: 2048,
    skewPpm: 0,
    jitterMs: 0,
    latencyMs: [20, 60],
    seed: 3,
    port: 0,
    random: Math.random,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    onTrouble: (error) => assert.fail(error.message),
    ...more,
  });
  const latch = (trouble: CameraLatch['trouble'] = null) =>
    server.latch({ monotonicMs: performance.now(), revolutions: 10, speedRpm, faults: [], trouble });
  latch();
  await server.start();
  t.after(() => server.stop());
  return { endpoint: server.endpoint, latch };
}

test('each picture has the time of its exposure and the count of the encoder, which belong together', async (t) => {
  const { endpoint } = await simulated(t, { position: 'encoder' });
  const watched = new Watched(t, { endpoint });
  await watched.camera.start(go);
  await watched.until('forty pictures', ({ frames }) => frames.length >= 40, 20_000);
  const [first] = watched.frames;
  assert.ok(first !== undefined);
  for (const frame of watched.frames) {
    assert.equal(frame.capturedBy, 'camera');
    assert.ok(frame.receivedMs - frame.capturedMs >= 15, 'the picture was on its way');
    const count = frame.index?.kind === 'encoder' ? frame.index.count : assert.fail('no count');
    const zero = first.index?.kind === 'encoder' ? first.index.count : 0;
    const expected = ((frame.capturedMs - first.capturedMs) / 60_000) * speedRpm * 2048;
    assert.ok(Math.abs(count - zero - expected) < 3, `${count - zero} counts, ${expected} by the clock`);
  }
});

test('what is wrong with the camera is told by its name, and that it is over', { timeout: 110_000 }, async (t) => {
  const { endpoint, latch } = await simulated(t);
  const health = { raiseMs: 400, clearMs: 400, stalledMs: 1_500 };
  const taught = new Watched(t, { endpoint, health });
  await taught.camera.start(go);
  await taught.until('it is well', (all) => all.frames.length > 60 && all.states().at(-1) === 'ok', 20_000);
  const reference = referenceOf(taught.frames.map(measureFrame)) ?? assert.fail('no reference');
  await taught.camera.stop();
  const watched = new Watched(t, { endpoint, health, reference });
  await watched.camera.start(go);
  await watched.until('it is well', (all) => all.states().at(-1) === 'ok');
  for (const [trouble, state] of [
    ['black', 'black'],
    ['overexposed', 'over-exposed'],
    ['defocused', 'defocused'],
    ['moved', 'moved'],
    ['stalled', 'stalled'],
  ] as const) {
    latch(trouble);
    await watched.until(`${trouble} is told`, (all) => all.states().at(-1) === state, 20_000);
    latch(null);
    await watched.until(`${trouble} is over`, (all) => all.states().at(-1) === 'ok', 20_000);
  }
});
