import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSession } from '../../../models/runtime.ts';
import { judge, teach } from '../../../models/vision/eye.ts';
import type { Graph } from '../../../models/graph.ts';
import { tilesOf } from '../../../models/vision/tiles.ts';
import { repository } from '../../check/files.ts';
import { drawStrip } from './strips.ts';

const model = readFileSync(join(repository, 'models/packages/fabric-anomaly/model.onnx'));
const session = await openSession(model);
after(() => session.close());

const size = { width: 1024, height: 256 };
/** Cloth from 200 px on, white beside it. */
function strip(seed: number) {
  const image = drawStrip({ ...size, seed });
  for (let y = 0; y < size.height; y += 1) image.pixels.fill(255, y * size.width, y * size.width + 200);
  return image;
}
const good = Array.from({ length: 8 }, (_, seed) => strip(seed));
const taught = await teach(good, session);

test('good cloth nobody taught stays at the threshold, a hole of 12 px is far above it, at its place', async () => {
  const clean = await judge(strip(50), taught, session);
  const whole = tilesOf(clean.map, clean.cloth).filter(({ clothShare }) => clothShare >= 0.9);
  assert.equal(whole.length, 3);
  for (const { x, score } of whole) assert.ok(score < 1.5 * taught.threshold, `${score} at ${x}, ${taught.threshold}`);
  const holed = strip(51);
  for (let y = 100; y < 112; y += 1) holed.pixels.fill(40, y * size.width + 600, y * size.width + 612);
  const { map } = await judge(holed, taught, session);
  const peak = map.scores.indexOf(Math.max(...map.scores));
  const [x, y] = [(peak % map.width) * 8 + 4, Math.floor(peak / map.width) * 8 + 4];
  assert.ok((map.scores[peak] ?? 0) > 2 * taught.threshold);
  assert.ok(Math.abs(x - 606) < 24 && Math.abs(y - 106) < 24, `found at ${x}, ${y}`);
});

test('a weft that is as bright as the others, but out of step with them, is seen', async () => {
  const image = strip(52);
  // Seven rows of the weave moved on by a third of its period: nothing is darker or lighter than before.
  for (let y = 112; y < 119; y += 1) {
    const row = image.pixels.slice(y * size.width, (y + 1) * size.width);
    for (let x = 240; x < 1020; x += 1) image.pixels[y * size.width + x] = row[x + 3] ?? 0;
  }
  const { map, cloth } = await judge(image, taught, session);
  const clean = await judge(strip(52), taught, session);
  const tiles = (scores: typeof map) => tilesOf(scores, cloth).map(({ score }) => score);
  tiles(map).forEach((score, i) => {
    if (i > 0) assert.ok(score > 1.5 * (tiles(clean.map)[i] ?? 0), `tile ${i}: ${score} of ${tiles(clean.map)[i]}`);
  });
});

test('a bar as wide as the cloth is found in every tile, though no pixel of it is out of the ordinary', async () => {
  const image = strip(55);
  // Three wefts a little lighter; the yarn itself differs by 3 grey values, a pixel by 9.
  for (let y = 112; y < 133; y += 1) {
    for (let x = 240; x < 1020; x += 1) image.pixels[y * size.width + x] = (image.pixels[y * size.width + x] ?? 0) + 10;
  }
  const scores = async (one: typeof image) => {
    const { map, cloth } = await judge(one, taught, session);
    return tilesOf(map, cloth).map(({ score }) => score);
  };
  const clean = await scores(strip(55));
  (await scores(image)).forEach((score, i) => {
    if (i > 0) assert.ok(score > 1.7 * (clean[i] ?? 0), `tile ${i}: ${score} of ${clean[i]}`);
  });
});

test('what is not cloth scores nothing, whatever is drawn there', async () => {
  const image = strip(53);
  for (let y = 0; y < size.height; y += 3) image.pixels.fill(0, y * size.width + 20, y * size.width + 90);
  const { map, cloth } = await judge(image, taught, session);
  assert.ok(cloth.left >= 200 && cloth.left < 260);
  for (let y = 0; y < map.height; y += 1) {
    for (let x = 0; x < Math.floor(cloth.left / 8); x += 1) assert.equal(map.scores[y * map.width + x], 0);
  }
});

test('images whose sides are no multiples of what the graph takes are judged as well', async () => {
  const odd = drawStrip({ width: 1001, height: 275, seed: 54 });
  const { map } = await judge(odd, taught, session);
  assert.ok(map.width * 8 >= 1001 && map.height * 8 >= 275);
  assert.ok(map.scores.every((score) => Number.isFinite(score)));
});

test('every image is held against statistics of others: with all of them known already the threshold is lower', async () => {
  // The same strip eight times: what is left out was taught all the same.
  const same = await teach(
    Array.from({ length: 8 }, () => strip(1)),
    session,
  );
  assert.ok(same.threshold < taught.threshold, `${same.threshold} against ${taught.threshold}`);
});

test('too little to learn from, too small an image and a graph that is none are told with their codes', async () => {
  await assert.rejects(teach(good.slice(0, 3), session), /MDL-201/);
  await assert.rejects(
    teach([...good.slice(0, 4), drawStrip({ width: 512, height: 256, seed: 1 })], session),
    /MDL-201/,
  );
  await assert.rejects(judge(drawStrip({ width: 200, height: 256, seed: 1 }), taught, session), /MDL-202/);
  await assert.rejects(openSession(model.subarray(0, 1000)), /MDL-203/);
  await assert.rejects(openSession(join(repository, 'models/no-model.onnx')), /MDL-203/);
  const other: Graph = { run: () => Promise.resolve({}) };
  await assert.rejects(judge(strip(1), taught, other), /MDL-203/);
  await assert.rejects(session.run({}, ['scores']), /MDL-203/);
});
