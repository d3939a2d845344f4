/** The timetable of a healthy shift: when the machine runs, with what, among whom, how warm it is. Guess: all of it. */
import type { Site } from '../dataset/sound.ts';
import { between, createRandom, wholeBetween, type Random, type Range } from '../random.ts';

/** What is made: its speed and its cloth. */
export interface Article {
  readonly speed: number;
  readonly load: number;
}

export interface Run {
  /** Since midnight. */
  readonly startS: number;
  readonly durationS: number;
  readonly speed: number;
  readonly load: number;
  readonly article: Article;
  /** Number of the roll in its shift. */
  readonly roll: number;
  readonly isLoud: boolean;
}

const shiftH = { from: 6, to: 14 } as const;
const breaksH: readonly Range[] = [
  [8.5, 8.75],
  [11, 11.5],
];

/** The articles of a week: speeds further apart than a band of speed is wide. */
export function articlesOf(random: Random, kind: Site['kind'], nominalPerMinute: number): readonly Article[] {
  const shares = kind === 'sewing' ? [1, 0.82, 0.66] : [1, 0.86];
  return shares.map((share) => ({
    speed: nominalPerMinute * share * between(random, [0.98, 1.02]),
    load: between(random, [0.25, 0.85]),
  }));
}

/** The runs of a day, one after another. */
export function* shiftOf(seed: number, kind: Site['kind'], articles: readonly Article[], day: number): Generator<Run> {
  const random = createRandom(seed, `shift ${day}`);
  const loud = loudHours(random);
  const isBetween = (hour: number, spans: readonly Range[]): boolean =>
    spans.some(([from, to]) => hour >= from && hour < to);
  const first = wholeBetween(random, [0, articles.length - 1]);
  let atS = shiftH.from * 3600;
  for (let roll = 0; atS < shiftH.to * 3600; roll += 1) {
    // Every article is made every day, roll after roll; no two rolls are alike.
    const article = articles[(first + roll) % articles.length];
    if (article === undefined) return;
    const rollLoad = Math.max(0.05, Math.min(1, article.load * between(random, [0.85, 1.15])));
    const rollEndS = Math.min(shiftH.to * 3600, atS + between(random, [1800, 4800]));
    while (atS < rollEndS) {
      const hour = atS / 3600;
      const pause = breaksH.find(([from, to]) => hour >= from && hour < to);
      if (pause !== undefined) {
        atS = pause[1] * 3600;
        continue;
      }
      const durationS =
        kind === 'sewing' ? 2 * (15 / 2) ** random() : Math.min(rollEndS - atS, between(random, [60, 1500]));
      // Whoever sews does not press the pedal alike twice; a knitting machine is set.
      const speed =
        article.speed * (kind === 'sewing' ? between(random, [0.975, 1.025]) : between(random, [0.995, 1.005]));
      yield { startS: atS, durationS, speed, load: rollLoad, article, roll, isLoud: isBetween(hour, loud) };
      atS += durationS + (kind === 'sewing' ? between(random, [2, 15]) : between(random, [20, 240]));
    }
    atS += between(random, [120, 400]);
  }
}

/** Two to four times a day the neighbours are loud, for a third of an hour to an hour. */
function loudHours(random: Random): readonly Range[] {
  return Array.from({ length: wholeBetween(random, [2, 4]) }, (): Range => {
    const from = between(random, [shiftH.from, shiftH.to - 0.5]);
    return [from, from + between(random, [0.33, 1])];
  });
}

/** Temperature of the machine, °C: the hall's, which rises to the afternoon and differs from day to day, and what work adds. */
export function warmthOf(seed: number, kind: Site['kind'], day: number, atS: number): number {
  const random = createRandom(seed, `weather ${day}`);
  const [morningC, riseC] = [between(random, [17, 23]), between(random, [3, 9])];
  const hour = atS / 3600;
  const hallC = morningC + riseC * Math.sin((Math.PI / 2) * Math.max(0, Math.min(1, (hour - shiftH.from) / 8)));
  const workC = kind === 'sewing' ? 8 : 14;
  return hallC + workC * (1 - Math.exp(-(hour - shiftH.from) / 0.6));
}
