/** What the schema alone cannot see in a profile: names that must exist, sources that must fit the protocol. Pure. */
import type { Profile, SignalSpec } from './schema.ts';

export interface ProfileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Registers a Modbus value takes; coils and discrete inputs take one address. */
export function modbusLength(from: Extract<SignalSpec['from'], { table: string }>): number {
  if (from.table === 'coil' || from.table === 'discrete') return 1;
  switch (from.type) {
    case 'uint16':
    case 'int16':
    case 'bcd16':
      return 1;
    case 'uint32':
    case 'int32':
    case 'float32':
    case 'bcd32':
      return 2;
    case 'uint64':
    case 'int64':
    case 'float64':
      return 4;
    case 'string':
      return from.registers ?? 0;
  }
}

/** Every problem of a profile that has passed its schema; empty when it can be used. */
export function profileProblems(profile: Profile): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  const add = (path: readonly (string | number)[], message: string): void => void problems.push({ path, message });
  const block = profile.protocol;
  if (block === 'line' && profile.line === undefined) add(['line'], 'is needed with protocol line');
  for (const other of ['modbus', 'line', 'opcua'] as const) {
    if (other !== block && profile[other] !== undefined) add([other], `has no meaning with protocol ${block}`);
  }
  if (Object.keys(profile.signals).length === 0) add(['signals'], 'at least one signal is needed');
  for (const [name, spec] of Object.entries(profile.signals)) {
    checkSignal(profile, name, spec, (path, message) => add(['signals', name, ...path], message));
  }
  profile.codeTables.forEach((table, index) => {
    const kind = profile.signals[table.signal]?.kind;
    if (kind === undefined) add(['codeTables', index, 'signal'], `no signal ${table.signal}`);
    else if (kind !== 'code' && kind !== 'text')
      add(['codeTables', index, 'signal'], `${table.signal} is a ${kind}, not a code or text`);
    for (const none of table.none) {
      if (table.codes[none] !== undefined) add(['codeTables', index, 'codes', none], 'is named in none as well');
    }
  });
  profile.states.forEach((rule, index) => {
    const when = rule.when;
    const isLast = index === profile.states.length - 1;
    if (isLast !== (when === undefined)) {
      add(
        ['states', index],
        isLast ? 'the last rule must hold always (no when)' : 'only the last rule may be without when',
      );
    }
    if (when === undefined) return;
    if (profile.signals[when.signal] === undefined)
      add(['states', index, 'when', 'signal'], `no signal ${when.signal}`);
    if ((when.is === undefined) === (when.above === undefined))
      add(['states', index, 'when'], 'exactly one of is, above');
  });
  return problems;
}

function checkSignal(
  profile: Profile,
  name: string,
  spec: SignalSpec,
  add: (path: readonly (string | number)[], message: string) => void,
): void {
  if (spec.range !== undefined && spec.range[0] > spec.range[1]) add(['range'], 'the first limit is above the second');
  const knownPoll = spec.poll === 'normal' || profile.polls[spec.poll] !== undefined;
  if (!knownPoll) add(['poll'], `no poll class ${spec.poll} in polls`);
  const from = spec.from;
  const fits = { modbus: 'table' in from, line: 'field' in from, opcua: 'path' in from };
  if (!fits[profile.protocol]) {
    add(['from'], `is no source of protocol ${profile.protocol}`);
    return;
  }
  if ('field' in from && profile.line !== undefined && from.field >= profile.line.fields) {
    add(['from', 'field'], `the line has fields 0 … ${profile.line.fields - 1}`);
  }
  if ('table' in from) checkModbusSource(profile, name, spec, from, add);
}

function checkModbusSource(
  profile: Profile,
  name: string,
  spec: SignalSpec,
  from: Extract<SignalSpec['from'], { table: string }>,
  add: (path: readonly (string | number)[], message: string) => void,
): void {
  const base = profile.modbus?.addressBase ?? 0;
  const cap = profile.modbus?.maxRegistersPerRead ?? 125;
  const length = modbusLength(from);
  if (from.address < base) add(['from', 'address'], `addresses of this profile begin at ${base}`);
  if (from.address - base + length > 65_536) add(['from', 'address'], 'reaches beyond the last register');
  if (from.table === 'coil' || from.table === 'discrete') {
    if (spec.kind !== 'flag') add(['kind'], `a ${from.table} is a flag`);
    if (from.bit !== undefined) add(['from', 'bit'], `a ${from.table} is one bit`);
    return;
  }
  if (length > cap) add(['from'], `${name} takes ${length} registers, more than one read may have (${cap})`);
  if ((from.type === 'string') !== (spec.kind === 'text'))
    add(['from', 'type'], 'string goes with kind text and no other');
  if ((from.type === 'string') !== (from.registers !== undefined))
    add(['from', 'registers'], 'is for strings, which need it');
  if (from.bit !== undefined && from.type !== 'uint16') add(['from', 'bit'], 'a bit is taken from a uint16');
  if (from.bit !== undefined && spec.kind !== 'flag') add(['kind'], 'one bit is a flag');
}
