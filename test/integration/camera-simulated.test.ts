/** The camera driver in front of the simulated tube: times, counts, the mark, and what is wrong with a camera. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { CameraReference } from '../../drivers/camera/health.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createCameraServer, type CameraLatch, type CameraOptions } from '../../simulators/servers/camera.ts';
import { Watched } from './camera-watcher.ts';

const go = new AbortController().signal;
const speedRpm = 35;

// 8" E28 has 704 needles of 0.771071 mm: 542.8 mm around; at 9 px/mm 4886 px a revolution.
const pxPerRevolution = 704 * 0.771_071 * 9;

async function simulated(t: TestContext, more: Partial<CameraOptions> = {}) {
  const server = createCameraServer({
    tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
    camera: { widthPx: 256, heightPx: 128, pxPerMm: 9, needleZero: 100, direction: 1 },
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

test('the mark on the ring is found in the margin, and passes the middle once a revolution', async (t) => {
  const { endpoint } = await simulated(t, { position: 'index', fps: 40 });
  // 16 of 144 rows are the ring.
  const watched = new Watched(t, { endpoint, mark: { top: 0, height: 14 / 144, tone: 'light' } });
  await watched.camera.start(go);
  const seen = () => watched.frames.filter(({ index }) => index?.kind === 'mark' && index.column !== null);
  await watched.until('the mark in three revolutions', () => seen().length >= 6, 20_000);
  const pxPerMs = (pxPerRevolution * speedRpm) / 60_000;
  const periodMs = 60_000 / speedRpm;
  /** When the mark was in the middle, by each picture, for both ways the cloth may run. */
  const passes = (way: 1 | -1) =>
    seen().map(({ capturedMs, index }) => {
      const column = index?.kind === 'mark' ? (index.column ?? Number.NaN) : Number.NaN;
      return capturedMs + (way * (column - 128)) / pxPerMs;
    });
  const worstMs = (times: readonly number[]) =>
    Math.max(...times.map((ms) => Math.abs((((ms - (times[0] ?? 0)) / periodMs + 0.5) % 1) - 0.5) * periodMs));
  const errors = [worstMs(passes(1)), worstMs(passes(-1))];
  // A wale is 2.4 ms at this speed.
  assert.ok(Math.min(...errors) < 2.4, `${errors.join(' or ')} ms`);
  const without = watched.frames.filter(({ index }) => index?.kind === 'mark' && !index.isThere);
  assert.ok(without.length > seen().length, 'most of a revolution it is elsewhere');
});

test('what is wrong with the camera is told by its name, and that it is over', { timeout: 110_000 }, async (t) => {
  const { endpoint, latch } = await simulated(t);
  const health = { raiseMs: 400, clearMs: 400, stalledMs: 1_500 };
  const taught = new Watched(t, { endpoint, health });
  await taught.camera.start(go);
  await taught.until('it is well', (all) => all.frames.length > 60 && all.states().at(-1) === 'ok', 20_000);
  const reference: CameraReference = taught.camera.reference() ?? assert.fail('no reference');
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
