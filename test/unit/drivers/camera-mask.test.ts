import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { blankCovered, compileMask, parseMask, runsOf, type Mask } from '../../../drivers/camera/mask.ts';

const shown = (mask: Mask, width: number, height: number): string[] => {
  const covered = compileMask(mask, width, height) ?? new Uint8Array(width * height);
  return Array.from({ length: height }, (_, y) =>
    Array.from(covered.subarray(y * width, (y + 1) * width), (one) => (one === 1 ? '#' : '.')).join(''),
  );
};

test('a rectangle covers every pixel it touches', () => {
  assert.deepEqual(shown([{ x: 0.3, y: 0.25, width: 0.35, height: 0.5 }], 10, 4), [
    '..........',
    '...####...',
    '...####...',
    '..........',
  ]);
  assert.deepEqual(shown([{ x: 0.31, y: 0.3, width: 0.3, height: 0.4 }], 10, 4), [
    '..........',
    '...####...',
    '...####...',
    '..........',
  ]);
});

test('what overlaps, in either direction, is covered once and for all', () => {
  const there = [
    [0.1, 0.1],
    [0.9, 0.1],
    [0.9, 0.9],
    [0.1, 0.9],
  ] as [number, number][];
  const all = Array.from({ length: 8 }, () => '########');
  for (const points of [there, there.toReversed(), [...there, ...there]])
    assert.deepEqual(shown([{ points }, { points: there.toReversed() }], 8, 8), all);
});

test('covered pixels are blanked, the others are as they were', () => {
  const pixels = Uint8Array.from([1, 2, 3, 4]);
  blankCovered(pixels, runsOf(compileMask([{ x: 0, y: 0, width: 0.4, height: 1 }], 2, 2) ?? new Uint8Array(4)));
  assert.deepEqual([...pixels], [128, 2, 128, 4]);
});

test('the runs are the covered pixels, all of them and no other', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (bits) => {
      const pixels = new Uint8Array(bits.length);
      blankCovered(pixels, runsOf(Uint8Array.from(bits, Number)));
      assert.deepEqual(
        [...pixels],
        bits.map((bit) => (bit ? 128 : 0)),
      );
    }),
  );
});

test('no mask costs nothing', () => {
  assert.equal(compileMask([], 10, 10), null);
});

test('a mask that is not described rightly is refused', () => {
  const bad = [
    null,
    [{ x: -0.1, y: 0, width: 1, height: 1 }],
    [{ x: 0, y: 0, width: 100, height: 1 }],
    [
      {
        points: [
          [0, 0],
          [1, 1],
        ],
      },
    ],
    [{ x: 0 }],
    'all',
  ];
  for (const mask of bad) assert.throws(() => parseMask(mask), /DRV-503/);
});

type Point = readonly [number, number];
/** By winding angle, which shares nothing with rows and crossings. */
function isInside(points: readonly Point[], x: number, y: number): boolean {
  let angle = 0;
  for (const [at, [x1, y1]] of points.entries()) {
    const [x2, y2] = points[(at + 1) % points.length] ?? [x1, y1];
    const turn = Math.atan2((x1 - x) * (y2 - y) - (y1 - y) * (x2 - x), (x1 - x) * (x2 - x) + (y1 - y) * (y2 - y));
    angle += turn;
  }
  return Math.abs(angle) > Math.PI;
}

test('every pixel that any polygon touches anywhere is covered', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const [width, height] = [13, 9];
  fc.assert(
    fc.property(fc.array(fc.tuple(share, share), { minLength: 3, maxLength: 7 }), (points) => {
      const rows = shown([{ points }], width, height);
      const sized = points.map(([x, y]) => [x * width, y * height] as const);
      for (let sy = 0; sy < height * 5; sy += 1) {
        for (let sx = 0; sx < width * 5; sx += 1) {
          const [x, y] = [(sx + 0.5) / 5, (sy + 0.5) / 5];
          if (isInside(sized, x, y)) assert.equal(rows[Math.floor(y)]?.[Math.floor(x)], '#', `${x} ${y}`);
        }
      }
    }),
  );
});

test('a polygon covers nothing that it does not touch', () => {
  const points: [number, number][] = [
    [0, 0],
    [0.5, 0],
    [0, 0.5],
  ];
  const rows = ['####....', '###.....', '##......', '#.......', '........', '........', '........', '........'];
  assert.deepEqual(shown([{ points }], 8, 8), rows);
});
