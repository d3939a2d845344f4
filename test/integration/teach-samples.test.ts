/** What teaching says of pictures that are not good enough, with the model that ships and drawn cloth. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { AgentError } from '../../agent/errors.ts';
import { fromFolder, learnFrom } from '../../agent/senses/teaching.ts';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import {
  createTubeEye,
  type CameraTrouble,
  type KnitFault,
  type TubeEye,
  type TubeScene,
} from '../../simulators/cloth/tube-camera.ts';
import { shippedSession } from './simulated-tube.ts';

const size = { width: 512, height: 256 };
const tube = tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 });
const sceneOf = (more: Partial<TubeScene> = {}, pxPerMm = 7): TubeScene => ({
  seed: 21,
  tube,
  camera: { widthPx: size.width, heightPx: size.height, pxPerMm, needleZero: 0, direction: 1 },
  marginPx: 0,
  markNeedle: 0,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.025,
  ...more,
});

interface Shown {
  readonly eye?: TubeEye;
  readonly trouble?: CameraTrouble;
  readonly faults?: readonly KnitFault[];
  /** As picture number. */
  readonly at?: number;
}

const usual = createTubeEye(sceneOf());

/** Twelve pictures in a folder, some of them otherwise; read again as staff's would be. */
async function gathered(t: TestContext, others: Readonly<Record<number, Shown>>) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-samples-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  for (let n = 1; n <= 12; n += 1) {
    const { eye = usual, trouble = null, faults = [], at = n } = others[n] ?? {};
    const pixels = new Uint8Array(size.width * size.height);
    eye.take({ revolutions: 3.37 * at, timeS: 7 * n, number: n, faults, trouble }, pixels);
    await sharp(pixels, { raw: { ...size, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(join(dir, `${String(n).padStart(2, '0')}.png`));
  }
  return fromFolder(dir, { mask: [], ringRowsPx: 0 });
}

test('of good cloth that ran by nothing is refused, and how the camera stands is known', async (t) => {
  const all = await gathered(t, {});
  assert.deepEqual(all.refused, []);
  assert.ok(all.reference !== null);
  const { used, leftOut } = await learnFrom(all, await shippedSession(t));
  assert.deepEqual([used.length, leftOut], [12, []]);
});

test('dark, blinded and repeated pictures are named and not learned from', async (t) => {
  const { good, refused } = await gathered(t, {
    3: { trouble: 'black' },
    5: { trouble: 'overexposed' },
    8: { at: 7 },
  });
  assert.equal(good.length, 9);
  const why = new Map(refused.map(({ image, reason }) => [image, reason]));
  assert.match(why.get('03.png') ?? '', /^too dark: brightness \d+ of 255$/);
  assert.match(why.get('05.png') ?? '', /^too bright: \d+ % of it is white$/);
  assert.equal(why.get('08.png'), 'shows the same cloth as 07.png: does the machine stand?');
});

test('a blurred picture, one of another cloth and one with a fault in it are named and left out', async (t) => {
  const session = await shippedSession(t);
  const darker = createTubeEye(sceneOf({ tone: 0.45 }));
  const revolutions = 3.37 * 6;
  const needle = Math.floor((revolutions % 1) * tube.needles);
  const ladder: KnitFault = { kind: 'ladder', needle, height: tube.feeders * revolutions, courses: 30 };
  for (const [at, shown, reason] of [
    [9, { trouble: 'defocused' }, /^blurred: \d+ % as sharp as the others$/],
    [2, { eye: darker }, /^another light or cloth: brightness \d+, the others \d+$/],
    [6, { faults: [ladder] }, /^differs from the others \(\d+\.\d, usually 0\.\d\): a fault in it\?$/],
  ] as const) {
    const { taught, used, leftOut } = await learnFrom(await gathered(t, { [at]: shown }), session);
    assert.deepEqual(
      leftOut.map(({ image }) => image),
      [`${String(at).padStart(2, '0')}.png`],
    );
    assert.match(leftOut[0]?.reason ?? '', reason);
    assert.equal(used.length, 11);
    // What was left out has no part in the threshold.
    assert.ok(taught.threshold < 1.5, String(taught.threshold));
  }
});

test('two cloths mixed, or another distance in a third of them, teach nothing', async (t) => {
  const session = await shippedSession(t);
  const nearer = createTubeEye(sceneOf({}, 8.4));
  const mixed = await gathered(t, Object.fromEntries([2, 5, 7, 11].map((n) => [n, { eye: nearer }])));
  await assert.rejects(
    learnFrom(mixed, session),
    (error) =>
      error instanceof AgentError &&
      error.entry.code === 'AGT-821' &&
      error.message.includes('02.png another cloth or distance'),
  );
});
