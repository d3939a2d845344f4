/** Plain words for canonical names, in the language of the page. Names the catalogue has no text for stay visible. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { MachineView, SignalView } from '../live.ts';
import type { WriteView } from '../writes/desk.ts';
import type { Alert } from './floor-state.ts';
import type { Language } from './speech.ts';

export const stateWord = (state: MachineState, { say }: Language): string => say(`state.${state}`);
export const priorityWord = (priority: Alert['priority'], { say }: Language): string => say(`priority.${priority}`);
export const alertStateWord = (state: Alert['state'], { say }: Language): string => say(`alert-state.${state}`);

/** What the button of an alert says that waits for a person. */
export const ackWord = (state: Alert['state'], { say }: Language): string =>
  say(state === 'latched' ? 'alerts.confirm-over' : 'alerts.acknowledge');

/** UN/CEFACT common codes to the signs people know, where these are the same in every language; the others are texts. */
const unitSigns: Readonly<Record<string, string>> = {
  C62: '',
  P1: '%',
  AMP: 'A',
  VLT: 'V',
  CEL: '°C',
  WTT: 'W',
  WHR: 'Wh',
  KWH: 'kWh',
  NEW: 'N',
  C20: 'cN',
  MMT: 'mm',
  MTR: 'm',
  '2N': 'dB',
};

/** Turns `some.dotted_name` into words when no table knows it: an unknown cause must stay visible. */
const spoken = (name: string): string => {
  const text = name.replaceAll(/[._-]+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const kindWord = (kind: string, { named }: Language): string => named('kind', kind) ?? spoken(kind);
export const causeWord = (cause: string, { named }: Language): string =>
  named('cause', cause) ?? named('reason', cause) ?? spoken(cause);
export const signalWord = (signal: string, { named }: Language): string => named('signal', signal) ?? spoken(signal);
export const reasonWord = (reason: string, { named }: Language): string =>
  named('reason', reason) ?? reason.replaceAll('-', ' ');
export const unitSign = (unit: string, { named }: Language): string =>
  (Object.hasOwn(unitSigns, unit) ? unitSigns[unit] : named('unit', unit)) ?? unit;

/** A value for people: three significant decimals at most, thousands apart; "–" when there is none. */
export function valueText(view: Pick<SignalView, 'value' | 'kind'>, { say, number }: Language): string {
  const { value } = view;
  if (value === null) return '–';
  if (typeof value === 'boolean') return say(value ? 'machine.yes' : 'machine.no');
  if (typeof value === 'string') return value === '' ? '–' : value;
  // As the panel and the manual of the machine have it.
  if (view.kind === 'code') return String(value);
  const decimals = Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return number(value, decimals);
}

const first: readonly string[] = [
  'spindle.speed',
  'cylinder.speed',
  'error.code',
  'stop.cause',
  'motor.temp',
  'head.temp',
  'cam.temp',
  'vibration.rms',
  'oil.level',
  'motor.current',
  'thread.tension.needle',
  'yarn.tension',
  'bobbin.remaining',
  'power.active',
  'piece.count',
  'roll.count',
  'stitch.total',
];
const keyCount = 6;

/** What a tile shows at a glance, and what it keeps behind "All readings". */
export function splitSignals(machine: MachineView): {
  readonly key: readonly SignalView[];
  readonly more: readonly SignalView[];
} {
  const rank = (view: SignalView) => {
    const at = first.indexOf(view.signal);
    return at < 0 ? first.length : at;
  };
  const sorted = machine.signals.toSorted((a, b) => rank(a) - rank(b));
  const key = sorted.filter((view) => view.kind === 'gauge' || view.kind === 'counter').slice(0, keyCount);
  return { key, more: sorted.filter((view) => !key.includes(view)) };
}

/** Signals that make a curve. */
export function chartable(machine: MachineView): readonly string[] {
  const { key, more } = splitSignals(machine);
  return [...key, ...more]
    .filter((view) => view.kind === 'gauge' || view.kind === 'counter')
    .map((view) => view.signal);
}

/** What became of a write, for the person who confirmed it. */
export function writeWord(write: Pick<WriteView, 'outcome' | 'detail'>, has: string, language: Language): string {
  const { code, say } = language;
  const told = write.detail === null ? '' : say('set-points.because', { reason: reasonWord(write.detail, language) });
  // Chinese brackets bring their own room.
  const because = told === '' || code === 'zh' ? told : ` ${told}`;
  switch (write.outcome) {
    case 'written':
      return say('set-points.written', { has });
    case 'refused':
      return say('set-points.refused', { because, has });
    case 'unknown':
      return say('set-points.not-known', { because, has });
    case 'not-sent':
    case 'not-allowed':
      return say('set-points.not-sent', { because });
    case 'dropped':
    case null:
      return say('set-points.dropped', { because });
  }
}

/** Where a fault lies, in words; the parts that are not known say so. */
export function faultFacts({ evidence }: Pick<Alert, 'evidence'>, language: Language): readonly string[] {
  const { say, fixed, plain } = language;
  const { needle, k, needleUnknown, rollFromM, roll } = evidence;
  if (typeof rollFromM !== 'number') return [];
  const metres = fixed(rollFromM, 2);
  const where =
    typeof roll === 'number'
      ? say('alerts.fault.at-roll', { metres, roll: plain(roll) })
      : say('alerts.fault.at', { metres });
  const made =
    typeof needle === 'number'
      ? say('alerts.fault.needle', { needle: plain(needle), k: typeof k === 'number' ? plain(k) : String(k) })
      : needleWord(needleUnknown, language);
  return [...(made === null ? [] : [made]), where];
}

function needleWord(reason: unknown, { say }: Language): string | null {
  switch (reason) {
    case 'not-calibrated':
    case 'no-angle':
    case 'too-uncertain':
      return say(`alerts.fault.${reason}`);
    default:
      return null;
  }
}

/** How far the worst place of a crop is from good cloth; null where nobody said so. */
export function heatWord({ heatMap, heatPeak }: Alert['evidence'], { say, fixed }: Language): string | null {
  if (typeof heatPeak !== 'number') return null;
  const times = fixed(heatPeak, 1);
  // A line may be known from many pictures that show next to nothing each. 0.97 is not beyond, though it is written 1.0.
  if (heatPeak < 1) return say('alerts.heat.below', { times: fixed(Math.floor(heatPeak * 10) / 10, 1) });
  return typeof heatMap === 'string' ? say('alerts.heat.peak', { times }) : null;
}
