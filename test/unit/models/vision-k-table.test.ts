/** The table of k in docs/EYE.md is what the code reckons for the machine it names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  meanPlace,
  nameNeedle,
  needleAt,
  type PlaceSums,
  tubeGeometrySchema,
  withPlace,
} from '../../../models/vision/position.ts';
import { turnFromEncoder, turnFromTelemetry } from '../../../models/vision/counted-turns.ts';
import { noMarks, type Turn, turnFromIndex, withPulse } from '../../../models/vision/turns.ts';
import { repository } from '../../check/files.ts';

/** One feeder: the limit is 60 then, so that the table can show what lies between. */
const geometry = tubeGeometrySchema.parse({
  needles: 2639,
  feeders: 1,
  circumferenceMm: 2030,
  mmPerPx: 0.14,
  referenceColumnPx: 256,
  referenceRowPx: 256,
  direction: 1,
  columns: 1,
  zeroNeedle: 1,
  zeroError: 0.5,
  advanceMm: 53.333,
});
const revolutionMs = 60_000 / 35;
const marks = [0, 1, 2, 3, 4].reduce((all, i) => withPulse(all, i * revolutionMs, 500), noMarks);

/** In the middle between two pulses, where speed counts most. */
function index(frameJitterMs: number, offsetMs = 0, speedCycle = 0): Turn | null {
  const timing = {
    frameJitterMs,
    pulseJitterMs: 0.1,
    offsetMs,
    driftPpm: 0,
    sinceZeroMs: 0,
    speedSpread: 0.001,
    speedCycle,
  };
  return turnFromIndex(marks, 1.5 * revolutionMs, timing);
}
const encoder = (countsPerTurn: number, errorCounts: number): Turn =>
  turnFromEncoder(10, 35 / 60, { countsPerTurn, wrapsAt: 65_536, latchJitterMs: 0.05, errorCounts });
function telemetry(): Turn | null {
  const readings = Array.from({ length: 26 }, (_, i) => {
    const timeMs = i * 100 + 50;
    return { timeMs, rpm: 35, revolutions: Math.floor(timeMs / revolutionMs) };
  });
  return turnFromTelemetry(readings, 2500, { jitterMs: 2, offsetMs: 5, speedError: 0.002, oldestMs: 500 });
}

const rows: readonly (readonly [string, Turn | null])[] = [
  ['index on the camera’s clock, frames ± 0.3 ms, pulses ± 0.1 ms', index(0.3)],
  ['the same, frames ± 1 ms', index(1)],
  ['the same, frames ± 3 ms', index(3)],
  ['index on another clock, at most 2 ms apart', index(0.3, 2)],
  ['index on another clock, at most 20 ms apart', index(0.3, 20)],
  ['index, speed changing by 0.5 % within each revolution', index(0.3, 0, 0.005)],
  ['encoder of 4096 counts in the frame, error 1 count', encoder(4096, 1)],
  ['encoder of 512 counts in the frame, error half a count', encoder(512, 0.5)],
  ['telemetry that counts revolutions, polled every 100 ms', telemetry()],
];

test('the page tells the k that is reckoned, row by row', () => {
  const page = readFileSync(join(repository, 'docs/EYE.md'), 'utf8').replaceAll("'", '’');
  for (const [name, turn] of rows) {
    assert.ok(turn);
    const ks = [1, 3, 10].map((revolutions) => {
      let sums: PlaceSums | null = null;
      for (let i = 0; i < revolutions; i += 1) sums = withPlace(sums, needleAt(geometry, turn, 256, 0.7), 2639);
      assert.ok(sums);
      const place = meanPlace(sums);
      const named = nameNeedle(place, geometry);
      return named.k ?? Math.ceil(2.58 * Math.hypot(place.randomSd, place.systematicSd) - 0.5);
    });
    const row = `| ${name} | ${ks.join(' | ')} |`;
    assert.ok(page.includes(row), row);
  }
});
