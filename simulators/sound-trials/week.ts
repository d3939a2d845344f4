/**
 * A healthy week of one machine: what an ear must let pass. One shift a day; articles with speeds and cloths of their own; rolls that differ;
 * a hall that warms up and a machine that warms with it; hours in which the neighbours are loud. Of the time an ear would judge (steady
 * running, in pieces of a clip), a share is rendered, in whole stretches, since an ear weighs what follows each other; the week states how
 * much. Before each run of which something is rendered, where a run ends, and behind each clip to learn from, the machine is heard to stop and
 * stand: a gateway hears the hall then.
 *
 * Guess: the timetable. Invariants (test/unit/simulators/sound-trials/week.test.ts): the same plan gives the same week; a clip lies within
 * a run of the timetable; what is rendered is the share asked for, but for chance.
 */
import type { Clip, HeardMachine, Segment, Site } from '../dataset/sound.ts';
import { createRandom } from '../random.ts';
import { drawHall, recordWork, seedOf, soundGenerators, type TrialClip, type TrialPlan } from './setting.ts';
import { articlesOf, shiftOf, warmthOf, type Article, type Run } from './shift.ts';

export interface WeekPlan extends TrialPlan {
  readonly kind: Site['kind'];
  readonly days: number;
  readonly clipS: number;
  /** Of the judged time that is rendered, 0 to 1. */
  readonly share: number;
  /** What is rendered is rendered for so long without a gap, s. */
  readonly stretchS: number;
  /** To learn each article's speed from, on the day before the week. */
  readonly enrolClips: number;
  /** How much louder everything else is in the hours of loud neighbours, dB. */
  readonly loudDb: number;
}

export const weekPlan = {
  rateHz: 48_000,
  days: 6,
  clipS: 4.1,
  share: 0.05,
  stretchS: 600,
  enrolClips: 40,
  loudDb: 6,
} as const;

export interface WeekClip extends TrialClip {
  /** Hours since the first midnight of the week; negative while it is enrolled. */
  readonly atH: number;
  /** Number of the article in the week's list. */
  readonly article: number;
  readonly roll: number;
  readonly isLoud: boolean;
  readonly snrDb: number;
}

export interface Week {
  readonly machine: HeardMachine;
  readonly articles: readonly Article[];
  /** Pieces of a clip's length that an ear would judge in the week, and how many of them are rendered. */
  readonly pieces: number;
  readonly rendered: number;
  /** What is rendered of what would be judged. */
  readonly share: number;
  /** `enrolClips` of every article, from the shift of the day before. */
  readonly enrol: () => Iterable<WeekClip>;
  readonly heard: () => Iterable<WeekClip>;
}

/** The gate wants polls before and behind a piece that are up to so old, and a machine that has come to its speed. */
const steadyAfterS = { sewing: 1, knitting: 5 } as const;

/** It stops, and then stands a second or two. */
const stopsS = { sewing: 2, knitting: 8 } as const;
/** Before a run, within the pause; it runs for so long, of which no ear judges anything. */
const beforeS = { runs: 0.4, sewing: 1.5, knitting: 10 } as const;

interface Piece {
  readonly run: Run;
  readonly atS: number;
  readonly number: number;
  readonly isLast: boolean;
}

/** The week of a plan; nothing is rendered before it is taken. */
export function healthyWeek(plan: WeekPlan): Week {
  const { generator, seed, kind, rateHz } = plan;
  const random = createRandom(seed, 'week machine');
  const site = { kind, seed: seedOf(random), rateHz };
  const usual = drawHall(random, kind);
  const machine = soundGenerators[generator]({ ...site, hall: usual });
  // Loud hours have other neighbours, not only louder ones.
  const busy = { ...drawHall(random, kind), machines: usual.machines + 2, bangsPerMinute: 2 * usual.bangsPerMinute };
  const amongBusy = soundGenerators[generator]({ ...site, hall: busy });
  const articles = articlesOf(createRandom(seed, 'articles'), kind, machine.nominalPerMinute);

  function* piecesOf(day: number): Generator<Piece> {
    const margin = steadyAfterS[kind];
    let number = 0;
    for (const run of shiftOf(seed, kind, articles, day)) {
      for (let fromS = margin; fromS + plan.clipS + margin <= run.durationS; fromS += plan.clipS) {
        const isLast = fromS + 2 * plan.clipS + margin > run.durationS;
        yield { run, atS: run.startS + fromS, number, isLast };
        number += 1;
      }
    }
  }
  /** @param stopS it is heard to stop and stand for so long, behind `clipS` of running */
  const record = (day: number, run: Run, label: string, atS: number, clipS: number, stopS: number): WeekClip => {
    const snrDb = plan.snrDb - (run.isLoud ? plan.loudDb : 0);
    const work = { speed: run.speed, load: run.load, temperatureC: warmthOf(seed, kind, day, atS) };
    const runs: Segment = { kind: 'run', durationS: clipS, speed: run.speed };
    const segments: Segment[] = stopS > 0 ? [runs, { kind: 'stop', durationS: stopS }] : [runs];
    const made = (db: number | null): TrialClip =>
      recordWork(run.isLoud ? amongBusy : machine, createRandom(seed, `${label} ${day}`), {
        work,
        snrDb: db,
        clipS,
        fault: null,
        segments,
      });
    // A clip's hall is as loud as the machine is in it: it would be quieter for a machine that slows down.
    const asked = stopS > 0 ? snrDb - slowsByDb(made(null).clip, clipS) : snrDb;
    const { roll, isLoud } = run;
    return { ...made(asked), atH: day * 24 + atS / 3600, article: articles.indexOf(run.article), roll, isLoud, snrDb };
  };
  const render = (day: number, { run, atS, number }: Piece, stops: boolean): WeekClip =>
    record(day, run, `piece ${number}`, atS, plan.clipS, stops ? stopsS[kind] : 0);
  /** The end of the pause before a run; its hall is the run's. */
  const pauseBefore = (day: number, { run, number }: Piece): WeekClip => {
    const [clipS, stopS] = [beforeS.runs, beforeS[kind]];
    return record(day, run, `pause ${number}`, run.startS - clipS - stopS, clipS, stopS);
  };
  const isTaken = (day: number, { atS }: Piece): boolean =>
    createRandom(seed, `stretch ${day} ${Math.floor(atS / plan.stretchS)}`)() < plan.share;

  function* heard(): Generator<WeekClip> {
    for (let day = 0; day < plan.days; day += 1) {
      let heardOf: Run | null = null;
      for (const piece of piecesOf(day)) {
        if (!isTaken(day, piece)) continue;
        if (piece.run !== heardOf) yield pauseBefore(day, piece);
        heardOf = piece.run;
        yield render(day, piece, piece.isLast);
      }
    }
  }
  function* enrol(): Generator<WeekClip> {
    const chosen = articles.flatMap((article) => {
      const pieces = [...piecesOf(-1)].filter(({ run }) => run.article === article && !run.isLoud);
      const count = Math.min(plan.enrolClips, pieces.length);
      // Evenly over the shift.
      return Array.from({ length: count }, (_, i) => pieces[Math.floor(((i + 0.5) * pieces.length) / count)] ?? []);
    });
    for (const piece of chosen.flat().toSorted((a, b) => a.atS - b.atS)) {
      yield render(-1, piece, true);
    }
  }
  let [pieces, rendered] = [0, 0];
  for (let day = 0; day < plan.days; day += 1) {
    for (const piece of piecesOf(day)) {
      pieces += 1;
      if (isTaken(day, piece)) rendered += 1;
    }
  }
  return { machine, articles, pieces, rendered, share: pieces === 0 ? 0 : rendered / pieces, enrol, heard };
}

/** How much louder a machine is in the first so many seconds of a clip than as long as it turns, dB. */
function slowsByDb({ samples, shaft, rateHz }: Clip, steadyS: number): number {
  const steady = Math.round(steadyS * rateHz);
  let [ofAll, turning, ofSteady] = [0, 0, 0];
  for (const [i, value] of samples.entries()) {
    if ((shaft.drive[i] ?? 0) === 0) continue;
    ofAll += value * value;
    turning += 1;
    if (i < steady) ofSteady += value * value;
  }
  return ofAll === 0 ? 0 : 10 * Math.log10(ofSteady / Math.min(steady, turning) / (ofAll / turning));
}
