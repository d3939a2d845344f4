/** What the card of a cloth says, in plain words. */
import type { ClothView } from '../senses/teach-desk.ts';

const pictures = (count: number): string => (count === 1 ? '1 picture' : `${count} pictures`);

/** @param at a moment as people read it */
export function knownWord({ fabric, known }: Pick<ClothView, 'fabric' | 'known'>, at: (ms: number) => string): string {
  if (known === null) return `The eye was not shown ${fabric} yet: it finds no faults in it.`;
  return `The eye knows ${fabric}: version ${known.version}, taught ${at(known.taughtMs)} from ${pictures(known.images)}.`;
}

/** How far it is. */
export function progressWord({ picture, of }: Pick<NonNullable<ClothView['teaching']>, 'picture' | 'of'>): string {
  if (of === 0) return 'Starting…';
  if (picture >= of) return `All ${of} pictures are taken. Learning from them…`;
  return picture === 0 ? `Waiting for the first picture of ${of}…` : `Picture ${picture} of ${of}`;
}

type Report = NonNullable<NonNullable<ClothView['teaching']>['report']>;

/** What became of it. */
export function outcomeWord(report: Report): string {
  if (!report.ok) return report.meaning;
  const { version, images, threshold } = report;
  return `Learned as version ${version} from ${pictures(images)}, threshold ${threshold.toFixed(2)}. The eye uses it within seconds.`;
}
