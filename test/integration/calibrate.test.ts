/** `selvedge calibrate camera` and `selvedge teach vision` as staff call them, before a simulated camera. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { z } from 'zod';
import type { KnitFault } from '../../simulators/cloth/knit.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createTubeEye } from '../../simulators/cloth/tube-camera.ts';
import { createCameraServer } from '../../simulators/servers/camera.ts';
import { Watched } from './camera-watcher.ts';

const launcher = join(import.meta.dirname, '../../agent/bin/selvedge');
// 8 inch, gauge 28: 704 needles; a tube narrowed to 0.85 has 542.8 mm around (docs/SIMULATED-CLOTH.md).
const needles = 704;
const circumferenceMm = (needles * 0.85 * 25.4) / 28;
const counts = 2048;
const needleZero = 100;
const speedRpm = 50;

const reportShape = z.object({
  ok: z.boolean(),
  code: z.string().optional(),
  zeroNeedle: z.number().optional(),
  zeroError: z.number().optional(),
  direction: z.number().nullable().optional(),
  numberingKnown: z.boolean().optional(),
  columns: z.number().optional(),
  version: z.number().nullable().optional(),
  by: z.string().optional(),
  revolutions: z.number().optional(),
});
type CalibrationReport = z.infer<typeof reportShape>;

const line = (needle: number): KnitFault => ({
  kind: 'needle_line',
  needle,
  fromHeight: 0,
  toHeight: Infinity,
  strength: 1,
});

async function bench(t: TestContext, position: 'encoder' | 'index', direction: 1 | -1, isTaught = true) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-calibrate-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const server = createCameraServer({
    tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
    camera: { widthPx: 512, heightPx: 256, pxPerMm: 9, needleZero, direction },
    position,
    fps: 12,
    jpegQuality: 90,
    countsPerRevolution: counts,
    skewPpm: 0,
    jitterMs: 0.1,
    latencyMs: [0, 10],
    seed: 5,
    port: 0,
    random: Math.random,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    onTrouble: (error) => assert.fail(error.message),
  });
  // Latched once: from then on it turns evenly.
  const startMs = performance.now();
  const show = (faults: readonly KnitFault[], rpm = speedRpm) =>
    server.latch({ monotonicMs: startMs, revolutions: 10, speedRpm: rpm, faults, trouble: null });
  show([], 0);
  await server.start();
  t.after(() => server.stop());
  // Standing at ten revolutions: what the encoder shows then is what it began with and ten turns.
  const watched = new Watched(t, { endpoint: server.endpoint });
  await watched.camera.start(new AbortController().signal);
  await watched.until('a picture', ({ frames }) => frames.length > 0);
  await watched.camera.stop();
  const [first] = watched.frames;
  const countZero = first?.index?.kind === 'encoder' ? first.index.count - 10 * counts : 0;
  show([]);
  const eye = {
    camera: server.endpoint,
    fabric: 'jersey',
    mmPerPx: 1 / 9,
    needles,
    firstNeedle: 0,
    feeders: 24,
    coursesPerCm: 18,
    circumferenceMm,
    position,
    countsPerRevolution: counts,
    ringRowsPx: 16,
    simulated: true,
  };
  const configure = (more: object) => {
    const machine = { id: 'ck-1', profile: 'knit-circular-kf4-tcp', endpoint: 'tcp://127.0.0.1:9', unit: 1 };
    writeFileSync(
      join(dir, 'agent.yaml'),
      JSON.stringify({
        version: 1,
        site: { id: 'demo', timeZone: 'UTC' },
        gateway: { id: 'gw' },
        dataDir: join(dir, 'data'),
        machines: [{ ...machine, eye: { ...eye, ...more } }],
      }),
    );
  };
  configure({});
  const run = async (...args: string[]): Promise<{ readonly code: number; readonly report: CalibrationReport }> => {
    const json = join(dir, 'report.json');
    const all = [...args, '--config', join(dir, 'agent.yaml'), '--machine', 'ck-1', '--json', json];
    const child = spawn('sh', [launcher, ...all], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.ok(code < 2, said);
    return { code, report: reportShape.parse(JSON.parse(readFileSync(json, 'utf8'))) };
  };
  const calibrate = (needle: number, ...more: string[]) =>
    run('calibrate', 'camera', '--needle-zero', String(needle), '--revolutions', '3', ...more);
  if (isTaught) assert.equal((await run('teach', 'vision', '--fabric', 'jersey', '--from', 'camera')).code, 0);
  return { dir, show, configure, run, calibrate, countZero };
}

const offBy = (a: number, b: number) => Math.abs(a - b - needles * Math.round((a - b) / needles));

test(
  'by an encoder: zero, direction and numbering are found and kept; what cannot be is refused',
  { timeout: 240_000 },
  async (t) => {
    const { show, configure, run, calibrate, countZero } = await bench(t, 'encoder', -1);
    // needle = needleZero + direction · needles · revolutions, and the count began at countZero; a count holds for half a count on.
    const trueZero = needleZero + (needles * (countZero + 0.5)) / counts;
    const none = await calibrate(300);
    assert.deepEqual([none.code, none.report.code], [1, 'AGT-832']);

    show([line(300)]);
    const dry = await calibrate(300, '--dry-run');
    assert.deepEqual([dry.code, dry.report.version], [0, null]);
    assert.deepEqual((await run('calibrate', 'camera', '--show')).report, { ok: false });
    const { code, report } = await calibrate(300);
    assert.equal(code, 0);
    assert.ok(
      offBy(report.zeroNeedle ?? NaN, trueZero) <= (report.zeroError ?? 0),
      `${report.zeroNeedle}, ${trueZero}`,
    );
    assert.ok((report.zeroError ?? 9) < 2);
    assert.deepEqual([report.direction, report.numberingKnown, report.version], [-1, false, 1]);
    assert.ok((report.by ?? '') !== '' && (report.revolutions ?? 0) >= 3);
    const shown = await run('calibrate', 'camera', '--show');
    assert.deepEqual([shown.code, shown.report.zeroNeedle], [0, report.zeroNeedle]);

    show([line(520)]);
    const second = await calibrate(520);
    assert.deepEqual([second.report.numberingKnown, second.report.columns, second.report.version], [true, 1, 2]);

    show([line(520), line(80)]);
    const two = await calibrate(520);
    assert.deepEqual([two.code, two.report.code], [1, 'AGT-833']);
    configure({ needleZero: 12 });
    const fixed = await calibrate(520);
    assert.deepEqual([fixed.code, fixed.report.code], [1, 'AGT-830']);
    configure({ position: 'telemetry' });
    const polled = await calibrate(520);
    assert.deepEqual([polled.code, polled.report.code], [1, 'AGT-831']);
  },
);

test('by the mark on the ring the zero is the needle below it', { timeout: 240_000 }, async (t) => {
  const { show, calibrate } = await bench(t, 'index', 1);
  show([line(300)]);
  const first = await calibrate(300);
  assert.equal(first.code, 0, first.report.code);
  // Whatever needle the mark stands above, two lines must give the same.
  show([line(480)]);
  const second = await calibrate(480);
  const bound = (first.report.zeroError ?? 0) + (second.report.zeroError ?? 0);
  assert.ok(offBy(first.report.zeroNeedle ?? NaN, second.report.zeroNeedle ?? NaN) <= bound);
  assert.deepEqual([second.report.direction, second.report.numberingKnown, second.report.columns], [1, true, 1]);
});

test('from a folder of pictures with the mark, whose times are those of the files', { timeout: 240_000 }, async (t) => {
  const { dir, run, calibrate } = await bench(t, 'index', 1, false);
  const markNeedle = 211;
  const eye = createTubeEye({
    seed: 9,
    tube: tubeOf({ diameterInch: 8, gauge: 28, feeders: 24, coursesPerCm: 18 }),
    camera: { widthPx: 512, heightPx: 256, pxPerMm: 9, needleZero, direction: 1 },
    marginPx: 16,
    markNeedle,
    tone: 0.7,
    unevenness: 1,
    shakeMm: 0.02,
  });
  const size = { width: 512, height: 272 };
  /** Twelve a second at fifty revolutions a minute, as files that are a twelfth of a second younger than the one before. */
  const write = async (name: string, pictures: number, everyS: number, faults: readonly KnitFault[]) => {
    mkdirSync(join(dir, name));
    for (let n = 0; n < pictures; n += 1) {
      const timeS = n * everyS;
      const pixels = new Uint8Array(size.width * size.height);
      eye.take({ revolutions: 20 + (timeS * speedRpm) / 60, timeS, number: n, faults, trouble: null }, pixels);
      const file = join(dir, name, `${String(n).padStart(4, '0')}.jpg`);
      await sharp(pixels, { raw: { ...size, channels: 1 } })
        .toColourspace('b-w')
        .jpeg({ quality: 90 })
        .toFile(file);
      utimesSync(file, 1_767_600_000 + timeS, 1_767_600_000 + timeS);
    }
    return join(dir, name);
  };
  const good = await write('good', 12, 0.47, []);
  assert.equal((await run('teach', 'vision', '--fabric', 'jersey', '--from', good)).code, 0);
  const cut = await write('cut', 80, 1 / 12, [line(300)]);
  const { code, report } = await calibrate(300, '--from', cut);
  assert.equal(code, 0, report.code);
  // When the mark is in the middle, so is its needle.
  assert.ok(offBy(report.zeroNeedle ?? NaN, markNeedle) <= (report.zeroError ?? 0), `${report.zeroNeedle}`);
  const unmarked = await calibrate(300, '--from', good);
  assert.deepEqual([unmarked.code, unmarked.report.ok], [1, false]);
});
