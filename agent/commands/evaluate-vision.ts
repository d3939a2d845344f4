/** `selvedge evaluate vision`: how good the eye that ships is, on cloth with known faults, drawn or real. */
import { closeSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultBlobOptions, findBlobs } from '../../models/vision/blobs.ts';
import { deviation, auroc, mean, PixelRanks, recallAtFalseShare, shareAbove } from '../../models/statistics/metrics.ts';
import { feedsFor, judge, leastImages, teach, type Judged } from '../../models/vision/eye.ts';
import type { Taught } from '../../models/vision/taught.ts';
import { splitBySeed } from '../../models/statistics/split.ts';
import { cellPx, leastClothShare, tilePx, tilesOf, type Tile } from '../../models/vision/tiles.ts';
import { ModelError } from '../../models/errors.ts';
import { openSession, type ModelSession } from '../../models/runtime.ts';
import { AgentError, agentErrors } from '../errors.ts';
import { evaluateTrials } from './evaluate-trials.ts';
import { tableOf as trialsTable } from './evaluate-trials-report.ts';
import { fabricsIn, loadDefect, loadGood, type FabricFiles, type Strip } from './evaluate-data.ts';
import { openScores, wholeOf } from './evaluate-options.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge evaluate vision --data DIR [--seeds N] [--fabrics A,B] [--scores FILE] [--json FILE]
       selvedge evaluate vision --simulated [--seed N] [--trials N] [--generator a|b] [--data DIR] [--json FILE]

Measures the eye that ships: teaches it some good strips of each fabric, drawn by a seed, scores the others and all strips with faults,
and says how well the scores tell them apart. Reads files only; nothing that is installed or taught here is touched.

  --data DIR        a folder with good/, defect/ and mask/. The fabric of NAME_FABRIC.png is what follows the last _; the masks of a
                    defect strip are NAME_FABRIC_mask*.png, white where the fault is
  --seeds N         so many draws of the taught strips, 1 … 100; default 10. Seeds are 0 … N−1
  --fabrics A,B     these fabrics only
  --scores FILE     also write every score as a line of JSON: {seed, fabric, image, x, score, label, clothShare}
  --json FILE       also write {fabrics:[{fabric, seeds, goodTiles, defectTiles, tileAuroc, tileAurocSd, pixelAuroc,
                    recallAt1pctFpr, product:{recall, fpr}}], macro, msPerTile:{p50, p95}, msBare:{p50}, seeds}

Of each fabric 12 good strips are taught, fewer where there are not 16. Tiles are 256 × 256 px. A tile of a good strip counts when 90 % of
it are cloth, a tile of a defect strip when 8 px of it are masked, whatever else it shows; its others are left out. recallAt1pctFpr
is at the threshold that 1 % of all good tiles of all seeds pass; product is at the threshold that teaching itself set. msPerTile is
from decoded pixels to blobs on one thread, msBare the graph alone on the same strip, taken in turns.

--simulated: a camera before a simulated tube at 35 revolutions a minute, a needle of which wears out. The eye is taught by good cloth of
the same camera and gets what a gateway would get; which needle it names is held against the truth, as are the metres of holes on rolls
of 110 m. selvedge simulate draws the pictures meanwhile, into a folder that is removed. Figures about drawn cloth, never about real one.

  --seed N          which machines, needles, cloths and lights; default 1
  --trials N        needle lines for each kind of position, 1 … 1000; default 200. All of it takes some half an hour of two cores
  --generator a|b   who draws the lines; without it every fourth lot of twenty is b's, which takes its time, the others a's
  --data DIR        trials that selvedge simulate needle-trials --dataset DIR wrote before; with it none of the three above
  --json FILE       also write {needles:[{position, truth, named, k, revolutions, strength, class, generator}], missed, toldAgain,
                    falsePer100m, falseUpper95Per100m, falseCount, falseFindings, byLot, clothM, metreErrorMm:{p50, p95, max, places, missed, rollM}, kinds, lots,
                    generator, seed, trials, simulated: true}

named and k are what is told first: null where no needle is named. revolutions are those from the beginning of the line until then; more than
3 is missed, and null. byLot has a row for every machine and cloth, and one for the rolls, which add up to the figures of the whole. falsePer100m counts every finding but the one of the line, in all cloth that went by.

Exit code: 0 measured, 1 a fabric could not be measured or trials could not be drawn, 2 wrong usage or an image that cannot be used.
`;

/** Where the model that ships lies. */
const modelFile = fileURLToPath(new URL('../../models/packages/fabric-anomaly/model.onnx', import.meta.url));
const taughtStrips = 12;
/** A tile of a defect strip is one of the fault with so many masked pixels. */
const leastMaskPx = 8;
const falseShare = 0.01;

export interface FabricFigures {
  readonly fabric: string;
  readonly seeds: number;
  readonly goodTiles: number;
  readonly defectTiles: number;
  readonly tileAuroc: number;
  readonly tileAurocSd: number;
  readonly pixelAuroc: number;
  readonly recallAt1pctFpr: number;
  readonly product: { readonly recall: number; readonly fpr: number };
}

export async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: text,
      seeds: text,
      fabrics: text,
      scores: text,
      json: text,
      simulated: { type: 'boolean' },
      seed: text,
      trials: text,
      generator: text,
    },
  });
  if (values.simulated === true && positionals.join() === 'vision') return simulated(values);
  for (const word of ['seed', 'trials', 'generator'] as const) {
    if (values[word] !== undefined) throw new AgentError('usage', `--${word} goes with --simulated`);
  }
  if (positionals.join() !== 'vision' || values.data === undefined) {
    throw new AgentError('usage', 'evaluate takes the word vision and --data DIR or --simulated');
  }
  const seeds = wholeOf('--seeds', values.seeds ?? '10', 1, 100);
  const files = fabricsIn(values.data, values.fabrics?.split(',') ?? null);
  const session = await openSession(modelFile);
  const scores = values.scores === undefined ? null : openScores(values.scores);
  const times: Times = { perTile: [], bare: [] };
  const fabrics: FabricFigures[] = [];
  let unmeasured = 0;
  try {
    for (const one of files) {
      const figures = await evaluateFabric(one, seeds, session, times, scores);
      if (figures === null) unmeasured += 1;
      else fabrics.push(figures);
    }
  } finally {
    if (scores !== null) closeSync(scores);
    await session.close();
  }
  const report = reportOf(fabrics, times, seeds);
  process.stdout.write(tableOf(report));
  if (values.json !== undefined) writeJsonFile(values.json, report);
  return unmeasured > 0 || fabrics.length === 0 ? 1 : 0;
}

type Words = Readonly<
  Record<'data' | 'seeds' | 'fabrics' | 'scores' | 'json' | 'seed' | 'trials' | 'generator', string>
>;

/** Needle lines on a simulated tube. */
async function simulated(values: Partial<Words>): Promise<number> {
  for (const word of ['seeds', 'fabrics', 'scores'] as const) {
    if (values[word] !== undefined) throw new AgentError('usage', `--${word} does not go with --simulated`);
  }
  const { data = null, generator = null } = values;
  if (generator !== null && generator !== 'a' && generator !== 'b')
    throw new AgentError('usage', '--generator is a or b');
  if (data !== null && (values.seed ?? values.trials ?? values.generator) !== undefined) {
    throw new AgentError(
      'usage',
      '--data DIR are trials that were drawn: --seed, --trials and --generator do not go with it',
    );
  }
  const request = {
    seed: wholeOf('--seed', values.seed ?? '1', 0, 1_000_000),
    trials: wholeOf('--trials', values.trials ?? '200', 1, 1000),
    generator,
    data,
  } as const;
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const session = await openSession(modelFile);
  try {
    const report = await evaluateTrials(request, session, stopping.signal);
    if (stopping.signal.aborted) return 1;
    process.stdout.write(trialsTable(report));
    if (values.json !== undefined) writeJsonFile(values.json, report);
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError) || error.entry !== agentErrors.simulatorFailed) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
    await session.close();
  }
}

/** Milliseconds a tile, strip by strip. */
interface Times {
  readonly perTile: number[];
  readonly bare: number[];
}

/** Scores of all seeds of one fabric. */
interface Scored {
  readonly good: number[];
  readonly faults: number[];
  readonly areas: number[];
  readonly pixels: PixelRanks;
  goodAbove: number;
  faultsAbove: number;
  /** Tiles of the last seed; a fabric has as many with every seed, give or take the cloth of the held strips. */
  goodTiles: number;
  defectTiles: number;
}

async function evaluateFabric(
  files: FabricFiles,
  seeds: number,
  session: ModelSession,
  times: Times,
  scoresFile: number | null,
): Promise<FabricFigures | null> {
  const { fabric } = files;
  const good = await loadGood(files);
  const defect = await loadDefect(files);
  const count = Math.min(taughtStrips, good.length - Math.max(1, Math.floor(good.length / 4)));
  if (count < leastImages || defect.length === 0) {
    process.stderr.write(`${fabric}: ${good.length} good and ${defect.length} defect strips are too few\n`);
    return null;
  }
  const all: Scored = {
    good: [],
    faults: [],
    areas: [],
    pixels: new PixelRanks(),
    goodAbove: 0,
    faultsAbove: 0,
    goodTiles: 0,
    defectTiles: 0,
  };
  for (let seed = 0; seed < seeds; seed += 1) {
    const beganMs = performance.now();
    const { taught, held } = splitBySeed(good, count, seed);
    const learned = await teach(
      taught.map(({ image }) => image),
      session,
    );
    const goodScores: number[] = [];
    const faultScores: number[] = [];
    for (const strip of [...held, ...defect]) {
      const judged = await judgeTimed(strip, learned, session, times);
      for (const { tile, label } of countedTiles(strip, judged)) {
        (label === 1 ? faultScores : goodScores).push(tile.score);
        addPixels(all.pixels, strip, judged, tile);
        if (scoresFile === null) continue;
        const { x, score, clothShare } = tile;
        writeSync(scoresFile, `${JSON.stringify({ seed, fabric, image: strip.stem, x, score, label, clothShare })}\n`);
      }
    }
    all.good.push(...goodScores);
    all.faults.push(...faultScores);
    all.areas.push(auroc(faultScores, goodScores));
    all.goodAbove += shareAbove(goodScores, learned.threshold) * goodScores.length;
    all.faultsAbove += shareAbove(faultScores, learned.threshold) * faultScores.length;
    all.goodTiles = goodScores.length;
    all.defectTiles = faultScores.length;
    const tookS = ((performance.now() - beganMs) / 1000).toFixed(1);
    process.stderr.write(`${fabric} seed ${seed}: tile AUROC ${(all.areas.at(-1) ?? 0).toFixed(4)}, ${tookS} s\n`);
  }
  return {
    fabric,
    seeds,
    goodTiles: all.goodTiles,
    defectTiles: all.defectTiles,
    tileAuroc: mean(all.areas),
    tileAurocSd: deviation(all.areas),
    pixelAuroc: all.pixels.auroc(),
    recallAt1pctFpr: recallAtFalseShare(all.faults, all.good, falseShare).recall,
    product: { recall: all.faultsAbove / all.faults.length, fpr: all.goodAbove / all.good.length },
  };
}

/** One strip from pixels to blobs, and the graph alone beside it, on a clock. */
async function judgeTimed(strip: Strip, learned: Taught, session: ModelSession, times: Times): Promise<Judged | null> {
  const tiles = Math.floor(strip.image.width / tilePx) * Math.floor(strip.image.height / tilePx);
  try {
    const beganMs = performance.now();
    const judged = await judge(strip.image, learned, session);
    findBlobs(judged.map, { high: learned.threshold, low: learned.threshold / 2, ...defaultBlobOptions });
    times.perTile.push((performance.now() - beganMs) / tiles);
    const feeds = feedsFor(strip.image, learned);
    const bareMs = performance.now();
    await session.run(feeds, ['scores']);
    times.bare.push((performance.now() - bareMs) / tiles);
    return judged;
  } catch (error) {
    if (!(error instanceof ModelError) || error.entry.code !== 'MDL-200') throw error;
    // Its tiles with faults count, as missed.
    process.stderr.write(`${strip.stem}: ${error.message}\n`);
    return null;
  }
}

function countedTiles(strip: Strip, judged: Judged | null): { readonly tile: Tile; readonly label: 0 | 1 }[] {
  const { width, height } = strip.image;
  const blank = { width: Math.ceil(width / cellPx), height: Math.ceil(height / cellPx) };
  const map = judged?.map ?? { ...blank, scores: new Float32Array(blank.width * blank.height) };
  const tiles = tilesOf(map, judged?.cloth ?? { left: 0, top: 0, right: 0, bottom: 0 });
  const inside = tiles.filter(({ x, y }) => x + tilePx <= width && y + tilePx <= height);
  const { mask } = strip;
  return mask === null
    ? inside.filter(({ clothShare }) => clothShare >= leastClothShare).map((tile) => ({ tile, label: 0 }))
    : inside.filter((tile) => maskedPx(mask, width, tile) >= leastMaskPx).map((tile) => ({ tile, label: 1 }));
}

function maskedPx(mask: Uint8Array, width: number, { x, y }: Tile): number {
  let count = 0;
  for (let row = y; row < y + tilePx; row += 1) {
    for (let at = row * width + x; at < row * width + x + tilePx; at += 1) count += mask[at] ?? 0;
  }
  return count;
}

/** Every pixel has the score of its cell. */
function addPixels(ranks: PixelRanks, { image, mask }: Strip, judged: Judged | null, { x, y }: Tile): void {
  for (let top = y; top < y + tilePx; top += cellPx) {
    for (let left = x; left < x + tilePx; left += cellPx) {
      let faults = 0;
      if (mask !== null) {
        for (let row = top; row < top + cellPx; row += 1) {
          for (let column = left; column < left + cellPx; column += 1) faults += mask[row * image.width + column] ?? 0;
        }
      }
      const score = judged?.map.scores[(top / cellPx) * judged.map.width + left / cellPx] ?? 0;
      ranks.add(score, faults, cellPx * cellPx - faults);
    }
  }
}

interface Report {
  readonly fabrics: readonly FabricFigures[];
  readonly macro: Omit<FabricFigures, 'fabric' | 'seeds' | 'goodTiles' | 'defectTiles' | 'tileAurocSd'>;
  readonly msPerTile: { readonly p50: number; readonly p95: number };
  readonly msBare: { readonly p50: number };
  readonly seeds: number;
}

function reportOf(fabrics: readonly FabricFigures[], times: Times, seeds: number): Report {
  const over = (figure: (one: FabricFigures) => number) => mean(fabrics.map(figure));
  return {
    fabrics,
    macro: {
      tileAuroc: over((one) => one.tileAuroc),
      pixelAuroc: over((one) => one.pixelAuroc),
      recallAt1pctFpr: over((one) => one.recallAt1pctFpr),
      product: { recall: over((one) => one.product.recall), fpr: over((one) => one.product.fpr) },
    },
    msPerTile: { p50: quantile(times.perTile, 0.5), p95: quantile(times.perTile, 0.95) },
    msBare: { p50: quantile(times.bare, 0.5) },
    seeds,
  };
}

/** Nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function tableOf({ fabrics, macro, msPerTile, msBare }: Report): string {
  const cells = (name: string, one: Report['macro'], tiles: string) =>
    [
      name.padEnd(10),
      ...[one.tileAuroc, one.pixelAuroc, one.recallAt1pctFpr, one.product.recall, one.product.fpr].map((value) =>
        value.toFixed(3).padStart(11),
      ),
      tiles,
    ].join(' ');
  return [
    'fabric      tile AUROC pixel AUROC recall@1%   recall (ships) false (ships)  tiles good, fault',
    ...fabrics.map((one) => cells(one.fabric, one, `  ${one.goodTiles}, ${one.defectTiles}`)),
    cells('mean', macro, ''),
    `${msPerTile.p50.toFixed(2)} ms a tile (p95 ${msPerTile.p95.toFixed(2)}), the graph alone ${msBare.p50.toFixed(2)} ms`,
    '',
  ].join('\n');
}
