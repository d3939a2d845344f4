/** What a case of a broken needle says in words. */
import type { Language } from './speech.ts';
import type { NeedleCaseView } from './needle-client.ts';

type Say = Language['say'];
export type At = (ms: number) => string;

/**
 * The pieces a needle usually breaks into, and the name each is recorded by, whatever the language of who lists it: two tablets in two
 * languages list it once. The names stand in records that are kept, so they do not follow the English text of the page.
 */
const recordedNames = { point: 'Point', eye: 'Eye', blade: 'Blade', shank: 'Shank' } as const;
type UsualPiece = keyof typeof recordedNames;
export const usualPieces = Object.keys(recordedNames) as readonly UsualPiece[];

const alike = (text: string): string => text.trim().normalize('NFC').toLowerCase();

/** The name by which a piece is recorded that somebody names in the language of the page: a usual one by its own, any other as it is. */
export function pieceRecorded(text: string, say: Say): string {
  const usual = usualPieces.find((piece) =>
    [recordedNames[piece], say(`needles.piece.${piece}`)].some((name) => alike(name) === alike(text)),
  );
  return usual === undefined ? text.trim() : recordedNames[usual];
}

/** A piece by the name it is recorded by, in the language of the page. */
export function pieceWord(recorded: string, say: Say): string {
  const usual = usualPieces.find((piece) => recordedNames[piece] === recorded);
  return usual === undefined ? recorded : say(`needles.piece.${usual}`);
}

interface Listed {
  readonly fragments: readonly Pick<NeedleCaseView['fragments'][number], 'name' | 'ofBreak' | 'withdrawn'>[];
  readonly breaks: number;
}
/** Whether the piece is listed already since the needle broke last, and stands. */
export const isListed = (piece: UsualPiece, { fragments, breaks }: Listed): boolean =>
  fragments.some(
    ({ name, ofBreak, withdrawn }) => withdrawn === null && name === recordedNames[piece] && ofBreak === breaks,
  );

/** Date and time in the zone of the site, as the language writes them; by the clock of 24 hours, as everywhere on the page. */
export function recordTime(locale: string, timeZone: string): At {
  const format = new Intl.DateTimeFormat(locale, {
    timeZone,
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
  return (ms) => format.format(ms);
}

/** What was sewn since the last good stitch, one line each; what is not known is said to be so. */
export function rangeLines({ range, pieces }: NeedleCaseView, say: Say, at: At): string[] {
  const { stitchFrom, stitchTo, goodMs, uncertain } = range;
  const stitches =
    stitchTo === null
      ? say('needles.range.no-stitches')
      : stitchFrom === null
        ? say('needles.range.stitches-to', { to: stitchTo })
        : say('needles.range.stitches', { from: stitchFrom, to: stitchTo });
  const made =
    pieces === null
      ? say('needles.range.no-pieces')
      : pieces.from === null
        ? say('needles.range.pieces-to', { to: pieces.to })
        : say('needles.range.pieces', { from: pieces.from, to: pieces.to });
  return [
    made,
    stitches,
    ...(goodMs === null ? [] : [say('needles.range.good', { time: at(goodMs) })]),
    ...(uncertain === null ? [] : [say(`needles.uncertain.${uncertain}`)]),
  ];
}

/** What hinders closing still; null once it is closed. */
export function hindranceWord({ hinders, fragments, firstPeople }: NeedleCaseView, say: Say): string | null {
  switch (hinders[0]) {
    case 'no-fragment':
      return say('needles.hinders.no-fragment');
    case 'fragment-missing':
      return say('needles.hinders.fragment-missing', {
        count: fragments.filter(({ tick, withdrawn }) => withdrawn === null && tick?.found !== true).length,
      });
    case 'not-said':
      return say('needles.hinders.not-said');
    case 'same-person':
      return say('needles.hinders.same-person', { names: firstPeople.join(', ') });
    default:
      return null;
  }
}

/** One act of a case. */
export function actWord(act: NeedleCaseView['acts'][number], { fragments }: NeedleCaseView, say: Say): string {
  const name = act.by ?? '';
  const pieceOf = (fragment: number): string => {
    const listed = fragments.find(({ number }) => number === fragment);
    return listed === undefined ? String(fragment) : pieceWord(listed.name, say);
  };
  switch (act.kind) {
    case 'opened':
      return act.by === null ? say('needles.act.opened-machine') : say('needles.act.opened', { name });
    case 'again':
      return act.by === null ? say('needles.act.again-machine') : say('needles.act.again', { name });
    case 'listed':
      return say('needles.act.listed', { name, piece: pieceWord(act.name, say) });
    case 'unlisted':
      return `${say('needles.act.unlisted', { name, piece: pieceOf(act.fragment) })} (${act.reason})`;
    case 'ticked': {
      const piece = pieceOf(act.fragment);
      const told = say(act.found ? 'needles.act.found' : 'needles.act.not-found', { name, piece });
      return act.where === null ? told : `${told} (${act.where})`;
    }
    case 'said':
      return say(act.statement.outcome === 'complete' ? 'needles.act.complete' : 'needles.act.isolated', { name });
    case 'closed':
      return say('needles.act.closed', { name });
  }
}
