/**
 * What a measurement is worth: the rows of a bench and how they are judged. Pure.
 *
 * Invariants (test/unit/bench/judge.test.ts):
 *  J1  A row passes only by the median of at least five runs, held against its limit.
 *  J2  A baseline under half of what it does on the reference machine, scaled by this machine's score, fails its row: then
 *      the measurement was disturbed, and a good ratio says nothing. Where the baseline is another work than the one whose figure the reference
 *      machine has, that very work is done beside it in every run, as its control, and judged in its place.
 *  J3  A row that could not be measured, wholly or in one of its runs, does not pass, and says why.
 *  J4  A delay over its limit holds where the same thing idle took so long in the same minutes that the machine explains it.
 */

/** What the reference machine does: sha256 over buffers of 1 MiB on one thread of Node, in MiB/s. */
export const referenceScore = 1320;
export const wantedRuns = 5;

/** What a row measures and what it must reach. */
export interface Bar {
  /** `bench:metric`. */
  readonly name: string;
  readonly unit: string;
  readonly direction: 'higher' | 'lower';
  /** What `limit` bounds: our figure or its ratio to the baseline. */
  readonly judged: 'ours' | 'ratio';
  readonly limit: number;
  /** The baseline is ours when idle, and ours holds up to so many times of it, whatever the limit says. */
  readonly orTimesIdle?: number;
  /** What the baseline, or the control of its runs, does on the reference machine, in `unit`; null where there is none. */
  readonly referenceBaseline: number | null;
}

/** One run; null where nothing could be measured. */
export interface Run {
  readonly ours: number | null;
  readonly baseline: number | null;
  /** What the reference figure is of, where the baseline is something else. */
  readonly control?: number;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly ours: number | null;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly limit: number;
  readonly judged: Bar['judged'];
  readonly direction: Bar['direction'];
  readonly runs: readonly Run[];
  readonly pass: boolean;
  /** Why the row does not pass; absent when it does. */
  readonly reason?: string;
}

/** The middle one; of an even number the mean of the two in the middle. Null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** Nearest-rank percentile, `share` in 0 … 1. Null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** The least a baseline must do on a machine of this score. */
export function leastBaseline(referenceBaseline: number, score: number): number {
  return (referenceBaseline / 2) * (score / referenceScore);
}

/** @param unmeasured why nothing, or not all, could be measured; null when all went well */
export function judge(bar: Bar, runs: readonly Run[], score: number, unmeasured: string | null = null): Row {
  const ours = median(runs.flatMap((run) => run.ours ?? []));
  const baseline = median(runs.flatMap((run) => run.baseline ?? []));
  const ratio = ours === null || baseline === null || baseline === 0 ? null : ours / baseline;
  const reason = unmeasured ?? whyNot(bar, { ours, baseline, ratio, runs }, score);
  return {
    name: bar.name,
    unit: bar.unit,
    ours: rounded(ours),
    baseline: rounded(baseline),
    ratio: rounded(ratio),
    limit: bar.limit,
    judged: bar.judged,
    direction: bar.direction,
    runs: runs.map(({ control, ...run }) => ({
      ours: rounded(run.ours),
      baseline: rounded(run.baseline),
      ...(control === undefined ? {} : { control: Math.round(control) }),
    })),
    pass: reason === null,
    ...(reason === null ? {} : { reason }),
  };
}

function whyNot(
  bar: Bar,
  { ours, baseline, ratio, runs }: Pick<Row, 'ours' | 'baseline' | 'ratio' | 'runs'>,
  score: number,
) {
  const complete = runs.filter((run) => run.ours !== null && (bar.judged === 'ours' || run.baseline !== null));
  if (complete.length < runs.length) return `${runs.length - complete.length} of ${runs.length} runs measured nothing`;
  if (runs.length < wantedRuns) return `${runs.length} of ${wantedRuns} runs`;
  const control = median(runs.flatMap((run) => run.control ?? []));
  const sign = control ?? baseline;
  if (bar.referenceBaseline !== null && sign !== null) {
    const what = control === null ? 'the baseline' : 'its control';
    const least = leastBaseline(bar.referenceBaseline, score);
    // Of what is better when lower no machine makes a baseline better: it is bytes.
    const isWorse = bar.direction === 'lower' ? sign > 2 * bar.referenceBaseline : sign < least;
    if (isWorse && bar.direction === 'lower')
      return `${what} took ${short(sign)} where it should take ${short(bar.referenceBaseline)}: disturbed`;
    if (isWorse) return `${what} did ${short(sign)} where this machine should do ${short(least)}: disturbed`;
  }
  const figure = bar.judged === 'ours' ? ours : ratio;
  if (figure === null) return 'not measured';
  const holds = bar.direction === 'higher' ? figure >= bar.limit : figure <= bar.limit;
  if (bar.orTimesIdle !== undefined && ratio !== null && ratio <= bar.orTimesIdle) return null;
  return holds ? null : `${short(figure)} is ${bar.direction === 'higher' ? 'below' : 'above'} ${bar.limit}`;
}

const rounded = (value: number | null) => (value === null ? null : Number(value.toPrecision(6)));
const short = (value: number) => String(Number(value.toPrecision(4)));
