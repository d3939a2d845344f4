/** What one core draws: a camera of 512 × 512 wants 20 frames a second, with its machine beside it. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { tubeOf } from '../../../../simulators/cloth/geometry.ts';
import { createTubeEye, type KnitFault } from '../../../../simulators/cloth/tube-camera.ts';

test('a frame of 512 × 512 is drawn in 50 ms at most', () => {
  const eye = createTubeEye({
    seed: 1,
    tube: tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 }),
    camera: { widthPx: 512, heightPx: 512, pxPerMm: 9, needleZero: 0, direction: 1 },
    marginPx: 0,
    markNeedle: 0,
    tone: 0.7,
    unevenness: 1,
    shakeMm: 0.02,
  });
  const pixels = new Uint8Array(512 * 512);
  const faults: readonly KnitFault[] = [
    { kind: 'needle_line', needle: 10, fromHeight: 0, toHeight: Infinity, strength: 1 },
  ];
  const took: number[] = [];
  for (let i = 0; i < 40; i += 1) {
    const startedMs = performance.now();
    eye.take({ revolutions: i / 35, timeS: i / 20, number: i, faults, trouble: null }, pixels);
    took.push(performance.now() - startedMs);
  }
  took.sort((a, b) => a - b);
  assert.ok((took[20] ?? 0) <= 50, `${(took[20] ?? 0).toFixed(1)} ms in the middle of 40 frames`);
});
