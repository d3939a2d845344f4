/**
 * `selvedge evaluate vision --simulated`: needle lines on a simulated tube, from pictures to named needles, and how often good cloth is
 * called a fault. The pictures are drawn by `selvedge simulate` in a process of its own, part by part, into a folder that is removed.
 */
import type { Graph } from '../../models/graph.ts';
import {
  positions,
  lotOf,
  readPictures,
  readTrial,
  readTruth,
  type PositionKind,
  type TrialsTruth,
} from './evaluate-trials-data.ts';
import { eyeFor, judgedLine, teachFrom, watchTrial, type Told } from './evaluate-trials-watch.ts';
import { judgeSimulated, type SimulatedPart } from './simulate-into.ts';
import { emptyTally, reportOf, type Tally, type TrialsReport } from './evaluate-trials-report.ts';

export interface TrialsRequest {
  readonly seed: number;
  /** Needle lines for each kind of position. */
  readonly trials: number;
  /** Who draws the lines; null: a and b, lot by lot. */
  readonly generator: 'a' | 'b' | null;
  /** Trials that were drawn before; null: they are drawn for this. */
  readonly data: string | null;
}

/** Trials of each kind of position on one machine and cloth: a lot. */
const trialsOfLot = 20;
/** Of so many lots one is drawn by generator b. */
const lotsOfOneB = 4;
/** A roll is as long as what errors of counting add up over. */
const rollMetres = 110;
const rollHoles = 24;

/** @throws AgentError `simulatorFailed`, and as the reading of trials does */
export async function evaluateTrials(request: TrialsRequest, graph: Graph, signal: AbortSignal): Promise<TrialsReport> {
  const { data } = request;
  const tally = emptyTally();
  if (data !== null) {
    await judgePart(data, graph, tally, signal);
    return reportOf(tally, { trials: tally.lines.length / positions.length, seed: null });
  }
  const parts = partsOf(request);
  await judgeSimulated(
    parts,
    async (dir, { name }) => {
      await judgePart(dir, graph, tally, signal);
      process.stderr.write(`${name}: ${tally.lines.length} lines judged\n`);
    },
    signal,
  );
  return reportOf(tally, request);
}

/** Every lot is another machine of the same kind: other needles, other cloth, another light. */
function partsOf({ seed, trials, generator }: TrialsRequest): SimulatedPart[] {
  const parts: SimulatedPart[] = [];
  const head = { version: 1, dataset: 'needle-trials' };
  for (let done = 0; done < trials; done += trialsOfLot) {
    const lot = parts.length;
    const share = (lot * 0.618) % 1;
    parts.push({
      name: `lot-${lot + 1}`,
      seed: seed * 1000 + lot,
      // b takes some twenty times as long to draw.
      generator: generator ?? (lot % lotsOfOneB === 0 ? 'b' : 'a'),
      scenario: {
        ...head,
        lot: `lot-${lot + 1}`,
        each: Math.min(trialsOfLot, trials - done),
        clean: 1,
        tone: 0.55 + 0.3 * share,
        unevenness: 0.8 + 0.4 * share,
      },
    });
  }
  const roll = {
    metres: trials < trialsOfLot ? (rollMetres * trials) / trialsOfLot : rollMetres,
    holes: Math.min(rollHoles, 2 + trials),
  };
  // A roll is for its metres: that of a will do.
  return [
    { generator: 'a' as const, name: 'roll', seed: seed * 1000 + 999, scenario: { ...head, each: 0, clean: 0, roll } },
    ...parts,
  ];
}

/** All trials and rolls of one folder. */
async function judgePart(dir: string, graph: Graph, tally: Tally, signal: AbortSignal): Promise<void> {
  const truth = readTruth(dir);
  const lot = lotOf(truth, dir);
  const shown = 'teach/telemetry-0000';
  const taught = await teachFrom(await readPictures(dir, shown, readTrial(dir, shown)), graph);
  tally.lots += 1;
  const trials = truth.trials.filter(({ holes }) => holes === undefined);
  if (trials.length > 0) tally.generators.add(truth.generator);
  for (const one of trials) {
    if (signal.aborted) return;
    const stem = `${one.position}/${one.id}`;
    const input = readTrial(dir, stem);
    const watching = eyeFor(input, taught, graph);
    const told = await watchTrial(watching, input, await readPictures(dir, stem, input));
    const outcome = judgedLine(told, input, one);
    const cloth = tally.cloths.get(lot) ?? { generator: truth.generator, mm: 0 };
    tally.cloths.set(lot, { ...cloth, mm: cloth.mm + one.clothMm });
    tally.toldAgain += outcome.again;
    tally.strays.push(...outcome.others.map((finding) => ({ lot, id: one.id, finding })));
    if (one.truthNeedle !== null) {
      tally.lines.push({
        lot,
        generator: truth.generator,
        position: one.position,
        needles: one.needles,
        truth: one.truthNeedle,
        strength: one.strength,
        line: outcome.line,
      });
    }
  }
  for (const position of positions) await judgeRoll(dir, truth, position, taught, graph, tally, signal);
}

/** A roll is seen by one eye from its first part to its last. */
async function judgeRoll(
  dir: string,
  { trials, generator }: TrialsTruth,
  position: PositionKind,
  taught: Awaited<ReturnType<typeof teachFrom>>,
  graph: Graph,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  let watching: ReturnType<typeof eyeFor> | null = null;
  for (const part of trials) {
    if (part.holes === undefined || part.position !== position || signal.aborted) continue;
    const stem = `roll/${part.id}`;
    const input = readTrial(dir, stem);
    watching ??= eyeFor(input, taught, graph);
    const told = await watchTrial(watching, input, await readPictures(dir, stem, input));
    tally.roll = { generator, mm: (tally.roll?.mm ?? 0) + part.clothMm };
    const found = told.filter(({ finding }) => finding.phase === 'found');
    const used = new Set<Told>();
    for (const hole of part.holes) {
      const times = hole.frames.map((frame) => input.frames[frame]?.capturedMs ?? NaN);
      // Whichever frame showed it first, perhaps at its edge.
      const own = found.find(
        (one) => !used.has(one) && times.some((ms) => Math.abs(ms - one.finding.firstMs) <= 1500 / input.camera.fps),
      );
      if (own === undefined) {
        tally.holesMissed += 1;
        continue;
      }
      used.add(own);
      const { rollFromMm, rollToMm } = own.finding;
      tally.metreErrorsMm.push(Math.abs((rollFromMm + rollToMm) / 2 - (hole.mm - part.zeroMm)));
    }
    for (const one of found) if (!used.has(one)) tally.strays.push({ lot: null, id: part.id, finding: one.finding });
  }
}
