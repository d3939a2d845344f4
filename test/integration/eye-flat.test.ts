/** The eye that ships over a flat woven web: taught on good cloth, then shown a hole. Simulated cloth, not a measurement of real one. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FlatWatching } from '../../agent/senses/eye/flat.ts';
import { type FlatWeb, flatWebSchema } from '../../agent/senses/eye/settings.ts';
import type { EyeFinding } from '../../agent/senses/eye/watching.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { teach, type Taught } from '../../models/vision/eye.ts';
import { expose, illuminate } from '../../simulators/cloth/optics.ts';
import { bindings, createWeave, drawWeave } from '../../simulators/cloth/weave.ts';

const size = { width: 512, height: 256 };
const pxPerMm = 6;
const viewMm = size.height / pxPerMm;
const weave = createWeave({
  seed: 5,
  binding: bindings.plain,
  endsPerCm: 20,
  picksPerCm: 18,
  pxPerMm,
  warpTone: 0.62,
  weftTone: 0.66,
  cover: 0.86,
  unevenness: 1,
  lensMm: 0.45 / pxPerMm,
});

interface Hole {
  readonly xMm: number;
  readonly alongMm: number;
  readonly radiusMm: number;
}

/** A picture whose newest cloth, at its top, is `wayMm` along the web; the middle of the picture is 100 mm from the web's edge. */
function picture(number: number, wayMm: number, holes: readonly Hole[]) {
  const { width, height } = size;
  const sheet = new Float32Array(width * height);
  const view = { widthPx: width, heightPx: height, pxPerMm, xMm: 100, yMm: viewMm / 2 - wayMm, turnRad: 0 };
  drawWeave(weave, view, [], sheet);
  for (const { xMm, alongMm, radiusMm } of holes) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const [dx, dy] = [(x + 0.5 - width / 2) / pxPerMm + 100 - xMm, wayMm - (y + 0.5) / pxPerMm - alongMm];
        if (Math.hypot(dx, dy) < radiusMm) sheet[y * width + x] = 0.02;
      }
    }
  }
  illuminate(sheet, width, height, { white: 200, slopeX: 0.03, slopeY: 0, fallX: 0.04, fallY: 0.02, offX: 0, offY: 0 });
  const pixels = new Uint8Array(width * height);
  expose(sheet, { read: 1, shot: 0.1 }, number, pixels);
  return { width, height, pixels };
}

const web: FlatWeb = flatWebSchema.parse({
  mmPerPx: 1 / pxPerMm,
  widthMm: 200,
  leftMm: 100 - size.width / 2 / pxPerMm,
  newest: 'top',
  isKnit: false,
  behind: 'darker',
  position: { kind: 'encoder', mmPerCount: 0.1, wrapsAt: 2 ** 32 },
});

async function taughtBy(t: TestContext): Promise<{ readonly session: ModelSession; readonly taught: Taught }> {
  const session = await openSession(
    fileURLToPath(new URL('../../models/packages/fabric-anomaly/model.onnx', import.meta.url)),
  );
  t.after(() => session.close());
  const good = Array.from({ length: 12 }, (_, i) => picture(1_000 + i, 10_000 + 61.3 * i, []));
  return { session, taught: await teach(good, session) };
}

const stepMm = 15;
async function watch(
  { session, taught }: Awaited<ReturnType<typeof taughtBy>>,
  untilMm: number,
  holes: readonly Hole[],
) {
  const watching = new FlatWatching(web, size, taught, session);
  const findings: EyeFinding[] = [];
  for (let number = 0; number * stepMm < untilMm; number += 1) {
    const wayMm = number * stepMm;
    const shot = picture(number, wayMm, holes);
    const seen = await watching.frame({ ...shot, timeMs: 40 * number, count: Math.floor(wayMm / 0.1) });
    findings.push(...seen.findings.map(({ finding }) => finding));
  }
  return { watching, findings };
}

test('a hole in a woven web is told once, at its millimetres, and no needle is named; good cloth tells nothing', async (t) => {
  const eye = await taughtBy(t);
  const hole = { xMm: 110, alongMm: 500, radiusMm: 5 };
  const { watching, findings } = await watch(eye, 900, [hole]);
  const told = findings.filter(({ phase }) => phase === 'found');
  assert.equal(told.length, 1, JSON.stringify(told));
  // Its place is known when it has left the view: at first only its edge was in it.
  const found = findings.findLast(({ id, phase }) => id === told[0]?.id && phase === 'closed');
  assert.ok(found !== undefined);
  assert.equal(found.class, 'hole');
  assert.deepEqual([found.needle, found.k, found.needleUnknown], [null, null, 'no-needle']);
  const [along, across] = [(found.rollFromMm + found.rollToMm) / 2, (found.acrossFromMm + found.acrossToMm) / 2];
  assert.ok(Math.abs(along - hole.alongMm) < 4, `along ${along}`);
  assert.ok(Math.abs(across - hole.xMm) < 4, `across ${across}`);
  // The camera sees 85 of 200 mm of the web.
  const stretches = watching.seen()?.stretches ?? [];
  assert.ok(stretches.length > 0);
  for (const { unseen } of stretches)
    assert.ok(Math.abs(unseen - (1 - size.width / pxPerMm / 200)) < 0.01, String(unseen));
  assert.equal(watching.counts().placeless, 0);
});

test('a picture without a count has no place, and another light is no cloth: both are counted', async (t) => {
  const { session, taught } = await taughtBy(t);
  const watching = new FlatWatching(web, size, taught, session);
  const shot = picture(1, 100, []);
  await watching.frame({ ...shot, timeMs: 0, count: null });
  const dark = { ...shot, pixels: shot.pixels.map((value) => value / 4) };
  await watching.frame({ ...dark, timeMs: 40, count: 1_000 });
  await watching.frame({ ...shot, timeMs: 80, count: 1_000 });
  const { placeless, unjudged, judged } = watching.counts();
  assert.deepEqual([placeless, unjudged, judged], [1, { light: 1 }, 1]);
});
