/** What the schema alone cannot see in a profile: names that must exist, sources that must fit the protocol. Pure. */
import { checkModbusSource } from './check-modbus.ts';
import { checkWrites } from './check-writes.ts';
import { checkEfkaSource, checkLine, checkLineSource, isLineSource } from './check-serial.ts';
import type { Profile, SignalSpec } from './schema.ts';

export interface ProfileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What would be right. */
  readonly right: string;
}

type Add = (path: readonly (string | number)[], message: string, right: string) => void;

const sources = {
  modbus: '{ table, address }',
  line: '{ field }',
  opcua: '{ path } or { node }',
  efka: '{ parameter }',
  'knit-floor': '{ message }',
  'stoll-events': '{ event }',
} as const;

/** Every problem of a profile that has passed its schema; empty when it can be used. */
export function profileProblems(profile: Profile): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  const add = (path: readonly (string | number)[], message: string, right: string): void =>
    void problems.push({ path, message, right });
  const block = profile.protocol;
  const signals = `one of ${Object.keys(profile.signals).join(', ')}`;
  if (block === 'line' && profile.line === undefined)
    add(['line'], 'is needed with protocol line', 'line: with fields and expectEveryMs');
  if (profile.line !== undefined) checkLine(profile.line, add);
  for (const other of ['modbus', 'line', 'opcua', 'knit-floor', 'stoll-events'] as const) {
    if (other !== block && profile[other] !== undefined)
      add([other], `has no meaning with protocol ${block}`, `no ${other}: here`);
  }
  if (Object.keys(profile.signals).length === 0 && profile.opcua?.discover !== true)
    add(['signals'], 'at least one signal is needed', 'the signals of the machine');
  for (const [name, spec] of Object.entries(profile.signals)) {
    checkSignal(profile, spec, (path, message, right) => add(['signals', name, ...path], message, right));
  }
  checkWrites(profile, (path, message, right) => add(['writes', ...path], message, right));
  if (profile.restart !== undefined) checkRestart(profile, profile.restart, signals, add);
  profile.codeTables.forEach((table, index) => {
    const kind = profile.signals[table.signal]?.kind;
    if (kind === undefined)
      add(['codeTables', index, 'signal'], `names no signal of this profile: no signal ${table.signal}`, signals);
    else if (kind !== 'code' && kind !== 'text')
      add(['codeTables', index, 'signal'], `names a ${kind}, not a code or text`, 'a code or text signal');
    for (const none of table.none) {
      if (table.codes[none] !== undefined)
        add(['codeTables', index, 'codes', none], 'is named in none as well', 'another none:, such as []');
    }
  });
  profile.states.forEach((rule, index) => {
    const when = rule.when;
    const isLast = index === profile.states.length - 1;
    if (isLast !== (when === undefined)) {
      add(
        ['states', index],
        isLast ? 'is the last rule, which must hold always' : 'holds always, so no later rule is ever asked',
        'one rule without when, as the last one, such as - state: IDLE',
      );
    }
    if (when === undefined) return;
    const spec = profile.signals[when.signal];
    if (spec === undefined) {
      add(['states', index, 'when', 'signal'], `names no signal of this profile: no signal ${when.signal}`, signals);
    }
    if ((when.is === undefined) === (when.above === undefined)) {
      add(['states', index, 'when'], 'has both or neither of is and above', 'is: VALUE or above: NUMBER');
    }
    if (spec === undefined) return;
    const types = valueTypes(profile, spec);
    if (when.is !== undefined && !types.some(([type]) => type === typeof when.is)) {
      const what = `can never hold: ${when.signal} is a ${spec.kind}`;
      add(['states', index, 'when', 'is'], what, types.map(([, words]) => words).join(' or '));
    }
    if (when.above !== undefined && !types.some(([type]) => type === 'number')) {
      add(['states', index, 'when', 'above'], `can never hold: ${when.signal} is a ${spec.kind}`, 'is: VALUE');
    }
  });
  return problems;
}

function checkRestart(profile: Profile, sign: NonNullable<Profile['restart']>, signals: string, add: Add): void {
  if ((sign.uptime === undefined) === (sign.flag === undefined))
    add(['restart'], 'has both or neither of uptime and flag', 'uptime: SIGNAL or flag: SIGNAL');
  for (const [key, name] of Object.entries(sign)) {
    const spec = name === undefined ? undefined : profile.signals[name];
    if (spec === undefined)
      add(['restart', key], `names no signal of this profile: no signal ${String(name)}`, signals);
    else if (key === 'flag' && spec.kind !== 'flag')
      add(['restart', 'flag'], `names a ${spec.kind}, not a flag`, 'a signal of kind flag');
    else if (key === 'uptime' && ((spec.kind !== 'gauge' && spec.kind !== 'counter') || spec.unit !== 'SEC'))
      add(['restart', 'uptime'], `names a ${spec.kind} in ${spec.unit}`, 'a gauge or counter in SEC');
  }
}

/** What values of a signal are, as typeof and in words. A code of a register is a number; elsewhere it may be a word. */
function valueTypes(profile: Profile, spec: SignalSpec): readonly (readonly [type: string, words: string])[] {
  const number = ['number', 'a number'] as const;
  const text = ['string', 'a text'] as const;
  switch (spec.kind) {
    case 'gauge':
    case 'counter':
      return [number];
    case 'flag':
      return [['boolean', 'true or false']];
    case 'text':
      return [text];
    case 'code':
      if (spec.words !== undefined) return [text];
      return profile.protocol === 'modbus' ? [number] : [number, text];
  }
}

function checkSignal(profile: Profile, spec: SignalSpec, add: Add): void {
  if (spec.range !== undefined && spec.range[0] > spec.range[1])
    add(['range'], 'has its first limit above the second', '[lowest, highest]');
  const poll = [...new Set(['normal', ...Object.keys(profile.polls)])].join(', ');
  const knownPoll = spec.poll === 'normal' || profile.polls[spec.poll] !== undefined;
  if (!knownPoll) add(['poll'], `names no poll class ${spec.poll} of polls`, poll);
  const from = spec.from;
  const fits = {
    modbus: 'table' in from,
    line: isLineSource(from),
    opcua: 'path' in from || 'node' in from,
    efka: 'parameter' in from,
    'knit-floor': 'message' in from,
    'stoll-events': 'event' in from,
  };
  if (!fits[profile.protocol]) {
    add(['from'], `is no source of protocol ${profile.protocol}`, sources[profile.protocol]);
    return;
  }
  if (profile.line !== undefined) checkLineSource(profile.line, spec, add);
  if ('parameter' in from) checkEfkaSource(spec, from, add);
  if ('table' in from) checkModbusSource(profile, spec, from, add);
}
