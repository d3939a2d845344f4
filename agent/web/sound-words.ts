/** What the cards of the ear say, in plain words. */
import type { SoundView } from '../senses/ear/staff.ts';
import type { FaultName } from '../../models/voiceprint/fault-classes.ts';
import type { Alert } from './floor-state.ts';

type Label = SoundView['labels'][number];
type Teaching = NonNullable<SoundView['teaching']>;

const count = (many: number, one: string, more: string): string => `${many} ${many === 1 ? one : more}`;

/** @param at a moment as people read it */
export function knownSoundWord(
  { print, versions }: Pick<SoundView, 'print' | 'versions'>,
  at: (ms: number) => string,
): string {
  const used = versions.find(({ version }) => version === print);
  if (used === undefined) return 'The ear was not taught this machine yet: it tells nothing of its sound.';
  const { version, taughtMs, speeds } = used;
  return `The ear knows this machine: version ${version}, taught ${at(taughtMs)} at ${count(speeds.length, 'speed', 'speeds')}.`;
}

/** Versions that are kept beside the one in use. */
export function otherVersionsWord(
  { print, versions }: Pick<SoundView, 'print' | 'versions'>,
  at: (ms: number) => string,
): string | null {
  const others = versions.filter(({ version }) => version !== print);
  return others.length === 0
    ? null
    : `Kept beside it: ${others.map(({ version, taughtMs }) => `version ${version}, ${at(taughtMs)}`).join('; ')}.`;
}

/** How far each speed is, the speed heard most first. */
export function soundProgress({ speeds, wanted }: Pick<Teaching, 'speeds' | 'wanted'>): readonly string[] {
  return speeds.map(({ speed, samples }) => {
    const left = Math.max(0, wanted - samples);
    const still = left === 0 ? 'enough' : `${left} still needed`;
    return `${Math.round(speed)} a minute: ${Math.min(samples, wanted)} of ${wanted} samples, ${still}`;
  });
}

/** What became of it; null while it goes on. */
export function soundOutcomeWord({ state, version, speeds, leftOut, reason }: Teaching): string | null {
  switch (state) {
    case 'running':
      return null;
    case 'done': {
      const missing =
        leftOut.length === 0 ? '' : ` Too little was heard at ${count(leftOut.length, 'other speed', 'other speeds')}.`;
      return `Learned as version ${version ?? '?'} at ${count(speeds.length, 'speed', 'speeds')}.${missing} The ear uses it within seconds.`;
    }
    case 'stopped':
      return 'It was stopped; nothing was learned.';
    case 'failed':
      return `Nothing was learned: ${reason ?? 'it failed'}.`;
  }
}

/** What was said of an alert, and by whom. */
export function labelWord({ said, cause, by }: Pick<Label, 'said' | 'cause' | 'by'>): string {
  const what = said === 'real' ? 'a real fault' : 'a false alarm';
  return `${by} said: ${what}${cause === null ? '' : ` (${cause})`}.`;
}

/** By how much the threshold is moved, in words; null where it is not. */
export function movedWord({
  moved,
  mostMove,
  labels,
  print,
}: Pick<SoundView, 'moved' | 'mostMove' | 'labels' | 'print'>): string | null {
  if (moved === 0) return null;
  const by = count(labels.filter((label) => label.print === print).length, 'answer', 'answers');
  const way = moved > 0 ? 'raised' : 'lowered';
  const most = Math.abs(moved) >= mostMove ? ', the most it may be: if it still cries wolf, teach it anew' : '';
  return `The threshold of this machine is ${way} by ${Math.abs(moved).toFixed(1)} spreads, from ${by}${most}.`;
}

/** That what was said before had moved the threshold an alert was told by; null where it had not. */
export function toldWord({ moved, movedBy }: Alert['evidence']): string | null {
  if (typeof moved !== 'number' || moved === 0) return null;
  const by = typeof movedBy === 'string' ? `: ${movedBy}` : '';
  return `Told by a threshold that was ${moved > 0 ? 'raised' : 'lowered'} by ${Math.abs(moved).toFixed(1)} spreads${by}`;
}

/** What a fault is called, and where to look for it. */
const faultWords: Readonly<Record<FaultName, readonly [called: string, look: string]>> = {
  bluntNeedle: ['a blunt needle', 'change the needle'],
  bentNeedle: ['a bent needle', 'take the needle out and roll it on a flat plate'],
  dryHook: ['a dry hook', 'look at the oil of the hook'],
  looseBearing: ['a loose bearing', 'turn the handwheel by hand and feel for play'],
  slippingBelt: ['a slipping belt', 'look at the belt and its tension'],
  feedDogStrike: ['feed dogs that strike', 'look at the feed dogs and the needle plate'],
  threadBreak: ['a broken thread', 'look at the thread and its way'],
  looseCover: ['a loose cover', 'feel for covers and screws that rattle'],
  badNeedle: ['a bad needle', 'look at the latches and hooks of the needles, and at the cloth for a line'],
  badFeeder: ['a bad feeder', 'look at the yarn, the cams and the guide of each feeder'],
  lackOfOil: ['too little oil', 'look at the oiler and its lines'],
};

const isFault = (name: string): name is FaultName => Object.hasOwn(faultWords, name);

/** What an alert is suspected to be, the likeliest first, with where to look; none where nothing is. */
export function suspectedWords({ suspected, angle, needles }: Alert['evidence']): readonly string[] {
  if (typeof suspected !== 'string') return [];
  const faults = suspected.split('; ').flatMap((one) => {
    const [fault = '', probability = ''] = one.split(' ');
    if (!isFault(fault)) return [];
    const [called, look] = faultWords[fault];
    return [`${called} (${Math.round(Number(probability) * 100)} %): ${look}`];
  });
  if (faults.length === 0) return [];
  const where = [
    ...(typeof angle === 'string' ? [`it is loudest at ${angle} of the shaft after its mark`] : []),
    ...(typeof needles === 'string' ? [`the needle may be one of ${needles.replaceAll('; ', ', ')}`] : []),
  ];
  return ['It may be, as a guess and no finding:', ...faults, ...where];
}
