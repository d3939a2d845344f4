/** The eye that ships before a simulated tube: taught on its good cloth, then shown a worn needle. Simulated cloth, not a measurement of real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eyeGeometrySchema } from '../../agent/senses/eye/settings.ts';
import type { EyeFinding } from '../../agent/senses/eye/looking.ts';
import { Watching, type WatchSettings } from '../../agent/senses/eye/watching.ts';
import type { ModelSession } from '../../models/runtime.ts';
import { teach } from '../../models/vision/eye.ts';
import type { Taught } from '../../models/vision/taught.ts';
import type { KnitFault } from '../../simulators/cloth/tube-camera.ts';
import { picturesAt, shippedSession, tube } from './simulated-tube.ts';

const rpm = 35;
const fps = 20;
const picture = picturesAt(fps);

const size0 = { width: 512, height: 512 };
const machine: WatchSettings = {
  geometry: eyeGeometrySchema.parse({
    needles: tube.needles,
    firstNeedle: 0,
    feeders: 96,
    circumferenceMm: (tube.needles * 10) / tube.walesPerCm,
    mmPerPx: 1 / 9,
    direction: 1,
    columns: 1,
    zeroNeedle: 700,
    zeroError: 0.5,
    advanceMm: 53.333,
  }),
  coursePitchMm: 10 / 18,
  behind: 'darker',
  position: { kind: 'encoder', countsPerTurn: 4096, wrapsAt: 2 ** 31, latchJitterMs: 0.05, errorCounts: 0 },
};

async function taughtBy(session: ModelSession): Promise<Taught> {
  const good = Array.from({ length: 12 }, (_, i) => picture(7 * i, []));
  return teach(good, session);
}

/** Shows the eye pictures from the 10th revolution on. */
async function watch(session: ModelSession, taught: Taught, faults: readonly KnitFault[], revolutions: number) {
  const watching = new Watching(machine, size0, taught, session);
  const findings: EyeFinding[] = [];
  const withoutCut: EyeFinding[] = [];
  let looked = 0;
  const first = Math.ceil((10 * 60 * fps) / rpm);
  const last = first + (revolutions * 60 * fps) / rpm;
  for (let number = first; number < last; number += 1) {
    const shot = picture(number, faults);
    const seen = await watching.frame({ ...shot, count: Math.floor(shot.turns * 4096) });
    findings.push(...seen.findings.map(({ finding }) => finding));
    withoutCut.push(...seen.findings.filter((one) => one.cut === null).map(({ finding }) => finding));
    if (seen.hasLooked) looked += 1;
  }
  return { findings, withoutCut, looked, counts: watching.counts() };
}

const line = (needle: number, strength = 1): KnitFault => ({
  kind: 'needle_line',
  needle,
  fromHeight: 0,
  toHeight: 1e9,
  strength,
});

test(
  'W1, W2: a worn needle is told once, within three revolutions, and by its name ± k; good cloth tells nothing',
  { timeout: 300_000 },
  async (t) => {
    const session = await shippedSession(t);
    const taught = await taughtBy(session);
    const good = await watch(session, taught, [], 3.2);
    assert.deepEqual(good.findings, []);
    assert.equal(good.looked, 1);
    assert.deepEqual([good.counts.placeless, good.counts.unjudged], [0, {}]);
    assert.ok(good.counts.judged > 100);
    // A faint one only two revolutions together show.
    for (const [needle, strength] of [
      [3, 1],
      [1207, 1],
      [800, 0.55],
    ] as const) {
      const { findings, withoutCut } = await watch(session, taught, [line(needle, strength)], 3);
      assert.deepEqual(withoutCut, [], 'each is told with the piece of the picture that shows it');
      const found = findings.filter(({ phase }) => phase === 'found');
      assert.deepEqual(
        found.map((one) => [one.class, one.shape]),
        [['needle_line', 'vertical']],
      );
      const last = findings.at(-1);
      assert.ok(last?.k !== undefined && last.k !== null && last.k <= 2, `needle ${needle} ± ${last?.k}`);
      const off = Math.abs((((last.needle ?? NaN) - needle + 1.5 * tube.needles) % tube.needles) - tube.needles / 2);
      assert.ok(off <= last.k, `${last.needle} ± ${last.k}, and it is ${needle}`);
    }
  },
);

test('W3: a picture without an angle and one without cloth are counted, and nothing is made of them', async (t) => {
  const session = await shippedSession(t);
  const taught = await taughtBy(session);
  const watching = new Watching(machine, size0, taught, session);
  const shot = picture(500, [line(1207)]);
  assert.deepEqual(await watching.frame({ ...shot, count: null }), { findings: [], hasLooked: false });
  const dark = { ...shot, pixels: new Uint8Array(shot.pixels.length) };
  assert.deepEqual((await watching.frame({ ...dark, count: 7 })).findings, []);
  assert.deepEqual(watching.counts(), { judged: 0, placeless: 1, unjudged: { light: 1 }, dropped: 0, unconfirmed: 0 });
});
