import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Blob, coreOf, defaultBlobOptions, findBlobs } from '../../../models/vision/blobs.ts';
import { classify, type ClothView, defectClasses, notToldApart, rules } from '../../../models/vision/classify.ts';
import type { Grey } from '../../../models/vision/grey.ts';
import { type Look, lookOf } from '../../../models/vision/look.ts';

const width = 200;
const height = 160;

/** Loops drawn by hand: wales of 8 px, courses of 6, brightness about 120 ± 20. */
function knitted(): Grey {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const loop = Math.cos((2 * Math.PI * x) / 8) + Math.cos((2 * Math.PI * y) / 6);
      pixels[y * width + x] = Math.round(120 + 12 * loop);
    }
  }
  return { width, height, pixels };
}

/** 0.1 mm a pixel: wales of 0.8 mm, courses of 0.6 mm, light from in front of a dark ground. */
const view: ClothView = {
  mmPerPx: 0.1,
  walePitchMm: 0.8,
  coursePitchMm: 0.6,
  isKnit: true,
  behind: 'darker',
  cloth: { left: 0, top: 0, right: width, bottom: height },
};

/** Paints where `isIn` holds, and makes the map a perfect detector of what was painted. */
function seen(isIn: (x: number, y: number) => boolean, paint: (before: number) => number): [Blob, Look] {
  const picture = knitted();
  const scores = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!isIn(x, y)) continue;
      scores[y * width + x] = 2;
      picture.pixels[y * width + x] = Math.round(paint(picture.pixels[y * width + x] ?? 0));
    }
  }
  const [blob] = findBlobs({ width, height, scores }, { ...defaultBlobOptions, high: 1, low: 1 }).blobs;
  assert.ok(blob);
  return [blob, lookOf(picture, blob, blob, 1, null)];
}

const disc = (radius: number) => (x: number, y: number) => Math.hypot(x - 100, y - 80) < radius;
const column = (from: number, to: number) => (x: number) => x >= from && x < to;
const row = (from: number, to: number) => (_: number, y: number) => y >= from && y < to;
const open = () => 15;
const oiled = (before: number) => before - 35;

test('a hole shows what is behind, without loops; oil is as dark a place with its loops', () => {
  assert.equal(classify(...seen(disc(15), open), view).class, 'hole');
  assert.equal(classify(...seen(disc(15), oiled), view).class, 'oil_spot');
  assert.equal(classify(...seen(disc(15), open), view).cause, 'machine_or_handling');
});

test('the same hole over an unknown or a light ground is an anomaly', () => {
  assert.equal(classify(...seen(disc(15), open), { ...view, behind: null }).class, 'anomaly');
  assert.equal(classify(...seen(disc(15), open), { ...view, behind: 'lighter' }).class, 'anomaly');
});

test('along a wale: needle line, ladder where one sees through, oil line where loops are whole and dark', () => {
  assert.equal(classify(...seen(column(96, 104), (v) => v + 10), view).class, 'needle_line');
  assert.equal(classify(...seen(column(94, 107), open), view).class, 'ladder');
  assert.equal(classify(...seen(column(80, 112), oiled), view).class, 'oil_line');
  assert.equal(classify(...seen(column(96, 104), (v) => v + 10), view).cause, 'needle_or_sinker');
});

test('along a course through the view: barre, missing yarn where one sees through; a stretch is a slub', () => {
  assert.equal(classify(...seen(row(77, 83), (v) => v + 12), view).class, 'barre');
  assert.equal(classify(...seen(row(77, 83), open), view).class, 'missing_yarn');
  const stretch = (x: number, y: number) => y >= 77 && y < 83 && x >= 40 && x < 120;
  assert.equal(classify(...seen(stretch, (v) => v + 30), view).class, 'slub_thick_thin');
  assert.equal(classify(...seen(row(77, 83), open), view).cause, 'yarn_or_feeder');
});

test('dark threads on the cloth are no oil: the cloth between them is as light as ever', () => {
  const fly = (x: number, y: number) => disc(20)(x, y);
  const [blob] = seen(fly, open);
  const picture = knitted();
  for (let y = 60; y < 100; y += 1) {
    for (let x = 80; x < 120; x += 1) if (fly(x, y) && (x + y) % 5 < 2) picture.pixels[y * width + x] = 60;
  }
  const look = lookOf(picture, blob, blob, 1, null);
  assert.ok((look.contrast ?? 0) < -3 && (look.light ?? 1) < 0.95 + 1e-9);
  assert.equal(classify(blob, look, view).class, 'anomaly');
});

test('a woven cloth has no needles and no feeders: no class speaks of them, and the hint is warp or weft', () => {
  const woven = { ...view, isKnit: false };
  const line = classify(...seen(column(96, 104), (v) => v + 10), woven);
  assert.deepEqual([line.class, line.shape, line.cause], ['anomaly', 'vertical', 'warp']);
  const bar = classify(...seen(row(77, 83), open), woven);
  assert.deepEqual([bar.class, bar.cause], ['anomaly', 'weft']);
  assert.equal(classify(...seen(disc(15), open), woven).class, 'hole');
});

test('a score that reaches beyond what it found changes nothing: shape and look are those of the core', () => {
  const picture = knitted();
  const scores = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const far = Math.hypot(x - 100, y - 80) - 12;
      if (far < 0) picture.pixels[y * width + x] = 15;
      scores[y * width + x] = Math.min(3, Math.max(0, 3 - far / 3));
    }
  }
  const map = { width, height, scores };
  const [blob] = findBlobs(map, { ...defaultBlobOptions, high: 1, low: 0.2 }).blobs;
  assert.ok(blob && blob.right - blob.left > 38);
  const core = coreOf(blob, map, 0.2);
  assert.ok(core.right - core.left < 34 && core.peak === blob.peak);
  assert.equal(classify(core, lookOf(picture, core, blob, 1, null), view).class, 'hole');
});

test('the core of a blob is inside it, never empty, and all of it where the scores are flat', () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(digits, (list) => {
      const map = { width: 10, height: 6, scores: Float32Array.from(list) };
      for (const blob of findBlobs(map, { ...defaultBlobOptions, high: 4, low: 2, leastPixels: 1 }).blobs) {
        const core = coreOf(blob, map, 2);
        assert.ok(core.pixels >= 1 && core.pixels <= blob.pixels && core.peak === blob.peak);
        assert.ok(
          core.left >= blob.left && core.right <= blob.right && core.top >= blob.top && core.bottom <= blob.bottom,
        );
      }
    }),
  );
  const flat = { width: 3, height: 1, scores: Float32Array.from([5, 5, 5]) };
  const [blob] = findBlobs(flat, { ...defaultBlobOptions, high: 4, low: 4 }).blobs;
  assert.equal(blob && coreOf(blob, flat, 4).pixels, 3);
});

test('a line that leans is neither of a needle nor of a feeder', () => {
  const slanted = (x: number, y: number) => Math.abs(x - 20 - y) < 4;
  const found = classify(...seen(slanted, open), view);
  assert.deepEqual([found.class, found.shape], ['anomaly', 'spot']);
});

test('one class for one direction: nothing is called a needle line that does not stand upright', () => {
  fc.assert(
    fc.property(fc.integer({ min: -80, max: 80 }), fc.integer({ min: 2, max: 5 }), (degrees, half) => {
      const angle = (degrees * Math.PI) / 180;
      const band = (x: number, y: number) =>
        Math.abs((x - 100) * Math.sin(angle) - (y - 80) * Math.cos(angle)) < half && Math.hypot(x - 100, y - 80) < 60;
      const { shape } = classify(...seen(band, open), view);
      if (Math.abs(degrees) < 75) assert.notEqual(shape, 'vertical');
    }),
    { numRuns: 40 },
  );
});

test('what is not known satisfies no row: without pitches and without cloth around, only direction is left', () => {
  const [blob] = seen(disc(15), open);
  const blind: Look = { level: 15, levelAround: 0, light: null, lightest: null, contrast: null, structure: null };
  assert.equal(classify(blob, blind, view).class, 'anomaly');
  const [line] = seen(column(94, 107), open);
  assert.equal(classify(line, blind, { ...view, walePitchMm: null }).class, 'needle_line');
});

test('each row of the table gives a class that is not also said to be past telling', () => {
  for (const rule of rules) {
    assert.ok(defectClasses.includes(rule.class));
    assert.ok(!(rule.class in notToldApart));
    assert.ok(rule.why.length > 20);
  }
});

test('a look counts only cloth: what lies outside the cloth is not held against', () => {
  const picture = knitted();
  picture.pixels.fill(255, 0, width * 60);
  const runs = [{ y: 80, from: 90, to: 110 }];
  const box = { left: 90, top: 80, right: 110, bottom: 81, runs };
  const within = lookOf(picture, box, box, 1, { left: 0, top: 80, right: width, bottom: height });
  const all = lookOf(picture, box, box, 1, { left: 0, top: 55, right: width, bottom: height });
  assert.ok(Math.abs(within.levelAround - 120) < 5);
  assert.equal(within.level, all.level);
});

test('a map at half resolution looks at the image at full', () => {
  const picture = knitted();
  for (let y = 60; y < 100; y += 1) picture.pixels.fill(15, y * width + 80, y * width + 120);
  const runs = Array.from({ length: 20 }, (_, i) => ({ y: 30 + i, from: 40, to: 60 }));
  const box = { left: 40, top: 30, right: 60, bottom: 50, runs };
  const look = lookOf(picture, box, box, 2, null);
  assert.equal(look.level, 15);
  assert.ok(Math.abs(look.levelAround - 120) < 3);
  assert.ok((look.structure ?? 1) < 0.3);
});
