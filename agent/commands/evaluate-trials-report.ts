/** The figures of `selvedge evaluate vision --simulated`. Pure. */
import type { EyeFinding } from '../senses/eye/looking.ts';
import { apart, type LineOutcome } from './evaluate-trials-watch.ts';
import { positions, type PositionKind } from './evaluate-trials-data.ts';

/** What was judged of one needle line. */
export interface JudgedLine {
  readonly lot: string;
  readonly generator: string;
  readonly position: PositionKind;
  readonly needles: number;
  readonly truth: number;
  readonly strength: number | null;
  readonly line: LineOutcome['line'];
}

/** Added up over all parts. */
export interface Tally {
  readonly lines: JudgedLine[];
  /** Findings of what is not there; of no lot: on a roll. */
  readonly strays: { readonly lot: string | null; readonly id: string; readonly finding: EyeFinding }[];
  readonly metreErrorsMm: number[];
  readonly generators: Set<string>;
  /** Who drew each lot with lines, and how much cloth of it was looked at. */
  readonly cloths: Map<string, { readonly generator: string; readonly mm: number }>;
  lots: number;
  holesMissed: number;
  toldAgain: number;
  /** Who drew the rolls, and how long they were together; null: there were none. */
  roll: { readonly generator: string; readonly mm: number } | null;
}

/** What the rolls are called among the lots. */
const rollLot = 'roll';

export const emptyTally = (): Tally => ({
  lines: [],
  strays: [],
  metreErrorsMm: [],
  generators: new Set(),
  cloths: new Map(),
  lots: 0,
  holesMissed: 0,
  toldAgain: 0,
  roll: null,
});

interface KindFigures {
  readonly trials: number;
  readonly missed: number;
  readonly named: number;
  /** Of the named ones. */
  readonly withinK: number;
  readonly namedWithK2: number;
  readonly mostK: number | null;
}

export interface TrialsReport {
  readonly needles: readonly {
    readonly position: PositionKind;
    readonly truth: number;
    readonly named: number | null;
    readonly k: number | null;
    readonly revolutions: number | null;
    readonly strength: number | null;
    readonly class: string | null;
    readonly generator: string;
  }[];
  readonly missed: number;
  /** Lines told more than once, as if there were two. */
  readonly toldAgain: number;
  readonly falsePer100m: number;
  readonly falseUpper95Per100m: number;
  /** In all cloth that went by, that of the rolls with it. */
  readonly falseCount: number;
  /** The first hundred. */
  readonly falseFindings: readonly { readonly trial: string; readonly class: string; readonly shape: string }[];
  /**
   * Every machine and cloth by itself, which differ more than trials of one do, and last the rolls of all, under `roll`. They add up to
   * the figures of the whole. Of a roll few pictures are drawn, so what it has is none of the cloth that went by.
   */
  readonly byLot: readonly {
    readonly lot: string;
    readonly generator: string;
    readonly lines: number;
    readonly missed: number;
    readonly falseFindings: number;
    readonly clothM: number;
  }[];
  readonly clothM: number;
  readonly metreErrorMm: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly max: number | null;
    readonly places: number;
    readonly missed: number;
    readonly rollM: number;
  };
  readonly kinds: Readonly<Record<PositionKind, KindFigures>>;
  readonly lots: number;
  readonly generator: string;
  readonly seed: number | null;
  readonly trials: number;
  readonly simulated: true;
}

export function reportOf(
  tally: Tally,
  { seed, trials }: { readonly seed: number | null; readonly trials: number },
): TrialsReport {
  const { lines, strays, metreErrorsMm } = tally;
  const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;
  const clothM = [...tally.cloths.values()].reduce((sum, { mm }) => sum + mm, 0) / 1000;
  const per100m = (count: number) => (clothM === 0 ? 0 : round((100 * count) / clothM, 3));
  const quantileOf = (share: number) => (metreErrorsMm.length === 0 ? null : round(quantile(metreErrorsMm, share), 2));
  const strayIn = (lot: string | null) => strays.filter((stray) => stray.lot === lot).length;
  const lots = [...tally.cloths].map(([lot, { generator, mm }]) => {
    const own = lines.filter((line) => line.lot === lot);
    const missed = own.filter(({ line }) => line === null).length;
    const clothM = round(mm / 1000, 1);
    return { lot, generator, lines: own.length, missed, falseFindings: strayIn(lot), clothM };
  });
  const { roll } = tally;
  const rolls =
    roll === null
      ? []
      : [{ lot: rollLot, generator: roll.generator, lines: 0, missed: 0, falseFindings: strayIn(null), clothM: 0 }];
  return {
    needles: lines.map(({ position, truth, strength, line, generator }) => ({
      position,
      truth,
      named: line?.finding.needle ?? null,
      k: line?.finding.k ?? null,
      revolutions: line === null ? null : round(line.revolutions, 2),
      strength: strength === null ? null : round(strength, 2),
      class: line?.finding.class ?? null,
      generator,
    })),
    missed: lines.filter(({ line }) => line === null).length,
    toldAgain: tally.toldAgain,
    falsePer100m: per100m(strays.length),
    falseUpper95Per100m: per100m(upperOf(strays.length)),
    falseCount: strays.length,
    falseFindings: strays.slice(0, 100).map(({ lot, id, finding }) => ({
      trial: `${lot ?? rollLot}/${id}`,
      class: finding.class,
      shape: finding.shape,
    })),
    byLot: [...lots, ...rolls],
    clothM: round(clothM, 1),
    metreErrorMm: {
      p50: quantileOf(0.5),
      p95: quantileOf(0.95),
      max: quantileOf(1),
      places: metreErrorsMm.length,
      missed: tally.holesMissed,
      rollM: round((roll?.mm ?? 0) / 1000, 1),
    },
    kinds: {
      index: kindOf(lines.filter(({ position }) => position === 'index')),
      encoder: kindOf(lines.filter(({ position }) => position === 'encoder')),
      telemetry: kindOf(lines.filter(({ position }) => position === 'telemetry')),
    },
    lots: tally.lots,
    generator: [...tally.generators].join(','),
    seed,
    trials,
    simulated: true,
  };
}

function kindOf(lines: readonly JudgedLine[]): KindFigures {
  const named = lines.flatMap(({ truth, needles, line }) => {
    const { needle = null, k = null } = line?.finding ?? {};
    return needle === null || k === null ? [] : [{ off: apart(needle, truth, needles), k }];
  });
  return {
    trials: lines.length,
    missed: lines.filter(({ line }) => line === null).length,
    named: named.length,
    withinK: named.filter(({ off, k }) => off <= k).length,
    namedWithK2: named.filter(({ k }) => k <= 2).length,
    mostK: named.length === 0 ? null : Math.max(...named.map(({ k }) => k)),
  };
}

/** Nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Upper bound of the mean of a count that came out so, at 95 % (Poisson, one-sided), by halving. */
export function upperOf(count: number): number {
  const below = (mean: number): number => {
    let [term, sum] = [Math.exp(-mean), 0];
    for (let n = 0; n <= count; n += 1) {
      sum += term;
      term *= mean / (n + 1);
    }
    return sum;
  };
  let [low, high] = [count, count + 10 + 4 * Math.sqrt(count + 1)];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (below(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

const percent = (part: number, of: number) => (of === 0 ? '–' : `${((100 * part) / of).toFixed(1)} %`);

/** For people. */
export function tableOf(report: TrialsReport): string {
  const { kinds, metreErrorMm: metres } = report;
  const lines = positions.map((name) => {
    const { trials, missed, named, withinK, namedWithK2, mostK } = kinds[name];
    return [
      name.padEnd(10),
      String(trials).padStart(6),
      String(missed).padStart(7),
      percent(named, trials).padStart(9),
      percent(withinK, named).padStart(10),
      percent(namedWithK2, trials).padStart(11),
      String(mostK ?? '–').padStart(7),
    ].join(' ');
  });
  return [
    'position    lines  missed     named   within k  with k ≤ 2  most k',
    ...lines,
    `false findings: ${report.falseCount} in ${report.clothM} m, ${report.falsePer100m} in 100 m (at most ${report.falseUpper95Per100m}, 95 %)`,
    `metres: p95 ${metres.p95 ?? '–'} mm off at ${metres.places} places of ${metres.rollM} m of roll, ${metres.missed} not found`,
    ...report.byLot.map((one) =>
      one.lot === rollLot && one.clothM === 0
        ? `${rollLot} by ${one.generator}: ${one.falseFindings} false findings in ${metres.rollM} m of roll, few of whose pictures are drawn`
        : `${one.lot} by ${one.generator}: ${one.missed} of ${one.lines} lines missed, ${one.falseFindings} false findings in ${one.clothM} m`,
    ),
    `generator ${report.generator}, ${report.lots} lots; simulated cloth`,
    '',
  ].join('\n');
}
