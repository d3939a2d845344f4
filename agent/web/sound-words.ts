/** What the cards of the ear say, in plain words. */
import type { SoundView } from '../senses/ear/staff.ts';
import type { FaultName } from '../../models/voiceprint/fault-classes.ts';
import type { Alert } from './floor-state.ts';
import type { OddBand } from './sound-marks.ts';
import type { Language } from './speech.ts';

type Label = SoundView['labels'][number];
type Teaching = NonNullable<SoundView['teaching']>;

/** @param at a moment as people read it */
export function knownSoundWord(
  { print, versions }: Pick<SoundView, 'print' | 'versions'>,
  at: (ms: number) => string,
  { say, plain }: Language,
): string {
  const used = versions.find(({ version }) => version === print);
  if (used === undefined) return say('sound.unknown');
  const about = { version: plain(used.version), time: at(used.taughtMs) };
  const count = used.speeds.length;
  return count === 1 ? say('sound.known-one', about) : say('sound.known-many', { ...about, count });
}

/** Versions that are kept beside the one in use. */
export function otherVersionsWord(
  { print, versions }: Pick<SoundView, 'print' | 'versions'>,
  at: (ms: number) => string,
  { say, plain }: Language,
): string | null {
  const others = versions
    .filter(({ version }) => version !== print)
    .map(({ version, taughtMs }) => say('sound.other', { version: plain(version), time: at(taughtMs) }));
  return others.length === 0 ? null : say('sound.others', { versions: others.join('; ') });
}

/** How far each speed is, the speed heard most first. */
export function soundProgress(
  { speeds, wanted }: Pick<Teaching, 'speeds' | 'wanted'>,
  { say, plain }: Language,
): readonly string[] {
  return speeds.map(({ speed, samples }) => {
    const left = Math.max(0, wanted - samples);
    const about = { speed: plain(Math.round(speed)), have: Math.min(samples, wanted), wanted };
    return left === 0 ? say('sound.samples-enough', about) : say('sound.samples-needed', { ...about, left });
  });
}

/** What became of it; null while it goes on. */
export function soundOutcomeWord(
  { state, version, speeds, leftOut, reason }: Teaching,
  { say, plain }: Language,
): string | null {
  switch (state) {
    case 'running':
      return null;
    case 'done': {
      const about = { version: version === null ? '?' : plain(version) };
      const [count, missing] = [speeds.length, leftOut.length];
      return [
        count === 1 ? say('sound.learned-one', about) : say('sound.learned-many', { ...about, count }),
        ...(missing === 0
          ? []
          : [missing === 1 ? say('sound.too-little-one') : say('sound.too-little-many', { count: missing })]),
        say('sound.used-soon'),
      ].join(' ');
    }
    case 'stopped':
      return say('sound.stopped');
    case 'failed':
      return say('sound.failed', { reason: reason ?? say('sound.it-failed') });
  }
}

/** What was said of an alert, and by whom. */
export function labelWord({ said, cause, by }: Pick<Label, 'said' | 'cause' | 'by'>, { say }: Language): string {
  const what = said === 'real' ? 'real' : 'false';
  return cause === null
    ? say(`sound.said-${what}`, { person: by })
    : say(`sound.said-${what}-cause`, { person: by, cause });
}

/** By how much the threshold is moved, in words; null where it is not. */
export function movedWord(
  { moved, mostMove, labels, print }: Pick<SoundView, 'moved' | 'mostMove' | 'labels' | 'print'>,
  { say, fixed }: Language,
): string | null {
  if (moved === 0) return null;
  const count = labels.filter((label) => label.print === print && label.path === undefined).length;
  const answers = count === 1 ? say('sound.answers-one') : say('sound.answers-many', { count });
  const way = moved > 0 ? 'raised' : 'lowered';
  const about = { spreads: fixed(Math.abs(moved), 1), answers };
  return Math.abs(moved) >= mostMove ? say(`sound.${way}-most`, about) : say(`sound.${way}`, about);
}

/** The same of the threshold of rounds. */
export function movedRoundsWord(
  { movedRounds, labels, print }: Pick<SoundView, 'movedRounds' | 'labels' | 'print'>,
  { say, fixed }: Language,
): string | null {
  if (movedRounds === 0) return null;
  const count = labels.filter((label) => label.print === print && label.path === 'rounds').length;
  const answers = count === 1 ? say('sound.answers-one') : say('sound.answers-many', { count });
  const about = { spreads: fixed(Math.abs(movedRounds), 1), answers };
  return say(movedRounds > 0 ? 'sound.rounds-raised' : 'sound.rounds-lowered', about);
}

/** That a machine that was taught is not heard in rounds until it is taught anew; null where it is, or never can be. */
export const roundsWord = ({ rounds }: Pick<SoundView, 'rounds'>, { say }: Language): string | null =>
  rounds === 'teach-anew' ? say('sound.rounds-off') : null;

/** By which of its two ways the ear told an alert, where it was not the usual one. */
export const pathWord = ({ path }: Alert['evidence'], { say }: Language): string | null =>
  path === 'rounds' ? say('sound.by-rounds') : null;

/** That what was said before had moved the threshold an alert was told by; null where it had not. */
export function toldWord({ moved, movedBy }: Alert['evidence'], language: Language): string | null {
  const { say, fixed } = language;
  if (typeof moved !== 'number' || moved === 0) return null;
  const told = say(moved > 0 ? 'sound.told-raised' : 'sound.told-lowered', { spreads: fixed(Math.abs(moved), 1) });
  return typeof movedBy === 'string' ? say('sound.told-by', { told, by: answersWord(movedBy, language) }) : told;
}

/** What the agent tells as `2 false alarms (a, b); 1 real fault (c: bent needle)`, in the language of the page. */
function answersWord(told: string, { say }: Language): string {
  return told
    .split('; ')
    .map((part) => {
      const [, many = '', kind = '', which = ''] = /^(\d+) (false alarm|real fault)s? \((.*)\)$/.exec(part) ?? [];
      if (kind === '') return part;
      const said = kind === 'real fault' ? 'real' : 'false';
      const count = Number(many);
      return count === 1 ? say(`sound.told-${said}-one`, { which }) : say(`sound.told-${said}-many`, { count, which });
    })
    .join('; ');
}

/** Every fault that can be suspected. */
const faults: Readonly<Record<FaultName, true>> = {
  bluntNeedle: true,
  bentNeedle: true,
  dryHook: true,
  looseBearing: true,
  slippingBelt: true,
  feedDogStrike: true,
  threadBreak: true,
  looseCover: true,
  badNeedle: true,
  badFeeder: true,
  lackOfOil: true,
};
const isFault = (name: string): name is FaultName => Object.hasOwn(faults, name);

/** What an alert is suspected to be, the likeliest first, with where to look; none where nothing is. */
export function suspectedWords(
  { suspected, angle, needles }: Alert['evidence'],
  { say, number, plain }: Language,
): readonly string[] {
  if (typeof suspected !== 'string') return [];
  const lines = suspected.split('; ').flatMap((one) => {
    const [fault = '', probability = ''] = one.split(' ');
    if (!isFault(fault)) return [];
    const percent = number(Math.round(Number(probability) * 100));
    return [say('sound.suspect', { called: say(`sound.fault.${fault}`), percent, look: say(`sound.look.${fault}`) })];
  });
  if (lines.length === 0) return [];
  const digits = (text: string) => text.replaceAll(/\d+/g, (some) => plain(Number(some)));
  const [, degrees, k] = typeof angle === 'string' ? (/^(\d+) ± (\d+) degrees$/.exec(angle) ?? []) : [];
  const where = [
    ...(degrees === undefined || k === undefined
      ? []
      : [say('sound.loudest', { degrees: digits(degrees), k: digits(k) })]),
    ...(typeof needles === 'string' ? [say('sound.needles', { needles: digits(needles.replaceAll('; ', ', ')) })] : []),
  ];
  return [say('sound.suspected'), ...lines, ...where];
}

/** A band in the unit people would say it in. */
function bandText({ fromHz, toHz }: OddBand, { number }: Language): string {
  return toHz < 1000 ? `${number(fromHz)}–${number(toHz)} Hz` : `${number(fromHz / 1000)}–${number(toHz / 1000)} kHz`;
}

/** What stands beside a mark in the picture: the order of the shaft where there is one, else the band. */
export function markWord(band: OddBand, language: Language): string {
  const { order } = band;
  if (order === null) return bandText(band, language);
  return `${language.say('sound.order', { order: language.plain(order.order) })} · ${language.number(order.hz, 0)} Hz`;
}

/** What is odd in a band, against what was taught. */
export function oddBandWord(band: OddBand, language: Language): string {
  const { what, db, order } = band;
  const text = bandText(band, language);
  const where = order === null ? text : `${markWord(band, language)} (${text})`;
  const [more, less] = what === 'level' ? (['louder', 'quieter'] as const) : (['more', 'less'] as const);
  return language.say(`sound.odd.${db > 0 ? more : less}`, { where, db: language.fixed(Math.abs(db), 1) });
}
