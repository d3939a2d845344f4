/** What the card of a cloth says, in plain words. */
import type { ClothView } from '../senses/teach-desk.ts';
import type { Language } from './speech.ts';

/** @param at a moment as people read it */
export function knownWord(
  { fabric, known }: Pick<ClothView, 'fabric' | 'known'>,
  at: (ms: number) => string,
  { say, plain }: Language,
): string {
  if (known === null) return say('cloth.unknown', { fabric });
  const about = { fabric, version: plain(known.version), time: at(known.taughtMs) };
  return known.images === 1
    ? say('cloth.known-one', about)
    : say('cloth.known-many', { ...about, count: known.images });
}

/** How far it is. */
export function progressWord(
  { picture, of }: Pick<NonNullable<ClothView['teaching']>, 'picture' | 'of'>,
  { say }: Language,
): string {
  if (of === 0) return say('cloth.starting');
  if (picture >= of) return say('cloth.all-taken', { of });
  return picture === 0 ? say('cloth.first-picture', { of }) : say('cloth.picture', { picture, of });
}

type Report = NonNullable<NonNullable<ClothView['teaching']>['report']>;

/** What became of it. */
export function outcomeWord(report: Report, { code, say, named, plain, fixed }: Language): string {
  if (!report.ok) return (code === 'en' ? null : named('problem', errorCode(report.message))) ?? report.meaning;
  const { version, images } = report;
  const about = { version: plain(version), threshold: fixed(report.threshold, 2) };
  return images === 1 ? say('cloth.learned-one', about) : say('cloth.learned-many', { ...about, count: images });
}

/** What helps where nothing was learned. */
export function cureWord({ message, cure }: Extract<Report, { ok: false }>, { code, named }: Language): string {
  return (code === 'en' ? null : named('cure', errorCode(message))) ?? cure;
}

/** The code a message of the agent begins with. */
const errorCode = (message: string): string => /^AGT-\d+/.exec(message)?.[0] ?? '';
