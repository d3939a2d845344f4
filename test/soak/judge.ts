/**
 * Does memory grow with what the agent has read? Pure.
 *
 * Invariants (test/unit/soak/judge.test.ts):
 *  J1  The slope is Theil and Sen's: the median of the slopes between all pairs, so that no single sample decides.
 *  J2  What is judged is the upper end of its 95 % interval (Sen 1968, by the variance of Kendall's S): a run that is too short or too
 *      noisy to tell cannot pass.
 *  J3  A run passes only if memory, resident memory and handles all pass, and samples were taken to the end.
 */

export interface Sample {
  /** Seconds since the agent was started. */
  readonly atS: number;
  /** Readings the pipeline has taken since then. */
  readonly readings: number;
  /** heapUsed + external + arrayBuffers after two full collections, bytes. */
  readonly heldBytes: number;
  /** The parts of it, to see what grows. */
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly arrayBuffersBytes: number;
  readonly rssMB: number;
  /** Open resources of the event loop but timers, which come and go with every poll. */
  readonly handles: number;
  /** Open file descriptors of the process. */
  readonly files: number;
  /** Worst delays of the event loop since the sample before, its own collections left out, ms. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

export interface Slope {
  readonly estimate: number;
  readonly upper95: number;
}

export interface Verdict {
  readonly slopeKiBPerMillion: Slope;
  readonly limit: number;
  readonly rss: { readonly firstThirdMB: number; readonly lastThirdMB: number; readonly limitMB: number };
  readonly handles: { readonly first: number; readonly last: number };
  readonly files: { readonly first: number; readonly last: number };
  readonly pass: boolean;
  /** What did not pass, for a person. */
  readonly failures: readonly string[];
}

const limitKiBPerMillion = 64;
const rssGrowthMB = 8;
/** A machine that reconnects while a third is sampled may move its median by one. */
const handleSlack = 1;
const leastSamples = 20;
/** Two-sided, so that the upper end is the stricter one. */
const normal95 = 1.96;

/** Theil–Sen slope of y over x with the upper end of its 95 % interval. NaN with fewer than three different x. */
export function theilSen(points: readonly { readonly x: number; readonly y: number }[]): Slope {
  const slopes: number[] = [];
  for (const [i, one] of points.entries()) {
    for (const other of points.slice(i + 1)) {
      if (other.x !== one.x) slopes.push((other.y - one.y) / (other.x - one.x));
    }
  }
  if (slopes.length < 3) return { estimate: Number.NaN, upper95: Number.NaN };
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = normal95 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  // Rank of the upper end, counted from 1: (N + C) / 2 + 1, or the steepest of all where there are too few.
  const rank = Math.min(slopes.length, Math.ceil((slopes.length + spread) / 2) + 1);
  return { estimate: median(slopes), upper95: slopes[rank - 1] ?? Number.NaN };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `samples` are those after the warm-up, in the order they were taken. */
export function judge(samples: readonly Sample[]): Verdict {
  const slope = theilSen(samples.map(({ readings, heldBytes }) => ({ x: readings / 1e6, y: heldBytes / 1024 })));
  const third = Math.floor(samples.length / 3);
  const first = samples.slice(0, third);
  const last = third === 0 ? [] : samples.slice(-third);
  const ends = (of: (sample: Sample) => number) => ({ first: median(first.map(of)), last: median(last.map(of)) });
  const rssOf = ends((sample) => sample.rssMB);
  const rss = { firstThirdMB: rssOf.first, lastThirdMB: rssOf.last, limitMB: rssOf.first + rssGrowthMB };
  const handles = ends((sample) => sample.handles);
  const files = ends((sample) => sample.files);
  const failures = [
    ...(samples.length >= leastSamples ? [] : [`${samples.length} samples are too few to judge`]),
    ...(slope.upper95 <= limitKiBPerMillion
      ? []
      : [`memory may grow by ${slope.upper95.toFixed(1)} KiB per million readings; ${limitKiBPerMillion} are allowed`]),
    ...(rss.lastThirdMB <= rss.limitMB
      ? []
      : [
          `resident memory of the last third is ${rss.lastThirdMB.toFixed(1)} MB; ${rss.limitMB.toFixed(1)} are allowed`,
        ]),
    ...(handles.last <= handles.first + handleSlack ? [] : [`handles grew from ${handles.first} to ${handles.last}`]),
    ...(files.last <= files.first + handleSlack ? [] : [`open files grew from ${files.first} to ${files.last}`]),
  ];
  return {
    slopeKiBPerMillion: slope,
    limit: limitKiBPerMillion,
    rss,
    handles,
    files,
    pass: failures.length === 0,
    failures,
  };
}
