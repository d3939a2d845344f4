/**
 * From a map of scores to blobs: what is connected above a low threshold and reaches a high one somewhere. Pure.
 *
 * A row is cut into runs of pixels above the low threshold; runs that touch those of the row above, corners included, are joined.
 * Memory goes by runs, not by pixels, and the number of runs is bounded: a map that is all noise cannot fill it.
 *
 * Invariants (test/unit/models/vision-blobs.test.ts):
 *  B1  Two pixels above the low threshold are in one blob exactly when a path of neighbours (8) above it joins them.
 *  B2  A blob has a pixel above the high threshold; every other one is left out without a count, as cloth.
 *  B3  What is left out although it reached the high threshold is counted: too small, beyond the number of blobs, beyond the runs.
 *  B4  A score that is no number belongs to no blob and is counted: the map is then not to be believed.
 */

/** A map of anomaly scores, row by row from the top left; one pixel of it may stand for several of the image. */
export interface ScoreMap {
  readonly width: number;
  readonly height: number;
  /** width × height. */
  readonly scores: Float32Array;
}

export interface BlobOptions {
  /** A blob must somewhere be strictly above this: the threshold that ships. */
  readonly high: number;
  /** It reaches as far as scores are strictly above this; at most `high`. */
  readonly low: number;
  /** Blobs of fewer pixels of the map are dropped and counted. */
  readonly leastPixels: number;
  /** So many blobs are kept, those with the highest peaks; the others are counted. */
  readonly most: number;
  /** So many runs are looked at. A map of cloth has some hundreds; one of pure noise as many as half its pixels. */
  readonly mostRuns: number;
}

export const defaultBlobOptions = { leastPixels: 2, most: 200, mostRuns: 65_536 } as const;

/** A stretch of pixels in one row; `to` lies just outside. */
export interface Run {
  readonly y: number;
  readonly from: number;
  readonly to: number;
}

/** All places are in pixels of the map; pixel (0, 0) has its middle at (0.5, 0.5). */
export interface Blob {
  readonly pixels: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Highest score, and the pixel it stands at (the first one, row by row). */
  readonly peak: number;
  readonly peakX: number;
  readonly peakY: number;
  /** Mean score over its pixels. */
  readonly mean: number;
  /** Middle, every pixel weighing its score above the low threshold: what names the wale. */
  readonly centreX: number;
  readonly centreY: number;
  /** Standard deviation of its pixels along its longest axis and across, px. A line of length L has L / √12 along. */
  readonly majorSd: number;
  readonly minorSd: number;
  /** Direction of the longest axis against the row, radians in (−π/2, π/2]; +π/4 goes down to the right. */
  readonly angle: number;
  /** Its pixels; the look of the cloth under the blob is measured on them. */
  readonly runs: readonly Run[];
}

export interface Blobs {
  /** By falling peak, then from the top left. */
  readonly blobs: readonly Blob[];
  readonly dropped: {
    /** Blobs that are smaller than `leastPixels`. */
    readonly small: number;
    /** Blobs beyond `most`. */
    readonly beyond: number;
    /** Pixels above the high threshold that no run was left for. */
    readonly pixels: number;
  };
  /** Pixels whose score is not a finite number. */
  readonly notNumbers: number;
}

/** Sums over the pixels of one run or one blob. */
interface Sums {
  n: number;
  score: number;
  x: number;
  y: number;
  xx: number;
  yy: number;
  xy: number;
  weight: number;
  weightX: number;
  weightY: number;
  peak: number;
  peakX: number;
  peakY: number;
  runs: Run[];
}

/** Cuts the map into runs, joins them and measures what comes out. Takes what the map has pixels, and some for the runs. */
export function findBlobs(map: ScoreMap, options: BlobOptions): Blobs {
  const low = Math.min(options.low, options.high);
  const { runs, parents, notNumbers, lostPixels } = joinedRuns(map, low, options);
  const sums = new Map<number, Sums>();
  for (let i = 0; i < runs.length; i += 1) {
    const run = runs[i];
    if (run === undefined) continue;
    const root = rootOf(parents, i);
    let sum = sums.get(root);
    if (sum === undefined) {
      sum = emptySums();
      sums.set(root, sum);
    }
    addRun(sum, run, map, low);
  }
  const hot = [...sums.values()].filter(({ peak }) => peak > options.high);
  const large = hot.filter(({ n }) => n >= options.leastPixels);
  const blobs = large.map(measured).sort((a, b) => b.peak - a.peak || a.top - b.top || a.left - b.left);
  return {
    blobs: blobs.slice(0, options.most),
    dropped: {
      small: hot.length - large.length,
      beyond: Math.max(blobs.length - options.most, 0),
      pixels: lostPixels,
    },
    notNumbers,
  };
}

/**
 * The part of a blob whose scores are above half its height over the low threshold. A score reaches some pixels over the edge of what
 * it found; the core does not, and tells shape and look better. It may be in pieces.
 */
export function coreOf(blob: Blob, map: ScoreMap, low: number): Blob {
  const half = Math.min(low + (blob.peak - low) / 2, blob.peak * (1 - 1e-6));
  const sums = emptySums();
  for (const { y, from, to } of blob.runs) {
    let start = -1;
    for (let x = from; x <= to; x += 1) {
      const isIn = x < to && (map.scores[y * map.width + x] ?? 0) > half;
      if (isIn && start < 0) start = x;
      if (isIn || start < 0) continue;
      addRun(sums, { y, from: start, to: x }, map, low);
      start = -1;
    }
  }
  return sums.n === 0 ? blob : measured(sums);
}

interface Joined {
  readonly runs: readonly Run[];
  /** Union-find over the runs: parent of each, a root is its own. */
  readonly parents: Int32Array;
  readonly notNumbers: number;
  readonly lostPixels: number;
}

function joinedRuns({ width, height, scores }: ScoreMap, low: number, { high, mostRuns }: BlobOptions): Joined {
  const runs: Run[] = [];
  const parents = new Int32Array(Math.min(mostRuns, Math.ceil(width / 2) * height));
  let notNumbers = 0;
  let lostPixels = 0;
  let above = 0; // first run of the row above
  let row = 0; // first run of this row
  for (let y = 0; y < height; y += 1) {
    above = row;
    row = runs.length;
    if (isQuiet(scores, y * width, (y + 1) * width, low)) continue;
    let from = -1;
    for (let x = 0; x <= width; x += 1) {
      const score = x < width ? (scores[y * width + x] ?? 0) : Number.NEGATIVE_INFINITY;
      if (x < width && !Number.isFinite(score)) notNumbers += 1;
      if (score > low && score < Number.POSITIVE_INFINITY) {
        if (from < 0) from = x;
        if (runs.length >= mostRuns && score > high) lostPixels += 1;
      } else if (from >= 0) {
        if (runs.length < mostRuns) {
          parents[runs.length] = runs.length;
          runs.push({ y, from, to: x });
        }
        from = -1;
      }
    }
    joinToRowAbove(runs, parents, above, row);
  }
  return { runs, parents, notNumbers, lostPixels };
}

/** Good cloth is most of what is seen: nothing above the threshold, and no score that is no number, which a sum would not survive. */
function isQuiet(scores: Float32Array, from: number, to: number, low: number): boolean {
  let sum = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let at = from; at < to; at += 1) {
    const score = scores[at] ?? 0;
    sum += score;
    if (score > most) most = score;
  }
  return most <= low && Number.isFinite(sum);
}

/** Both rows are in order of x, so one walk along them finds every pair that touches. */
function joinToRowAbove(runs: readonly Run[], parents: Int32Array, above: number, row: number): void {
  let i = above;
  let j = row;
  while (i < row && j < runs.length) {
    const upper = runs[i];
    const lower = runs[j];
    if (upper === undefined || lower === undefined) return;
    // A corner is enough: the runs touch when they overlap after one grows by a pixel on both sides.
    if (upper.y === lower.y - 1 && upper.from <= lower.to && lower.from <= upper.to) join(parents, i, j);
    if (upper.to < lower.to) i += 1;
    else j += 1;
  }
}

function rootOf(parents: Int32Array, at: number): number {
  let root = at;
  for (let parent = parents[root] ?? root; parent !== root; parent = parents[root] ?? root) root = parent;
  // Every node on the way hangs on the root from now on.
  for (let node = at; node !== root;) {
    const parent = parents[node] ?? root;
    parents[node] = root;
    node = parent;
  }
  return root;
}

/** The earlier run becomes the root, so that the order of the blobs does not hang on the order of joining. */
function join(parents: Int32Array, a: number, b: number): void {
  const rootA = rootOf(parents, a);
  const rootB = rootOf(parents, b);
  if (rootA < rootB) parents[rootB] = rootA;
  else parents[rootA] = rootB;
}

function emptySums(): Sums {
  const zero = { n: 0, score: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0, weight: 0, weightX: 0, weightY: 0 };
  return { ...zero, peak: Number.NEGATIVE_INFINITY, peakX: 0, peakY: 0, runs: [] };
}

function addRun(sums: Sums, run: Run, { width, scores }: ScoreMap, low: number): void {
  const y = run.y + 0.5;
  for (let column = run.from; column < run.to; column += 1) {
    const score = scores[run.y * width + column] ?? 0;
    const x = column + 0.5;
    const weight = score - low;
    sums.score += score;
    sums.x += x;
    sums.xx += x * x;
    sums.weight += weight;
    sums.weightX += weight * x;
    sums.weightY += weight * y;
    sums.xy += x * y;
    if (score > sums.peak) {
      sums.peak = score;
      sums.peakX = column;
      sums.peakY = run.y;
    }
  }
  const n = run.to - run.from;
  sums.n += n;
  sums.y += n * y;
  sums.yy += n * y * y;
  sums.runs.push(run);
}

function measured(sums: Sums): Blob {
  const { n, runs } = sums;
  const meanX = sums.x / n;
  const meanY = sums.y / n;
  // A pixel is a square, not a point: a twelfth of its area, so that a row of one pixel's height has a height.
  const varX = Math.max(sums.xx / n - meanX * meanX, 0) + 1 / 12;
  const varY = Math.max(sums.yy / n - meanY * meanY, 0) + 1 / 12;
  const cov = sums.xy / n - meanX * meanY;
  const middle = (varX + varY) / 2;
  const spread = Math.hypot((varX - varY) / 2, cov);
  let left = Number.POSITIVE_INFINITY;
  let right = 0;
  for (const run of runs) {
    left = Math.min(left, run.from);
    right = Math.max(right, run.to);
  }
  return {
    pixels: n,
    left,
    top: runs[0]?.y ?? 0,
    right,
    bottom: (runs.at(-1)?.y ?? 0) + 1,
    peak: sums.peak,
    peakX: sums.peakX,
    peakY: sums.peakY,
    mean: sums.score / n,
    centreX: sums.weight > 0 ? sums.weightX / sums.weight : meanX,
    centreY: sums.weight > 0 ? sums.weightY / sums.weight : meanY,
    majorSd: Math.sqrt(middle + spread),
    minorSd: Math.sqrt(Math.max(middle - spread, 0)),
    angle: spread === 0 ? 0 : Math.atan2(2 * cov, varX - varY) / 2,
    runs,
  };
}
