/** Plain words for canonical names. One table a kind, so that a translation replaces this file. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { MachineView, SignalView } from '../live.ts';
import type { WriteView } from '../writes/desk.ts';
import type { Alert } from './floor-state.ts';

export const stateWords: Readonly<Record<MachineState, string>> = {
  RUN: 'Running',
  IDLE: 'Idle',
  STOP_MATERIAL: 'Stopped: material',
  FAULT: 'Fault',
  SETUP: 'Set-up',
  MAINTENANCE: 'Maintenance',
  OFFLINE: 'Offline',
  UNKNOWN: 'Unknown',
};

export const priorityWords: Readonly<Record<Alert['priority'], string>> = {
  urgent: 'Urgent',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
};

export const alertStateWords: Readonly<Record<Alert['state'], string>> = {
  normal: 'Over',
  'active-unacked': 'Active',
  'active-acked': 'Active, acknowledged',
  'returned-unacked': 'Over, not acknowledged',
  latched: 'Over, waits to be confirmed',
  shelved: 'Shelved',
  'suppressed-by-design': 'Suppressed by design',
  'out-of-service': 'Out of service',
};

/** What the button of an alert says that waits for a person. */
export const ackWord = (state: Alert['state']): string =>
  state === 'latched' ? 'Confirm that it is over' : 'Acknowledge';

const kindWords: Readonly<Record<string, string>> = {
  lockstitch: 'Lockstitch',
  overlock: 'Overlock',
  embroidery: 'Embroidery',
  'circular-knit': 'Circular knitting',
  'flat-knit': 'Flat knitting',
};
const causeWords: Readonly<Record<string, string>> = {
  'power.ac_overvoltage': 'Supply voltage too high',
  'power.bus_overvoltage': 'Bus voltage too high',
  'drive.overcurrent': 'Motor over-current',
  'drive.overload': 'Motor overload',
  'drive.stall_start': 'Motor did not start',
  'drive.stall': 'Motor blocked',
  'drive.hall': 'Motor position sensor',
  'drive.sync': 'Synchroniser signal missing',
  'drive.encoder': 'Encoder fault',
  'drive.stepper_link': 'Stepper drive not answering',
  'actuator.solenoid_overcurrent': 'Solenoid over-current',
  'hmi.link': 'Panel connection',
  'config.checksum': 'Parameters damaged',
  'firmware.update': 'Firmware update',
  'operator.pedal': 'Pedal',
  'operator.manual_stop': 'Stopped by hand',
  'safety.tilt': 'Machine head tilted',
  'safety.eye_guard': 'Eye guard open',
  'safety.hook_cover': 'Hook cover open',
  'safety.door_open': 'Door or cover open',
  'material.bobbin_empty': 'Bobbin empty',
  'material.thread_break': 'Thread break',
  'needle.broken': 'Needle broken',
  'maintenance.due': 'Service due',
  'maintenance.oil_low': 'Oil level low',
  'knit.yarn_break_top': 'Yarn break, top',
  'knit.yarn_break_bottom': 'Yarn break, bottom',
  'knit.needle_fault': 'Needle fault',
  'knit.fabric_takedown': 'Fabric take-down',
  'knit.yarn_feed_fault': 'Yarn feeding',
  'knit.resistance_stop': 'Stopped by resistance',
  'knit.shock_stop': 'Shock stop',
  'knit.racking_error': 'Racking error',
  'knit.piece_counter_zero': 'All pieces made',
  'knit.programming': 'Programming',
  'knit.other': 'Other stop',
  'knit.unknown': 'Stop lamp, cause not told',
};
const signalWords: Readonly<Record<string, string>> = {
  'spindle.speed': 'Speed',
  'spindle.speedset': 'Speed, set',
  'cylinder.speed': 'Cylinder speed',
  'motor.temp': 'Motor temperature',
  'motor.current': 'Motor current',
  'bus.voltage': 'Bus voltage',
  'head.temp': 'Head temperature',
  'cam.temp': 'Cam temperature',
  'vibration.rms': 'Vibration',
  'oil.level': 'Oil level',
  'bobbin.remaining': 'Bobbin thread left',
  'service.remaining': 'Stitches to service',
  'thread.tension.needle': 'Needle thread tension',
  'yarn.tension': 'Yarn tension',
  'presser.force': 'Presser force',
  'power.active': 'Power',
  'energy.total': 'Energy',
  'stitch.total': 'Stitches',
  'stitch.length': 'Stitch length',
  'needle.stitches': 'Stitches on this needle',
  'trim.count': 'Thread trims',
  'piece.count': 'Pieces',
  'revolution.count': 'Revolutions',
  'fabric.length': 'Fabric length',
  'roll.count': 'Rolls',
  'error.code': 'Error code',
  'stop.cause': 'Stop cause',
  'run.mode': 'Run mode',
  'item.state': 'Machine state',
  'operation.mode': 'Operation mode',
  'lamp.green': 'Green lamp',
  'lamp.red': 'Red lamp',
  'lamp.yellow': 'Yellow lamp',
  'quality.check': 'Quality check',
  'button.count': 'Button presses',
  'mc.state': 'Machine state',
  'stop.text': 'Stop text',
  'start.mode': 'Start mode',
  'pattern.name': 'Pattern',
  'piece.remaining': 'Pieces left',
  'sequence.count': 'Sequences',
  'sequence.remaining': 'Sequences left',
  'shift.id': 'Shift',
  'order.id': 'Production order',
  'user.state': 'User state',
  'user.info': 'User event',
  'event.other': 'Other event',
  'status.alive': 'Sign of life',
  'status.setup': 'Set-up mode',
  'status.maintenance': 'Maintenance mode',
  'status.productive': 'Productive',
  'status.creep': 'Creep speed',
  'status.ready': 'Ready',
  'status.running': 'Running',
  'status.presserup': 'Presser up',
  'status.needleup': 'Needle up',
  'status.trimming': 'Trimming',
};
/** UN/CEFACT common codes to the signs people know. */
const unitSigns: Readonly<Record<string, string>> = {
  RPM: '1/min',
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
  C16: 'mm/s',
  SEC: 's',
  '2N': 'dB',
};
const reasonWords: Readonly<Record<string, string>> = {
  'connection-lost': 'connection lost',
  'clock-not-set': 'the clock of the gateway is not set; nothing is sent until it knows the time',
  'times-being-restamped': 'what was stored without the time is being dated',
  'not-connected': 'not connected',
  timeout: 'no answer',
  'no-answer': 'no answer',
  'no-data': 'no data',
  'drive-would-stop-without-polls': 'not polled: the drive would stop without polls (E3 is not 0)',
  'drive-monitor-unknown': 'not polled: the drive does not say whether it would stop without polls (E3)',
  'refused-by-drive': 'refused by the drive',
  'device-ambiguous': 'several adapters have these USB ids',
  'device-absent': 'the serial port is not there',
  'out-of-range': 'outside the plausible range',
  'not-a-number': 'not a number',
  'not-exact': 'too large to be exact',
  'counter-reset': 'counter was reset',
};

/** Turns `some.dotted_name` into words when no table knows it: an unknown cause must stay visible. */
const spoken = (name: string): string => {
  const text = name.replaceAll(/[._-]+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};
/** Own entries only: a vendor's word may be "constructor". */
const look = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

export const kindWord = (kind: string): string => look(kindWords, kind) ?? spoken(kind);
export const causeWord = (cause: string): string =>
  look(causeWords, cause) ?? look(reasonWords, cause) ?? spoken(cause);
export const signalWord = (signal: string): string => look(signalWords, signal) ?? spoken(signal);
export const unitSign = (unit: string): string => look(unitSigns, unit) ?? unit;
export const reasonWord = (reason: string): string => look(reasonWords, reason) ?? reason.replaceAll('-', ' ');

/** A value for people: three significant decimals at most, thousands apart; "–" when there is none. */
export function valueText(view: Pick<SignalView, 'value' | 'kind'>): string {
  const { value } = view;
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value === '' ? '–' : value;
  if (view.kind === 'code') return String(value);
  const decimals = Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: decimals }).replaceAll(',', '\u202f');
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
export function writeWord(write: Pick<WriteView, 'outcome' | 'detail'>, has: string): string {
  const because = write.detail === null ? '' : ` (${reasonWord(write.detail)})`;
  switch (write.outcome) {
    case 'written':
      return `Written. The machine has ${has}.`;
    case 'refused':
      return `The machine refused it${because}. It has ${has}.`;
    case 'unknown':
      return `Not known whether the machine did it${because}. It was not sent again. After it the machine had ${has}.`;
    case 'not-sent':
    case 'not-allowed':
      return `Nothing was sent${because}.`;
    case 'dropped':
    case null:
      return `Dropped${because}. Nothing was sent.`;
  }
}

/** Where a fault lies, in words; the parts that are not known say so. */
export function faultFacts({ evidence }: Pick<Alert, 'evidence'>): readonly string[] {
  const { needle, k, needleUnknown, rollFromM, roll } = evidence;
  if (typeof rollFromM !== 'number') return [];
  const where = typeof roll === 'number' ? ` of roll ${roll}` : '';
  const made = typeof needle === 'number' ? `Needle ${needle} ± ${String(k)}` : needleWord(needleUnknown);
  return [...(made === null ? [] : [made]), `At ${rollFromM.toFixed(2)} m${where}`];
}

function needleWord(reason: unknown): string | null {
  switch (reason) {
    case 'not-calibrated':
      return 'Needle not known: the zero was not set';
    case 'no-angle':
      return 'Needle not known: the machine does not tell its angle';
    case 'too-uncertain':
      return 'Needle not known: too uncertain';
    default:
      return null;
  }
}
