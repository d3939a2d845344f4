/** The camera of a knitting machine, seen by a plain HTTP client. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createCameraServer, type CameraOptions, type CameraServer } from '../../simulators/servers/camera.ts';
import { openStream, type Part, type Stream } from './mjpeg-client.ts';
import { runInside } from './simulators-process.ts';

// 8" E28: π · 8 · 28 = 703.7 needles; a wale is 25.4 mm / 28 · 0.85 = 0.7711 mm.
const needles = 704;
const waleMm = 0.771_071;

const options: CameraOptions = {
  tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
  camera: { widthPx: 256, heightPx: 128, pxPerMm: 9, needleZero: 100, direction: 1 },
  position: 'telemetry',
  fps: 40,
  jpegQuality: 90,
  countsPerRevolution: 2048,
  skewPpm: 0,
  jitterMs: 0,
  latencyMs: [0, 5],
  seed: 3,
  port: 0,
  random: Math.random,
  clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
  onTrouble: (error) => assert.fail(error.message),
};

async function startCamera(t: TestContext, more: Partial<CameraOptions> = {}): Promise<CameraServer> {
  const camera = createCameraServer({ ...options, ...more });
  camera.latch({ monotonicMs: performance.now(), revolutions: 10, speedRpm: 35, faults: [], trouble: null });
  await camera.start();
  t.after(() => camera.stop());
  return camera;
}
async function stream(t: TestContext, camera: { readonly endpoint: string }): Promise<Stream> {
  const opened = await openStream(camera.endpoint);
  t.after(() => opened.socket.destroy());
  return opened;
}

interface Image {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}
async function imageOf(part: Part): Promise<Image> {
  const { data, info } = await sharp(part.body).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}
const meanOf = ({ pixels }: Image): number => pixels.reduce((a, b) => a + b, 0) / pixels.length;
/** Mean step between neighbours in a row: how much detail there is. */
function detailOf({ pixels, width }: Image): number {
  let sum = 0;
  for (let i = 1; i < pixels.length; i += 1)
    if (i % width !== 0) sum += Math.abs((pixels[i] ?? 0) - (pixels[i - 1] ?? 0));
  return sum / pixels.length;
}

test('a stream is multipart, a JPEG a part with its length and the time of its exposure; without an encoder no count', async (t) => {
  const camera = await startCamera(t);
  assert.match(camera.endpoint, /^mjpeg\+http:\/\/127\.0\.0\.1:\d+\/stream$/);
  const opened = await stream(t, camera);
  assert.equal(opened.status, 200);
  assert.match(opened.headers['content-type'] ?? '', /^multipart\/x-mixed-replace; boundary=[^;]+$/);
  let before = 0;
  for (let i = 0; i < 12; i += 1) {
    const part = await opened.next();
    assert.deepEqual(Object.keys(part.headers).sort(), ['content-length', 'content-type', 'x-timestamp']);
    assert.equal(part.headers['content-type'], 'image/jpeg');
    assert.deepEqual([part.body.readUInt16BE(0), part.body.readUInt16BE(part.body.length - 2)], [0xffd8, 0xffd9]);
    const capturedS = Number(part.headers['x-timestamp']);
    assert.ok(Math.abs(Date.now() / 1000 - capturedS) < 5, 'the wall clock, without skew');
    // Frames are 25 ms apart; one that was skipped leaves a gap of whole frames.
    if (before > 0) {
      const frames = (capturedS - before) / 0.025;
      assert.ok(frames > 0.9 && Math.abs(frames - Math.round(frames)) < 0.05, `${frames} frames after the last`);
    }
    before = capturedS;
    const image = await imageOf(part);
    assert.deepEqual([image.width, image.height], [256, 128]);
  }
});

test('what is no GET of the stream is refused and counted, and so is a fifth viewer', async (t) => {
  const camera = await startCamera(t);
  for (const [url, method, status] of [
    [camera.endpoint.replace('/stream', '/'), 'GET', 404],
    [camera.endpoint.replace('/stream', '/config'), 'GET', 404],
    [camera.endpoint, 'POST', 405],
  ] as const) {
    const opened = await openStream(url, method);
    assert.equal(opened.status, status, `${method} ${url}`);
    opened.socket.destroy();
  }
  assert.equal(camera.refused, 3);
  for (let i = 0; i < 4; i += 1) assert.equal((await stream(t, camera)).status, 200);
  assert.equal((await stream(t, camera)).status, 503);
});

test('a viewer that does not read loses frames and holds up nobody', async (t) => {
  const camera = await startCamera(t, {
    fps: 60,
    jpegQuality: 100,
    camera: { ...options.camera, widthPx: 640, heightPx: 400 },
  });
  const slow = await stream(t, camera);
  slow.socket.pause();
  const quick = await stream(t, camera);
  for (let i = 0; i < 400 && camera.dropped === 0; i += 1) await quick.next();
  assert.ok(camera.dropped > 0, 'no frame was left out');
  await quick.next();
});

test('exposures that the drawing thread cannot keep up with are skipped and counted; after the stop nobody listens', async (t) => {
  // 60 frames of 2048 × 2048 a second are more than any core draws.
  const camera = await startCamera(t, { fps: 60, camera: { ...options.camera, widthPx: 2048, heightPx: 2048 } });
  const opened = await stream(t, camera);
  const first = await opened.next();
  for (let i = 0; i < 3; i += 1) await opened.next();
  const last = await opened.next();
  const exposures = (Number(last.headers['x-timestamp']) - Number(first.headers['x-timestamp'])) * 60;
  // Four frames later.
  assert.ok(exposures > 6 && camera.skipped > 0, `${exposures} exposures for four frames, ${camera.skipped} skipped`);
  await camera.stop();
  await assert.rejects(opened.next(), RangeError);
  await assert.rejects(openStream(camera.endpoint), /ECONNREFUSED/);
  // The thread and the timers are gone, or the test's process would not end.
  assert.equal(camera.clients, 0);
});

test('frames keep their order though each is late by another time, and the clock of the camera gains as it is told', async (t) => {
  const camera = await startCamera(t, { latencyMs: [0, 200], skewPpm: 500, jitterMs: 0.2 });
  const opened = await stream(t, camera);
  const first = await opened.next();
  let before = Number(first.headers['x-timestamp']);
  for (let i = 0; i < 30; i += 1) {
    const at = Number((await opened.next()).headers['x-timestamp']);
    assert.ok(at > before, `${at} after ${before}`);
    before = at;
  }
});

test('a camera in trouble shows it: black, too bright, out of focus, moved, and no frames at all', async (t) => {
  const camera = await startCamera(t);
  const opened = await stream(t, camera);
  const revolutions = 10;
  const look = async (trouble: 'black' | 'overexposed' | 'defocused' | 'moved' | null): Promise<Image> => {
    camera.latch({ monotonicMs: performance.now(), revolutions, speedRpm: 0, faults: [], trouble });
    // Two are under way at most, and one waits to be sent: what was drawn before is past.
    for (let i = 0; i < 5; i += 1) await opened.next();
    return imageOf(await opened.next());
  };
  const good = await look(null);
  const black = await look('black');
  const bright = await look('overexposed');
  const soft = await look('defocused');
  const moved = await look('moved');
  const again = await look(null);
  assert.ok(meanOf(good) > 50 && meanOf(good) < 200 && detailOf(good) > 5, `${meanOf(good)}, ${detailOf(good)}`);
  assert.ok(meanOf(black) < 6, `black has ${meanOf(black)}`);
  assert.ok(meanOf(bright) > 230, `too bright has ${meanOf(bright)}`);
  assert.ok(detailOf(soft) < detailOf(good) / 3 && Math.abs(meanOf(soft) - meanOf(good)) < 10);
  const unlike = (a: Image, b: Image): number =>
    a.pixels.reduce((sum, value, i) => sum + Math.abs(value - (b.pixels[i] ?? 0)), 0) / a.pixels.length;
  assert.ok(unlike(moved, good) > 2 * unlike(again, good), `${unlike(moved, good)} to ${unlike(again, good)}`);

  camera.latch({ monotonicMs: performance.now(), revolutions, speedRpm: 0, faults: [], trouble: 'stalled' });
  for (;;) {
    const late = await Promise.race([opened.next(), delay(500, null, { ref: false })]);
    if (late === null) break;
  }
  assert.equal(opened.socket.destroyed, false, 'the connection stands, as with a camera that hangs');
});

test('with an index the mark on the ring passes the upper margin once a revolution', async (t) => {
  const camera = await startCamera(t, { position: 'index', fps: 40 });
  const opened = await stream(t, camera);
  camera.latch({ monotonicMs: performance.now(), revolutions: 10, speedRpm: 60, faults: [], trouble: null });
  const seen: number[] = [];
  let firstS = 0;
  for (;;) {
    const part = await opened.next();
    const atS = Number(part.headers['x-timestamp']);
    firstS ||= atS;
    if (atS - firstS > 3.3) break;
    const { width, height, pixels } = await imageOf(part);
    assert.equal(height, 128 + 16);
    // Rows 4 to 11 of the ring; the mark is far brighter than steel.
    const bright = Array.from({ length: width }, (_, x) => x).filter((x) => {
      let sum = 0;
      for (let y = 4; y < 12; y += 1) sum += pixels[y * width + x] ?? 0;
      return sum / 8 > 120;
    });
    if (bright.length < 4 || (bright[0] ?? 0) < 4 || (bright.at(-1) ?? 0) > width - 5) continue;
    const x = bright.reduce((a, b) => a + b + 0.5, 0) / bright.length;
    // Needles of rising number pass the middle: what is right of it is still to come, at 60 1/min · 704 needles.
    seen.push(atS + (x - width / 2) / (waleMm * 9) / needles);
  }
  const passes = seen.filter((atS, i) => i === 0 || atS - (seen[i - 1] ?? 0) > 0.3);
  assert.ok(passes.length >= 2, `${passes.length} passes in ${seen.length} frames`);
  for (const atS of seen) {
    const turns = atS - (seen[0] ?? 0);
    assert.ok(Math.abs(turns - Math.round(turns)) < 1.5 / needles, `${turns} turns after the first pass`);
  }
});

const scenario = `version: 1
site: demo
machines:
  - id: ck-1
    kind: circular-knit
    map: knit-circular-kf4-tcp
    protocol: kf4-tcp
    parameters: { diameterInch: 8, feeders: 24, speedRpm: 60, rampRpmPerS: 60 }
    camera: { position: encoder, fps: 20, heightPx: 64, latencyMs: [5, 40], countsPerRevolution: 4096, direction: -1 }
faults:
  - { id: worn, machine: ck-1, fault: needle_line, atS: 0.6, forS: 60, params: { strength: 1.2 }, expect: { as: alert, type: needle_line, withinS: 8 } }
`;

test('a worn needle of the running machine is seen at the same count of the encoder in every revolution, and the truth names it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-sim-camera-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const file = join(folder, 'camera.yaml');
  writeFileSync(file, scenario);
  const truthFile = join(folder, 'truth.jsonl');
  const floor = runInside([file, '--seed', '5', '--truth', truthFile, '--control']);
  t.after(async () => {
    floor.closeInput();
    await floor.ended;
  });
  const { machines } = (await floor.event('listening')) as {
    machines?: readonly { readonly camera?: { readonly position: string; readonly endpoint: string } }[];
  };
  const camera = machines?.[0]?.camera;
  assert.ok(camera !== undefined && camera.position === 'encoder');
  const opened = await stream(t, camera);
  const found: { readonly count: number; readonly turn: number }[] = [];
  let first: { readonly atS: number; readonly count: number } | null = null;
  // The camera runs before the floor's clock does.
  for (let i = 0; i < 8; i += 1) await opened.next();
  for (;;) {
    const part = await opened.next();
    const atS = Number(part.headers['x-timestamp']);
    const count = Number(part.headers['x-encoder-count']);
    assert.ok(Number.isSafeInteger(count));
    first ??= { atS, count };
    if (atS - first.atS > 5) {
      // 60 1/min of 4096 counts.
      assert.ok(Math.abs((count - first.count) / (atS - first.atS) - 4096) < 20, 'counts a second');
      break;
    }
    const { width, height, pixels } = await imageOf(part);
    // Darkness of a wale against those around it.
    const columns = Array.from({ length: width }, (_, x) => {
      let sum = 0;
      for (let y = 0; y < height; y += 1) sum += pixels[y * width + x] ?? 0;
      return sum / height;
    });
    const box = (x: number, half: number): number => {
      const span = columns.slice(Math.max(0, x - half), x + half + 1);
      return span.reduce((a, b) => a + b, 0) / span.length;
    };
    const depths = columns.map((_, x) => (x < 20 || x >= width - 20 ? 0 : box(x, 17) - box(x, 3)));
    const x = depths.indexOf(Math.max(...depths));
    if ((depths[x] ?? 0) < 9) continue;
    // At the middle when the needles' numbers fall: what is right of it has passed already.
    const counts = (-(x + 0.5 - width / 2) / (waleMm * 9) / needles) * 4096;
    found.push({ count: count + counts, turn: Math.round((count + counts) / 4096) });
  }
  assert.ok(found.length >= 3, `seen ${found.length} times`);
  const phase = (found[0]?.count ?? 0) % 4096;
  for (const { count } of found) {
    const off = ((((count - phase) % 4096) + 6144) % 4096) - 2048;
    // A needle is 5.8 counts; the columns are sure to a wale.
    assert.ok(Math.abs(off) < 12, `${off} counts off: ${found.map((f) => f.count.toFixed(0)).join(', ')}`);
  }
  floor.say('halt');
  await floor.event('halted');
  const truth = readFileSync(truthFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; id: string; data: Record<string, unknown> });
  const [began] = truth.filter((line) => line.kind === 'fault');
  const [ended] = truth.filter((line) => line.kind === 'clear');
  assert.ok(began !== undefined && ended !== undefined && began.id === 'worn');
  const needle = Number(began.data['needle']);
  assert.ok(needle >= 0 && needle < needles && ended.data['needle'] === needle);
  // 24 feeders at 18 courses/cm: 13.3 mm a revolution, one a second.
  assert.ok(Math.abs(Number(began.data['rollM']) - 0.6 * 0.013_33) < 0.002, `${String(began.data['rollM'])} m`);
  assert.ok(Number(ended.data['rollM']) > 0.05);
});
