/**
 * A machine of the trials as the ear has it: enrolled by its normal clips as on a gateway, in pieces of half a second, and then judging
 * others: how odd a clip is, and which fault it may be.
 */
import type { Graph } from '../../models/graph.ts';
import { featuresOf, hopsAPiece } from '../senses/ear/listening.ts';
import { mean } from '../../models/statistics/metrics.ts';
import { enrol, scoreOf, type Voiceprint } from '../../models/voiceprint/ear.ts';
import { observe, sampleOf, type FaultSample } from '../../models/voiceprint/fault-ear.ts';
import { enrolFaults, type FaultPrint } from '../../models/voiceprint/fault-print.ts';
import { suspect } from '../../models/voiceprint/faults.ts';
import { bands, bandsHeard, hopSamples, modelRateHz } from '../../models/voiceprint/front-end.ts';
import { fusedScore } from '../../models/voiceprint/fused-score.ts';
import { pooled } from '../../models/voiceprint/pool.ts';
import type { Turner } from '../../models/voiceprint/turning.ts';
import type { Sound } from '../../models/voiceprint/wav.ts';
import { plainFeatures, plainScorer } from './evaluate-sound-baseline.ts';
import type { ToldClip, TrialMachine } from './evaluate-sound-data.ts';

export interface Graphs {
  /** Branch A: machine-voiceprint. */
  readonly levels: Graph;
  /** Branch B: machine-fault. */
  readonly faults: Graph;
}

const pieceSamples = hopsAPiece * hopSamples;
const pieceS = pieceSamples / modelRateHz;
/** As the gate has it: speeds of a piece within so much of their mean. */
const steadyShare = 0.03;
/** Polls tell of the last fifth of a second. */
const pollLateS = 0.2;

/** What was heard of a clip: nothing where the machine did not run steadily. */
export interface HeardClip {
  readonly levels: Float32Array;
  readonly orders: FaultSample | null;
  readonly plain: Float64Array;
}

export const turnerOf = ({ kind, cylinder }: TrialMachine): Turner =>
  kind === 'sewing' || cylinder === null
    ? { kind: 'sewing' }
    : { kind: 'knitting', needles: cylinder.needles, feeders: cylinder.feeders };

/** @throws ModelError `modelUnusable` */
export async function hearClip(
  { samples, rateHz }: Sound,
  { telemetry }: Pick<ToldClip, 'telemetry'>,
  turner: Turner,
  graphs: Graphs,
): Promise<HeardClip | null> {
  const pieces = [];
  for (let from = 0; from + pieceSamples <= samples.length; from += pieceSamples) {
    const [fromS, toS] = [from / rateHz, from / rateHz + pieceS];
    const speeds = telemetry.filter(({ atS }) => atS >= fromS && atS <= toS + pollLateS).map(({ speed }) => speed);
    const speed = mean(speeds);
    const isSteady = speed > 0 && speeds.every((one) => Math.abs(one - speed) <= steadyShare * speed);
    if (isSteady) pieces.push({ samples: samples.subarray(from, from + pieceSamples), speed });
  }
  if (pieces.length === 0) return null;
  const heard = await featuresOf(
    pieces.map((piece, at) => ({ fromMs: at, toMs: at, rateHz, samples: piece.samples })),
    graphs.levels,
  );
  const levels = heard.flatMap((one) => one ?? []);
  if (levels.length === 0) return null;
  const observed = await observe(
    pieces.map((piece) => ({ pcm: piece.samples, speed: piece.speed, marks: null })),
    turner,
    graphs.faults,
  );
  const orders = observed.flatMap((one) => one ?? []);
  return {
    levels: pooled(levels),
    orders: orders.length === 0 ? null : sampleOf(orders),
    plain: plainFeatures(pieces, turner),
  };
}

export interface Verdict {
  /** In spreads of the machine's own normal clips: all together, each alone, and the classical way. */
  readonly both: number;
  readonly levels: number;
  readonly orders: number;
  readonly plain: number;
  /** The likeliest fault. */
  readonly suspected: string | null;
}

export interface KnownMachine {
  readonly print: Voiceprint;
  readonly judge: (clip: HeardClip) => Promise<Verdict>;
}

/** @throws ModelError `tooFewClips`, `modelUnusable` */
export async function enrolMachine(
  clips: readonly HeardClip[],
  turner: Turner,
  rateHz: number,
  graphs: Graphs,
): Promise<KnownMachine> {
  const used = bandsHeard(rateHz);
  const clipOf = ({ levels }: HeardClip) => ({ windows: [levels], bands: Math.min(used, bands) });
  const print = enrol(clips.map(clipOf));
  const faults: FaultPrint = await enrolFaults(
    clips.flatMap(({ orders }) => orders ?? []),
    turner,
    graphs.faults,
  );
  const plain = plainScorer(clips.map((clip) => clip.plain));
  return {
    print,
    judge: async (clip) => {
      const levels = (scoreOf(clipOf(clip), print) - print.threshold) / print.spread;
      const found = clip.orders === null ? null : await suspect(clip.orders, faults, turner, graphs.faults);
      return {
        both: fusedScore({ levels, orders: found?.distance ?? null, signs: found?.signs ?? null }),
        levels,
        orders: found?.distance ?? 0,
        plain: plain(clip.plain),
        suspected: found?.faults[0]?.fault ?? null,
      };
    },
  };
}
