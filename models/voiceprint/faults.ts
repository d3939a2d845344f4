/**
 * Branch B of the ear: which fault it may be. A sample is held against the machine's own normal samples; the graph, which learned on simulated
 * machines what faults do to such differences, says how likely each is. Names are hypotheses from physics (docs/models/voiceprint.md).
 *
 * Invariant (test/integration/voiceprint-faults.test.ts): on simulated machines that were not trained on it names strong faults, and
 * calls normal samples healthy.
 */
import type { Graph } from '../graph.ts';
import { mean } from '../statistics/metrics.ts';
import { angleOf, type FaultAngle } from './fault-angle.ts';
import { faultClasses, isFaultName, type FaultName } from './fault-classes.ts';
import { classesOf, decibelsOf, type FaultSample } from './fault-ear.ts';
import { leastShare, oddsOf, type FaultPrint } from './fault-print.ts';
import { signNumbersOf, signsOf, type Signs } from './fault-signs.ts';
import type { Turner } from './turning.ts';

export interface Suspicion {
  /** All faults of this kind of machine, the likeliest first; what is missing to 1 is healthy. */
  readonly faults: readonly { readonly fault: FaultName; readonly probability: number }[];
  readonly angle: FaultAngle | null;
  /** The log-odds that it is not healthy, in spreads above those of the machine's normal samples. */
  readonly distance: number;
  /** null of a knitting machine, and where they were not enrolled. */
  readonly signs: Signs | null;
}

/** @throws ModelError `modelUnusable` */
export async function suspect(
  sample: FaultSample,
  print: FaultPrint,
  turner: Turner,
  graph: Graph,
): Promise<Suspicion> {
  const [probabilities = new Float32Array(0)] = await classesOf(
    { samples: [sample.heard], against: [print] },
    turner,
    graph,
  );
  const faults = faultClasses[turner.kind]
    .map((fault, i) => ({ fault, probability: probabilities[i] ?? 0 }))
    .flatMap(({ fault, probability }) => (isFaultName(fault) ? [{ fault, probability }] : []))
    .toSorted((a, b) => b.probability - a.probability);
  return {
    faults,
    angle: angleOf(sample, print),
    distance: (oddsOf(probabilities) - print.odds.mean) / print.odds.spread,
    signs: print.signs === null ? null : signsOf(signNumbersOf(decibelsOf(sample.heard)), print.signs),
  };
}

/**
 * What several samples of one state of the machine say together: probabilities by the mean of their logarithms, the mean distance and signs, the
 * surest angle. null of none.
 */
export function together(several: readonly Suspicion[]): Suspicion | null {
  const [first] = several;
  if (first === undefined) return null;
  const logs = new Map<FaultName | 'healthy', number>();
  const add = (name: FaultName | 'healthy', probability: number) =>
    logs.set(name, (logs.get(name) ?? 0) + Math.log(Math.max(leastShare, probability)) / several.length);
  for (const { faults } of several) {
    for (const { fault, probability } of faults) add(fault, probability);
    add('healthy', 1 - faults.reduce((sum, { probability }) => sum + probability, 0));
  }
  const all = [...logs.values()].reduce((sum, log) => sum + Math.exp(log), 0);
  const angles = several.flatMap(({ angle }) => angle ?? []).toSorted((a, b) => a.k - b.k);
  const signs = several.flatMap((one) => one.signs ?? []);
  return {
    faults: first.faults
      .map(({ fault }) => ({ fault, probability: Math.exp(logs.get(fault) ?? 0) / all }))
      .toSorted((a, b) => b.probability - a.probability),
    angle: angles[0] ?? null,
    distance: mean(several.map(({ distance }) => distance)),
    signs:
      signs.length === 0
        ? null
        : { slip: mean(signs.map(({ slip }) => slip)), looseness: mean(signs.map(({ looseness }) => looseness)) },
  };
}
