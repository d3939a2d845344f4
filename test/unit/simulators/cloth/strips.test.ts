import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createStripMaker } from '../../../../simulators/cloth/strips.ts';
import { classesOf, cloths, type Cloth, type Fabric } from '../../../../simulators/dataset/fabric.ts';
import type { Strip } from '../../../../simulators/dataset/strip.ts';

/** A quarter of what is written to disk: every class is drawn here. */
const width = 1024;
const height = 256;
const makerOf = (fabric: Fabric, seed: number) => createStripMaker(fabric, seed, { widthPx: width, heightPx: height });

function fabricOf(cloth: Cloth, more: Partial<Fabric> = {}): Fabric {
  return {
    id: cloth,
    cloth,
    pxPerMm: cloth === 'seam' ? 20 : 9,
    tone: 0.7,
    unevenness: 1,
    diameterInch: 30,
    gauge: 28,
    feeders: 24,
    coursesPerCm: 18,
    endsPerCm: 16,
    picksPerCm: 15,
    stitchMm: 2.5,
    edges: false,
    ...more,
  };
}
function count(mask: Uint8Array): number {
  let set = 0;
  for (const value of mask) if (value > 0) set += 1;
  return set;
}

test('S1 the same fabric, seed and number give the same bytes; another number or seed gives another strip', () => {
  for (const cloth of cloths) {
    const fabric = fabricOf(cloth);
    const one = makerOf(fabric, 3)(5, null);
    const make = makerOf(fabric, 3);
    // What was drawn before has no say.
    make(9, classesOf[cloth][0]);
    assert.deepEqual(make(5, null).pixels, one.pixels, cloth);
    assert.notDeepEqual(make(6, null).pixels, one.pixels, cloth);
    assert.notDeepEqual(makerOf(fabric, 4)(5, null).pixels, one.pixels, cloth);
  }
});

/** Mean of what is on and beside a pixel, 5 × 5: the camera's noise is another one in each of two exposures. */
function smooth(pixels: Uint8Array, x: number, y: number): number {
  let sum = 0;
  let n = 0;
  for (let dy = -2; dy <= 2; dy += 1) {
    for (let dx = -2; dx <= 2; dx += 1) {
      const at = pixels[(y + dy) * width + x + dx];
      if (x + dx < 0 || x + dx >= width || at === undefined) continue;
      sum += at;
      n += 1;
    }
  }
  return sum / n;
}

/** Whether anything is set within `reach` pixels. */
function near(set: Uint8Array, x: number, y: number, reach: number): boolean {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) if ((set[(y + dy) * width + x + dx] ?? 0) > 0) return true;
  }
  return false;
}

test('S2 the mask is where the strip differs from the same strip without its defect, for every class', () => {
  for (const cloth of cloths) {
    const make = makerOf(fabricOf(cloth), 11);
    for (const [i, wanted] of classesOf[cloth].entries()) {
      const number = 40 + i;
      const good = make(number, null);
      const bad = make(number, wanted);
      const mask = bad.mask;
      assert.ok(mask !== null && good.mask === null);
      assert.ok(count(mask) >= 40, `${cloth} ${wanted}: ${count(mask)} px`);
      const differs = good.pixels.map((value, i) => (Math.abs(value - (bad.pixels[i] ?? 0)) >= 3 ? 1 : 0));
      let on = 0;
      let n = 0;
      for (let y = 2; y < height - 2; y += 1) {
        for (let x = 2; x < width - 2; x += 1) {
          const at = y * width + x;
          if (mask[at] === 0) {
            // Both exposures draw the same noise, so what is left outside is a difference below it, and rounding.
            const away = Math.abs((good.pixels[at] ?? 0) - (bad.pixels[at] ?? 0));
            if (away > 7) assert.fail(`${cloth} ${wanted}: ${away} at ${x}, ${y}, outside the mask`);
          } else {
            if (!near(differs, x, y, 2)) assert.fail(`${cloth} ${wanted}: the mask at ${x}, ${y} is of nothing`);
            on += Math.abs(smooth(good.pixels, x, y) - smooth(bad.pixels, x, y));
            n += 1;
          }
        }
      }
      assert.ok(on / n > 3, `${cloth} ${wanted}: ${on / n} grey values on the mask`);
    }
  }
});

const inBox = (strip: Strip): boolean => {
  const box = strip.defects[0]?.box;
  if (box === undefined) return false;
  // All that is set is set inside.
  let inside = 0;
  for (let y = box.y; y < box.y + box.height; y += 1) {
    inside += count((strip.mask ?? new Uint8Array()).subarray(y * width + box.x, y * width + box.x + box.width));
  }
  return inside === count(strip.mask ?? new Uint8Array());
};

test('S3 the box holds the mask, and the needle of a line is the one whose wale is darkened', () => {
  const fabric = fabricOf('single-jersey');
  const make = makerOf(fabric, 5);
  for (const wanted of ['needle_line', 'ladder', 'hole', 'barre'] as const) {
    for (let number = 0; number < 3; number += 1) assert.ok(inBox(make(number, wanted)), `${wanted} ${number}`);
  }
  // By hand: a wale is 10 / (28 / 2.54 / 0.85) mm = 0.7711 mm, 6.940 px at 9 px/mm; needle 0 is at the left end of the cloth.
  const waleMm = 0.771_071;
  for (let number = 0; number < 6; number += 1) {
    const strip = make(number, 'needle_line');
    const [defect] = strip.defects;
    assert.ok(defect !== undefined && defect.needle !== null);
    assert.equal(Math.floor(defect.mm.x / waleMm), defect.needle);
    // The line and its neighbours are three wales wide.
    assert.ok(Math.abs(defect.box.width - 3 * 6.94) < 4, `${defect.box.width} px wide`);
  }
});

test('a fabric with edges shows the table beside some strips, and no defect lies on it', () => {
  const make = makerOf(fabricOf('plain', { edges: true }), 8);
  let edged = 0;
  for (let number = 0; number < 9; number += 1) {
    const { cloth, defects } = make(number, 'hole');
    if (cloth.toPx - cloth.fromPx < width) edged += 1;
    const [defect] = defects;
    assert.ok(defect !== undefined && defect.box.x > cloth.fromPx && defect.box.x + defect.box.width < cloth.toPx);
  }
  assert.equal(edged, 3);
});
