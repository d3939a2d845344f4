/**
 * What a variable of a machine is: kind, unit, range and words of a signal, from what the server says of it. Pure.
 */
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { snake, words } from './names.ts';
import { conversion, unitCode, type UnitInformation } from './units.ts';

/** What was read of one variable and its properties; null where the server has none. */
export interface VariableFacts {
  /** BrowseNames from the machine down to it, as a profile writes them. */
  readonly path: readonly string[];
  /** Names from the folder of its group down to it, without namespaces; at least one. */
  readonly names: readonly string[];
  readonly group: 'monitoring' | 'lifetime' | 'operation';
  /** `Boolean`, `Int16`, `Double`, `String`, …: of the value, else as declared; null for what no signal can be. */
  readonly type: string | null;
  readonly unit: UnitInformation | null;
  /** What the instrument can show. */
  readonly instrumentRange: readonly [number, number] | null;
  /** What is normal. */
  readonly usualRange: readonly [number, number] | null;
  /** Word of each number, of an enumeration or multi-state variable. */
  readonly words: Readonly<Record<string, string>> | null;
}

export interface DescribedSignal {
  readonly name: string;
  readonly spec: SignalSpec;
}

/** One more than the highest number of the type; beyond 2^53 no step could be told. */
const wraps: Readonly<Record<string, number>> = {
  Byte: 2 ** 8,
  SByte: 2 ** 7,
  UInt16: 2 ** 16,
  Int16: 2 ** 15,
  UInt32: 2 ** 32,
  Int32: 2 ** 31,
};
const widest = Number.MAX_SAFE_INTEGER;
const numbers = new Set([...Object.keys(wraps), 'Int64', 'UInt64', 'Float', 'Double']);

/** Operation counters of OPC 40001-1, 13: canonical name, unit, and how fast one can grow where it is written seldom. */
const operation: Readonly<Record<string, readonly [name: string, unit: string, maxRatePerS: number]>> = {
  'power on duration': ['operation.power_on_time', 'C26', 4_000_000],
  'operation duration': ['operation.run_time', 'C26', 4_000_000],
  'operation cycle counter': ['operation.cycle_count', 'C62', 100],
};

/** Null for a variable that can be no signal. `taken` is extended by its name. */
export function describeVariable(
  facts: VariableFacts,
  known: NonNullable<Profile['opcua']>['names'],
  taken: Set<string>,
): DescribedSignal | null {
  const { type } = facts;
  if (type === null) return null;
  const base = { scale: 1, offset: 0, notANumber: [], poll: 'normal', from: { path: [...facts.path] } };
  const own = facts.names.at(-1) ?? '';
  if (type === 'Boolean') return named(facts, null, taken, { ...base, kind: 'flag', unit: 'C62' });
  if (type === 'String' || type === 'LocalizedText') {
    const name = words(own).join(' ') === 'stop cause' ? 'stop.cause' : null;
    return named(facts, name, taken, { ...base, kind: 'text', unit: 'C62' });
  }
  if (!numbers.has(type)) return null;
  if (facts.words !== null)
    return named(facts, null, taken, { ...base, kind: 'code', unit: 'C62', words: facts.words });
  const counted = facts.group === 'operation' ? operation[words(own).join(' ')] : undefined;
  if (counted !== undefined) {
    const [name, unit, maxRatePerS] = counted;
    return named(facts, name, taken, {
      ...base,
      kind: 'counter',
      unit,
      wrapsAt: wraps[type] ?? widest,
      maxRatePerS,
      heartbeatS: 60,
    });
  }
  const unit = unitCode(facts.unit);
  const entry = knownName(own, known);
  const way = entry === null ? null : conversion(unit, entry.unit);
  if (entry !== null && way !== null && !taken.has(entry.name)) {
    const [scale, offset] = way;
    const spec = { ...base, scale, offset, unit: entry.unit, heartbeatS: 60 };
    if (entry.maxRatePerS !== undefined) {
      const wrapsAt = (wraps[type] ?? widest) * scale;
      return named(facts, entry.name, taken, { ...spec, kind: 'counter', wrapsAt, maxRatePerS: entry.maxRatePerS });
    }
    return named(facts, entry.name, taken, gauge({ ...spec, ...range(facts, scale, offset) }));
  }
  return named(facts, null, taken, gauge({ ...base, unit, heartbeatS: 60, ...range(facts, 1, 0) }));
}

function gauge<T extends object>(spec: T) {
  return { ...spec, kind: 'gauge' as const, deadband: 0, summarise: true };
}

/** A normal range is no limit of what can be: only what is its whole width outside of it is taken for impossible. */
function range(facts: VariableFacts, scale: number, offset: number): { range?: [number, number] } {
  const whole = facts.instrumentRange;
  const usual = facts.usualRange;
  const width = usual === null ? 0 : usual[1] - usual[0];
  const limits = whole ?? (usual === null ? null : ([usual[0] - width, usual[1] + width] as const));
  if (limits === null || !(limits[1] > limits[0]) || !limits.every(Number.isFinite)) return {};
  return { range: [limits[0] * scale + offset, limits[1] * scale + offset] };
}

function knownName(own: string, known: NonNullable<Profile['opcua']>['names']) {
  const wanted = words(own).join(' ');
  for (const [name, { names, unit, maxRatePerS }] of Object.entries(known)) {
    if (names.some((one) => words(one).join(' ') === wanted)) return { name, unit, maxRatePerS };
  }
  return null;
}

/** The name it is known by, else that of its group and its own; a second of the same name is numbered. */
function named(facts: VariableFacts, known: string | null, taken: Set<string>, spec: SignalSpec): DescribedSignal {
  const plain = [facts.group, ...facts.names.map(snake)].join('.');
  let name = known !== null && !taken.has(known) ? known : plain;
  for (let more = 2; taken.has(name); more += 1) name = `${plain}_${more}`;
  taken.add(name);
  return { name, spec };
}
