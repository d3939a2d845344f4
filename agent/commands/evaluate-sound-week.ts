/**
 * Healthy weeks of the trials, heard as a gateway hears them: its gate, its samples, its evidence (`agent/senses/ear/hearing.ts`), and a round of
 * both branches a minute (`agent/senses/ear/rounds.ts`). Each article's speed is enrolled from the day before.
 */
import type { Graph } from '../../models/graph.ts';
import { enrolWithLeft, type Heard } from '../../models/voiceprint/ear.ts';
import { observe, sampleOf, type FaultSample, type Observed } from '../../models/voiceprint/fault-ear.ts';
import { enrolFaultsWithLeft } from '../../models/voiceprint/fault-print.ts';
import { suspect } from '../../models/voiceprint/faults.ts';
import { bandsHeard, hopSamples, modelRateHz } from '../../models/voiceprint/front-end.ts';
import { HallSum } from '../../models/voiceprint/hall.ts';
import { piecesASample, pooled } from '../../models/voiceprint/pool.ts';
import { roundEveryMs, roundsPrintOf } from '../../models/voiceprint/rounds.ts';
import type { Turner } from '../../models/voiceprint/turning.ts';
import { mean } from '../../models/statistics/metrics.ts';
import { leastTaught } from '../senses/ear/hall-memory.ts';
import { Hearing, type HearingTold, type OpenPiece, type SpeedPrint } from '../senses/ear/hearing.ts';
import { featuresOf, hopsAPiece } from '../senses/ear/listening.ts';
import { RoundPlan } from '../senses/ear/round-plan.ts';
import { Rounds, type RoundSpeed, type RoundTold } from '../senses/ear/rounds.ts';
import { Telling, type Path } from '../senses/ear/telling.ts';
import { readClip, readClips, readTruths, type ToldClip } from './evaluate-sound-data.ts';
import { turnerOf, type Graphs } from './evaluate-sound-judge.ts';
import type { HeardWeek } from './evaluate-sound-report.ts';

const hourMs = 3_600_000;
const pieceSamples = hopsAPiece * hopSamples;
const pieceMs = (1000 * pieceSamples) / modelRateHz;

interface HeardPiece {
  readonly piece: OpenPiece;
  readonly features: Float32Array;
}

/** @throws AgentError `fileUnreadable`, `usage`; ModelError `tooFewClips`, `modelUnusable` */
export async function heardWeeks(dir: string, graphs: Graphs): Promise<HeardWeek[]> {
  const trials = readClips(dir);
  const { clips: truths, days = 0, share = 0 } = readTruths(dir);
  const truthOf = new Map(truths.map((truth) => [truth.file, truth]));
  const weeks: HeardWeek[] = [];
  for (const machine of trials.machines) {
    const clips = (role: ToldClip['role']) =>
      trials.clips
        .filter((clip) => clip.machine === machine.id && clip.role === role)
        .map((clip) => {
          const { article = -1, atH = 0 } = truthOf.get(clip.file) ?? {};
          return { clip, article, fromMs: atH * hourMs };
        });
    const turner = turnerOf(machine);
    const { prints, rounds: speeds } = await taughtOf(dir, clips('enrol'), turner, graphs);
    const hearing = new Hearing(prints);
    const rounds = new RoundsOfAWeek(new Rounds(speeds, hearing.hall), turner, graphs.faults);
    // As the ear tells it: whichever way hears an occurrence first.
    const telling = new Telling();
    const alarms = { levels: 0, rounds: 0 };
    const tell = (path: Path, told: readonly HearingTold[]): void => {
      alarms[path] += telling.pass(path, told).filter(({ kind }) => kind === 'began').length;
    };
    for (const { clip, fromMs } of clips('judge')) {
      for (const { piece, features } of await heardIn(dir, clip, fromMs, hearing, graphs.levels)) {
        tell('levels', hearing.heard(piece, features).told);
        tell('rounds', await rounds.heard(piece, features));
      }
    }
    const { judged, speech, alarm, untaughtSpeed, dropped } = hearing.counts();
    const leftOut = speech + alarm + dropped + piecesASample * untaughtSpeed;
    const pieces = leftOut + piecesASample * judged;
    const machineDays = days * share;
    const falseAlarms = alarms.levels + alarms.rounds;
    weeks.push({
      machineDays,
      falseAlarms,
      roundFalseAlarms: alarms.rounds,
      judged,
      pieces,
      leftOut,
      ...rounds.figures(),
    });
  }
  return weeks;
}

const theOne = 'it';

/** Rounds of one machine, a minute apart, as its turn comes. */
class RoundsOfAWeek {
  readonly #plan = new RoundPlan({ everyMs: roundEveryMs, mostOpen: 1, mostWaiting: 1 });
  readonly #rounds: Rounds;
  readonly #turner: Turner;
  readonly #graph: Graph;

  constructor(rounds: Rounds, turner: Turner, graph: Graph) {
    this.#rounds = rounds;
    this.#turner = turner;
    this.#graph = graph;
  }

  async heard({ toMs, speed, samples }: OpenPiece, features: Float32Array): Promise<readonly RoundTold[]> {
    if (speed === 0 || !this.#rounds.accepts(speed) || !this.#plan.asks(theOne, toMs)) return [];
    const [observed = null] = await observe([{ pcm: samples, speed, marks: null }], this.#turner, this.#graph);
    this.#rounds.add({ atMs: toMs, speed, features }, observed);
    const told: RoundTold[] = [];
    for (const round of this.#rounds.take()) {
      this.#plan.done(theOne);
      const suspicion = await suspect(round.sample, round.against.faults, this.#turner, this.#graph);
      told.push(...this.#rounds.judge(round, suspicion));
    }
    return told;
  }

  figures(): Pick<HeardWeek, 'rounds' | 'roundsOtherHall'> {
    const { judged, otherHall } = this.#rounds.counts();
    return { rounds: judged, roundsOtherHall: otherHall };
  }
}

interface TimedClip {
  readonly clip: ToldClip;
  readonly article: number;
  readonly fromMs: number;
}

interface TaughtArticle {
  readonly clips: Heard[];
  /** Of each clip; null: branch B heard nothing. */
  readonly samples: (FaultSample | null)[];
  readonly speeds: number[];
  readonly hall: HallSum;
}

/** A sample a clip, as many as were asked for. */
async function taughtOf(
  dir: string,
  clips: readonly TimedClip[],
  turner: Turner,
  graphs: Graphs,
): Promise<{ readonly prints: readonly SpeedPrint[]; readonly rounds: readonly RoundSpeed[] }> {
  const hearing = new Hearing([]);
  const taught = new Map<number, TaughtArticle>();
  for (const { clip, article, fromMs } of clips) {
    const heard = await heardIn(dir, clip, fromMs, hearing, graphs.levels);
    const ran = heard.filter(({ piece }) => piece.speed > 0);
    const there = taught.get(article) ?? { clips: [], samples: [], speeds: [], hall: new HallSum() };
    taught.set(article, there);
    for (const { piece, features } of heard) if (piece.speed === 0) there.hall.add(features);
    const [first] = ran;
    if (first === undefined) continue;
    there.clips.push({
      windows: [pooled(ran.map(({ features }) => features))],
      bands: bandsHeard(first.piece.rateHz),
    });
    there.samples.push(await observedOf(ran, turner, graphs.faults));
    there.speeds.push(mean(ran.map(({ piece }) => piece.speed)));
  }
  const prints: SpeedPrint[] = [];
  const rounds: RoundSpeed[] = [];
  for (const one of taught.values()) {
    const others = [...taught.values()].flatMap((other) => (other === one ? [] : [other.clips]));
    const { print, left } = enrolWithLeft(one.clips, { others, hall: one.hall.mean(leastTaught) });
    const speed = mean(one.speeds);
    prints.push({ speed, print });
    const both = one.samples.flatMap((sample, at) =>
      sample === null ? [] : [{ sample, levels: ((left[at] ?? 0) - print.threshold) / print.spread }],
    );
    const faults = await enrolFaultsWithLeft(
      both.map(({ sample }) => sample),
      turner,
      graphs.faults,
    );
    const usual = roundsPrintOf(
      both.map(({ levels }, at) => ({ levels, ...(faults.left[at] ?? { orders: null, signs: null }) })),
    );
    if (usual !== null) rounds.push({ speed, levels: print, faults: faults.print, rounds: usual });
  }
  return { prints, rounds };
}

async function observedOf(ran: readonly HeardPiece[], turner: Turner, graph: Graph): Promise<FaultSample | null> {
  const pieces = ran.map(({ piece: { samples, speed } }) => ({ pcm: samples, speed, marks: null }));
  const observed: readonly Observed[] = (await observe(pieces, turner, graph)).flatMap((one) => one ?? []);
  return observed.length === 0 ? null : sampleOf(observed);
}

/** What of a clip, and of what waited before it, passes the gate. */
async function heardIn(
  dir: string,
  clip: ToldClip,
  fromMs: number,
  hearing: Hearing,
  graph: Graph,
): Promise<HeardPiece[]> {
  const { samples, rateHz } = readClip(dir, clip, false).sound;
  for (const { atS, speed } of clip.telemetry) {
    hearing.poll({ timeMs: fromMs + 1000 * atS, isRunning: speed > 0, speed });
  }
  for (let from = 0; from + pieceSamples <= samples.length; from += pieceSamples) {
    const atMs = fromMs + (1000 * from) / rateHz;
    const piece = samples.subarray(from, from + pieceSamples);
    hearing.offer({ fromMs: atMs, toMs: atMs + pieceMs, samples: piece, rateHz });
  }
  const open = hearing.take();
  const features = await featuresOf(open, graph);
  return open.flatMap((piece, at) => {
    const heard = features[at] ?? null;
    return heard === null ? [] : [{ piece, features: heard }];
  });
}
