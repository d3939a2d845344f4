/**
 * `npm run bench -- vision`: how fast the eye is. One thread, on strips of 4096 × 256 px and on a frame of 2048 × 1024, drawn here; the
 * time of the graph does not hang on what the picture shows. The baseline of the ratio is the bare `session.run` on the same strip,
 * in turns with ours.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultBlobOptions, findBlobs } from '../../models/vision/blobs.ts';
import { feedsFor, judge, teach } from '../../models/vision/eye.ts';
import type { Taught } from '../../models/vision/taught.ts';
import type { Grey } from '../../models/vision/grey.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { repository } from '../check/files.ts';
import { drawStrip } from '../unit/models/strips.ts';
import type { Bench, Measured } from './bench.ts';
import { median, type Run } from './judge.ts';
import { visionCrash } from './vision-crash.ts';

const strip = { width: 4096, height: 256 };
const frame = { width: 2048, height: 1024 };
const tilesOfStrip = 16;
const repeats = 15;

/** An inspection table: 30 m/min under a line camera of 8192 px at 0.25 mm a pixel, so 2000 lines a second. */
const webTilesPerS = (8192 / 256) * (30_000 / 60 / 0.25 / 256);

const tile = { name: 'vision:msPerTile', limit: 4 };
const overhead = { name: 'vision:overBareRun', limit: 1.25 };
const frames = { name: 'vision:framesPerS2048x1024', limit: 7.8 };
const webOne = { name: 'vision:web8kOf30mPerMin1Core', limit: 1 };
const webFour = { name: 'vision:web8kOf30mPerMin4Cores', limit: 4 };

export const vision: readonly Bench[] = [
  {
    bars: [
      { ...tile, unit: 'ms', direction: 'lower', judged: 'ours', referenceBaseline: null },
      { ...overhead, unit: 'ms', direction: 'lower', judged: 'ratio', referenceBaseline: null },
      { ...frames, unit: 'frames/s', direction: 'higher', judged: 'ours', referenceBaseline: null },
      { ...webOne, unit: 'webs', direction: 'higher', judged: 'ours', referenceBaseline: null },
      { ...webFour, unit: 'webs', direction: 'higher', judged: 'ours', referenceBaseline: null },
    ],
    measure: async ({ runs, say, signal }) => {
      const session = await openSession(readFileSync(join(repository, 'models/packages/fabric-anomaly/model.onnx')));
      try {
        say('  teaching a strip and a frame');
        const taughtStrip = await taughtBy(session, strip);
        const taughtFrame = await taughtBy(session, frame);
        const measured: Record<'tile' | 'overhead' | 'frames' | 'webOne' | 'webFour', Run[]> = {
          tile: [],
          overhead: [],
          frames: [],
          webOne: [],
          webFour: [],
        };
        for (let run = 0; run < runs && !signal.aborted; run += 1) {
          const { ours, bare } = await timed(session, taughtStrip, drawStrip({ ...strip, seed: 100 + run }));
          const whole = await timed(session, taughtFrame, drawStrip({ ...frame, seed: 200 + run }));
          const msPerTile = ours / tilesOfStrip;
          const webs = 1000 / msPerTile / webTilesPerS;
          measured.tile.push({ ours: msPerTile, baseline: bare / tilesOfStrip });
          measured.overhead.push({ ours: msPerTile, baseline: bare / tilesOfStrip });
          measured.frames.push({ ours: 1000 / whole.ours, baseline: 1000 / whole.bare });
          measured.webOne.push({ ours: webs, baseline: null });
          // Reckoned, not measured: strips have nothing to do with one another, so four processes do four times as many.
          measured.webFour.push({ ours: 4 * webs, baseline: null });
          say(`  run ${run + 1}: ${msPerTile.toFixed(2)} ms a tile, bare ${(bare / tilesOfStrip).toFixed(2)}`);
        }
        const row = (name: string, list: readonly Run[]): [string, Measured] => [
          name,
          { runs: list, unmeasured: null },
        ];
        return new Map([
          row(tile.name, measured.tile),
          row(overhead.name, measured.overhead),
          row(frames.name, measured.frames),
          row(webOne.name, measured.webOne),
          row(webFour.name, measured.webFour),
        ]);
      } finally {
        await session.close();
      }
    },
  },
  visionCrash,
];

function taughtBy(session: ModelSession, size: { readonly width: number; readonly height: number }): Promise<Taught> {
  return teach(
    Array.from({ length: 4 }, (_, seed) => drawStrip({ ...size, seed })),
    session,
  );
}

/** Median milliseconds from pixels to blobs, and of the graph alone, in turns. */
async function timed(session: ModelSession, taught: Taught, image: Grey): Promise<{ ours: number; bare: number }> {
  const ours: number[] = [];
  const bare: number[] = [];
  const feeds = feedsFor(image, taught);
  for (let i = 0; i < repeats; i += 1) {
    const beganMs = performance.now();
    const { map } = await judge(image, taught, session);
    findBlobs(map, { high: taught.threshold, low: taught.threshold / 2, ...defaultBlobOptions });
    const betweenMs = performance.now();
    await session.run(feeds, ['scores']);
    ours.push(betweenMs - beganMs);
    bare.push(performance.now() - betweenMs);
  }
  return { ours: median(ours) ?? Number.NaN, bare: median(bare) ?? Number.NaN };
}
