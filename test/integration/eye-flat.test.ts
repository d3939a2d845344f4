/** The eye that ships over a flat woven web: taught on good cloth, then shown a hole. Simulated cloth, not a measurement of real one. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { FlatWatching } from '../../agent/senses/eye/flat.ts';
import { type FlatWeb, flatWebSchema, maxCropBytes, maxHeatMapBytes } from '../../agent/senses/eye/settings.ts';
import { alertRecord, eventRecord, type AlertRecord, type EventRecord } from '../../cloud-bridge/contract.ts';
import type { EyeFinding } from '../../agent/senses/eye/looking.ts';
import type { RollMap } from '../../models/vision/roll-map.ts';
import type { ModelSession } from '../../models/runtime.ts';
import { teach } from '../../models/vision/eye.ts';
import { cellPx } from '../../models/vision/tiles.ts';
import type { Taught } from '../../models/vision/taught.ts';
import { expose, illuminate } from '../../simulators/cloth/optics.ts';
import { listener } from '../support/ports.ts';
import { rows, startAgent, temporaryDir, writeConfig } from './bad-input-rig.ts';
import { cameraThat, part, streamHead } from './camera-peer.ts';
import { shippedSession } from './simulated-tube.ts';
import { until } from './sync-rig.ts';
import { runVerb } from './verb.ts';
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
  const session = await shippedSession(t);
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

/** A crop and its heat map are kept and told as one, lie on one another, and it is the hole that is hot. */
async function showsTheHole(folder: string, alert: AlertRecord | undefined, notes: readonly EventRecord[]) {
  const { crop, heatMap, heatPeak } = alert?.evidence ?? {};
  const about = notes.map(({ atMs, data: { sha256, role, occurrence } }) => ({ atMs, sha256, role, occurrence }));
  const { atMs } = about[0] ?? assert.fail('something is noted');
  // The map first: what goes by age or for want of room goes in that order, so that it never outlives its crop.
  assert.deepEqual(about, [
    { atMs, sha256: heatMap, role: 'heat_map', occurrence: alert?.occurrence },
    { atMs, sha256: crop, role: 'crop', occurrence: alert?.occurrence },
  ]);
  const fileOf = (sha256: unknown) => readFileSync(join(folder, String(sha256).slice(0, 2), String(sha256)));
  assert.ok(fileOf(heatMap).length <= maxHeatMapBytes && fileOf(crop).length <= maxCropBytes);
  const [shown, heat] = [
    await sharp(fileOf(crop)).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true }),
    await sharp(fileOf(heatMap)).ensureAlpha().raw().toBuffer({ resolveWithObject: true }),
  ];
  assert.deepEqual([heat.info.width, heat.info.height], [shown.info.width, shown.info.height]);
  const step = shown.info.channels;
  const pixels = Array.from({ length: shown.info.width * shown.info.height }, (_, i) => ({
    isHole: (shown.data[step * i] ?? 255) < 40,
    // Orange or of the outline: anything but clear and blue.
    isHot: (heat.data[4 * i + 3] ?? 0) > 0 && (heat.data[4 * i] ?? 0) >= (heat.data[4 * i + 2] ?? 0),
    isClear: heat.data[4 * i + 3] === 0,
  }));
  const hole = pixels.filter(({ isHole }) => isHole);
  assert.ok(hole.length > 20, `${hole.length} pixels of hole`);
  const share = hole.filter(({ isHot }) => isHot).length / hole.length;
  assert.ok(share > 0.9, `${share} of the hole is hot`);
  // Below it what is hot reaches a few cells, to both sides alike.
  const below = pixels.findLastIndex(({ isHole }) => isHole);
  const middle = (isIt: (one: (typeof pixels)[number], at: number) => boolean) => {
    const columns = pixels.flatMap((one, at) => (isIt(one, at) ? [at % shown.info.width] : []));
    return columns.reduce((sum, x) => sum + x, 0) / columns.length;
  };
  const [holeX, hotX] = [middle(({ isHole }) => isHole), middle(({ isHot }, at) => isHot && at > below)];
  assert.ok(Math.abs(holeX - hotX) < 2 * cellPx, `the hole is at ${holeX} px, what is hot below it at ${hotX}`);
  assert.ok(
    pixels.some(({ isClear }) => isClear),
    'good cloth beside it is not',
  );
  assert.ok(typeof heatPeak === 'number' && heatPeak > 1.6, `it is told by itself: ${heatPeak}`);
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

test(
  'a camera over a web, from its configuration to the roll map: taught, a hole told with its place across, no needle',
  { timeout: 180_000 },
  async (t) => {
    const dir = temporaryDir(t);
    const pictures = join(dir, 'pictures');
    mkdirSync(pictures);
    for (let i = 0; i < 12; i += 1) {
      const { width, height, pixels } = picture(1_000 + i, 10_000 + 61.3 * i, []);
      const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
      await image.png().toFile(join(pictures, `${10 + i}.png`));
    }
    const camera = await cameraThat(t, (socket) => socket.write(streamHead));
    const machine = 'st-1';
    const config = writeConfig(dir, {
      machines: [
        {
          id: machine,
          profile: 'sewing-retrofit-csv',
          endpoint: `tcp://127.0.0.1:${await listener(t)}`,
          webEye: {
            camera: camera.url,
            fabric: 'poplin',
            mmPerPx: 1 / pxPerMm,
            widthMm: 200,
            leftMm: 100 - size.width / 2 / pxPerMm,
            position: 'encoder',
            mmPerCount: 0.1,
            behind: 'darker',
            simulated: true,
          },
        },
      ],
    });
    const at = ['--config', config, '--machine', machine];
    const taught = await runVerb<{ ok: boolean }>(
      t,
      'teach',
      'vision',
      ...at,
      '--fabric',
      'poplin',
      '--from',
      pictures,
    );
    assert.deepEqual([taught.code, taught.report?.ok], [0, true], taught.err);
    const agent = await startAgent(t, config);
    const hole = { xMm: 110, alongMm: 0, radiusMm: 5 };
    // The hole comes when the eye has looked at some cloth: the web is drawn as it runs.
    let number = 0;
    let holeMm = Infinity;
    const filming = setInterval(() => {
      number += 1;
      const wayMm = number * 6;
      const { width, height, pixels } = picture(
        number,
        wayMm,
        Number.isFinite(holeMm) ? [{ ...hole, alongMm: holeMm }] : [],
      );
      const headers = [`X-Encoder-Count: ${Math.floor(wayMm / 0.1)}`, `X-Timestamp: ${Date.now() / 1000}`];
      void sharp(pixels, { raw: { width, height, channels: 1 } })
        .jpeg({ quality: 95 })
        .toBuffer()
        .then((jpeg) => camera.send(part(jpeg, ...headers)));
    }, 100);
    t.after(() => clearInterval(filming));
    const journal = (sql: string) => rows(join(dir, 'agent/journal.db'), sql);
    await until(
      'cloth is looked at',
      () => journal("SELECT 1 FROM event WHERE event = 'roll_looked'").length > 0,
      60_000,
    );
    holeMm = number * 6 + 30;
    await until('it is told', () => journal("SELECT 1 FROM event WHERE event = 'fabric_finding'").length > 0, 60_000);
    const noted = "SELECT body FROM event WHERE event = 'evidence' ORDER BY id";
    await until('what shows it is kept', () => journal(noted).length >= 2, 30_000);
    const [alert] = journal('SELECT body FROM alert ORDER BY id').map((body) => alertRecord.parse(JSON.parse(body)));
    await showsTheHole(
      join(dir, 'agent/evidence'),
      alert,
      journal(noted).map((body) => eventRecord.parse(JSON.parse(body))),
    );
    await until('it has left the view', () => number * 6 > holeMm + 3 * viewMm, 30_000);
    const begun = await runVerb<{ ok: boolean }>(t, 'roll', 'begin', ...at);
    assert.equal(begun.code, 0, begun.err);
    const drawn = await runVerb<{ map: RollMap }>(t, 'roll-map', ...at, '--roll', '1', '--out', join(dir, 'roll.svg'));
    assert.equal(drawn.code, 0, drawn.err);
    const map = drawn.report?.map;
    assert.ok(map !== undefined && map.isSimulated && map.roll.widthMm === 200);
    assert.equal(map.defects.length, 1, JSON.stringify(map.defects));
    const [found] = map.defects;
    assert.ok(found !== undefined);
    assert.deepEqual([found.class, found.needle, found.needleUnknown], ['hole', null, 'no-needle']);
    const across = (found.acrossFromMm + found.acrossToMm) / 2;
    assert.ok(Math.abs(across - hole.xMm) < 5 && found.evidence.length === 1, `across ${across}`);
    // 10 mm of hole: 2 points.
    for (const mm of [found.toMm - found.fromMm, found.acrossToMm - found.acrossFromMm]) {
      assert.ok(mm >= 9 && mm <= 20, `${mm} mm`);
    }
    assert.deepEqual(map.score.points, [2]);
    // The camera sees 85 of 200 mm.
    const share = map.score.inspectedM / (map.roll.lengthMm / 1000);
    assert.ok(share > 0.3 && share < 0.43, `looked at ${share}: ${JSON.stringify(map.gaps)}`);
    assert.equal(await agent.stop(), 0);
  },
);
