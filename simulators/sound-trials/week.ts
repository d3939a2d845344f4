/**
 * A healthy week of one machine: what an ear must let pass. One shift a day; articles with speeds and cloths of their own; rolls that differ;
 * a hall that warms up and a machine that warms with it; hours in which the neighbours are loud. Of the time an ear would judge (steady
 * running, in pieces of a clip), a share is rendered, in whole stretches, since an ear weighs what follows each other; the week states how
 * much.
 *
 * Guess: the timetable. Invariants (test/unit/simulators/sound-trials/week.test.ts): the same plan gives the same week; a clip lies within
 * a run of the timetable; what is rendered is the share asked for, but for chance.
 */
import type { HeardMachine, Site } from '../dataset/sound.ts';
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
  clipS: 4,
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

interface Piece {
  readonly run: Run;
  readonly atS: number;
  readonly number: number;
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
        yield { run, atS: run.startS + fromS, number };
        number += 1;
      }
    }
  }
  const render = (day: number, { run, atS, number }: Piece, article: Article): WeekClip => {
    const chance = createRandom(seed, `piece ${day} ${number}`);
    const snrDb = plan.snrDb - (run.isLoud ? plan.loudDb : 0);
    const work = { speed: run.speed, load: run.load, temperatureC: warmthOf(seed, kind, day, atS) };
    const made = recordWork(run.isLoud ? amongBusy : machine, chance, { work, snrDb, clipS: plan.clipS, fault: null });
    const { roll, isLoud } = run;
    return { ...made, atH: day * 24 + atS / 3600, article: articles.indexOf(article), roll, isLoud, snrDb };
  };
  const isTaken = (day: number, { atS }: Piece): boolean =>
    createRandom(seed, `stretch ${day} ${Math.floor(atS / plan.stretchS)}`)() < plan.share;

  function* heard(): Generator<WeekClip> {
    for (let day = 0; day < plan.days; day += 1) {
      for (const piece of piecesOf(day)) {
        if (isTaken(day, piece)) yield render(day, piece, piece.run.article);
      }
    }
  }
  function* enrol(): Generator<WeekClip> {
    for (const article of articles) {
      const pieces = [...piecesOf(-1)].filter(({ run }) => run.article === article && !run.isLoud);
      const count = Math.min(plan.enrolClips, pieces.length);
      for (let i = 0; i < count; i += 1) {
        // Evenly over the shift.
        const piece = pieces[Math.floor(((i + 0.5) * pieces.length) / count)];
        if (piece !== undefined) yield render(-1, piece, article);
      }
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
