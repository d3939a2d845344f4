/**
 * What a machine shows by OPC 40001-1, found by BrowseNames and by the names of types, never by numbers: makers put the
 * building blocks below `MachineryBuildingBlocks`, directly below the machine, or below folders of their own.
 *
 * Invariant: bounded. At most `maxSignals` signals of a machine; how many more there are is told.
 */
import type { DataValue, NodeId } from 'node-opcua-client';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { describeVariable, type VariableFacts } from './describe.ts';
import type { OpcuaLibrary } from './library.ts';
import type { AddressSpace, Met } from './nodes.ts';

export const maxSignals = 200;

export interface Layout {
  /** Signals of the profile whose path was found elsewhere. */
  readonly moved: ReadonlyMap<string, NodeId>;
  /** What the profile does not name. */
  readonly found: ReadonlyMap<string, { readonly spec: SignalSpec; readonly nodeId: NodeId }>;
  /** Of state machines: name of each state by the text of its node, by the node of their CurrentState. */
  readonly states: ReadonlyMap<string, StateMachine>;
  /** JobOrderList and JobOrderResponseList (OPC 10031-4); null where there are none. */
  readonly jobOrders: NodeId | null;
  readonly jobResponses: NodeId | null;
  /** Nodes of the machine, as texts: whose events are its own. */
  readonly nodes: ReadonlySet<string>;
  /** Variables that are no signals because there are too many. */
  readonly leftOut: number;
}

export interface StateMachine {
  /** The variable CurrentState.Id; null where there is none. */
  readonly idNode: NodeId | null;
  readonly nameOf: ReadonlyMap<string, string>;
}

const groups: readonly (readonly [VariableFacts['group'], readonly string[]])[] = [
  ['operation', ['OperationCounters', 'MachineryOperationCounters', 'MachineryOperationCounterType']],
  ['lifetime', ['LifetimeCounters', 'MachineryLifetimeCounters', 'MachineryLifetimeCounterType']],
  ['monitoring', ['Monitoring', 'MonitoringType']],
];
/** Where a machine has no Monitoring: everything it shows, but for these. */
const noMonitoring = new Set([
  'Identification',
  'MachineryItemState',
  'MachineryOperationMode',
  'JobManagement',
  'Jobs',
  'Notification',
  'Notifications',
  'OperationCounters',
  'LifetimeCounters',
]);

export async function discover(
  library: OpcuaLibrary,
  space: AddressSpace,
  machine: NodeId,
  profile: Profile,
): Promise<Layout> {
  const { met } = await space.walk(machine);
  const typeNames = await namesOfTypes(space, met);
  const named = (one: Met, ...names: readonly string[]): boolean =>
    names.includes(one.name) || names.includes(typeNames.get(one.typeDefinition.toString()) ?? '');
  const states = await stateMachines(space, met);
  const candidates = candidatesOf(met, named);
  const taken = new Set(Object.keys(profile.signals));
  const found = new Map<string, { spec: SignalSpec; nodeId: NodeId }>();
  const facts = await factsOf(library, space, candidates);
  let leftOut = 0;
  for (const [index, { one }] of candidates.entries()) {
    const fact = facts[index];
    if (fact === undefined) continue;
    if (found.size >= maxSignals) {
      if (fact.type !== null) leftOut += 1;
      continue;
    }
    const signal = describeVariable(fact, profile.opcua?.names ?? {}, taken);
    if (signal !== null) found.set(signal.name, { spec: signal.spec, nodeId: one.nodeId });
  }
  const variable = (...names: readonly string[]): NodeId | null =>
    met.find((one) => one.nodeClass === 'Variable' && names.includes(one.name))?.nodeId ?? null;
  return {
    moved: moved(met, profile, typeNames),
    found,
    states,
    jobOrders: variable('JobOrderList'),
    jobResponses: variable('JobOrderResponseList', 'JobResponseList'),
    nodes: new Set([machine, ...met.map((one) => one.nodeId)].map(String)),
    leftOut,
  };
}

async function namesOfTypes(space: AddressSpace, met: readonly Met[]): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, NodeId>();
  for (const { typeDefinition, nodeClass } of met) {
    if (nodeClass === 'Object' && !typeDefinition.isEmpty()) types.set(typeDefinition.toString(), typeDefinition);
  }
  const names = await space.namesOf([...types.values()]);
  return new Map([...types.keys()].map((key, index) => [key, names[index] ?? '']));
}

/** A path of the profile that is found somewhere below the machine, the nearest to it first. */
function moved(met: readonly Met[], profile: Profile, typeNames: ReadonlyMap<string, string>): Map<string, NodeId> {
  const nodes = new Map<string, NodeId>();
  for (const [signal, { from }] of Object.entries(profile.signals)) {
    if (!('path' in from)) continue;
    const wanted = from.path.map(bare);
    const place = met.find((one) => endsWith(one, wanted, typeNames));
    if (place !== undefined) nodes.set(signal, place.nodeId);
  }
  return nodes;
}

const bare = (step: string) => step.slice(step.lastIndexOf('#') + 1);

/** An object fits by its own name or by that of its type: `MachineryItemState_StateMachineType` is a `MachineryItemState`. */
function endsWith(one: Met, wanted: readonly string[], typeNames: ReadonlyMap<string, string>): boolean {
  let at: Met | null = one;
  for (const name of wanted.toReversed()) {
    if (at === null) return false;
    const type = typeNames.get(at.typeDefinition.toString()) ?? '';
    if (at.name !== name && !(at.nodeClass === 'Object' && type.replace(/_?StateMachineType$/, '') === name))
      return false;
    at = at.parent;
  }
  return true;
}

/** Every CurrentState below the machine, with the names of the states of its machine. */
async function stateMachines(space: AddressSpace, met: readonly Met[]): Promise<ReadonlyMap<string, StateMachine>> {
  const machines = new Map<string, StateMachine>();
  for (const one of met) {
    if (one.name !== 'CurrentState' || one.nodeClass !== 'Variable') continue;
    const id = met.find((other) => other.parent === one && other.name === 'Id');
    const nameOf = new Map<string, string>();
    const type = one.parent?.typeDefinition;
    // The states hang below the type; servers that copy them below the instance are served as well.
    for (const owner of [type, one.parent?.nodeId]) {
      if (owner === undefined || owner.isEmpty()) continue;
      for (const [name, nodeId] of await space.childrenByName(owner)) nameOf.set(nodeId.toString(), name);
    }
    machines.set(one.nodeId.toString(), { idNode: id?.nodeId ?? null, nameOf });
  }
  return machines;
}

interface Candidate {
  readonly one: Met;
  readonly group: VariableFacts['group'];
  readonly names: readonly string[];
}

function candidatesOf(met: readonly Met[], named: (one: Met, ...names: readonly string[]) => boolean): Candidate[] {
  const inGroups = met.flatMap((one): Candidate[] => {
    if (one.nodeClass !== 'Variable' || one.isProperty) return [];
    const names: string[] = [];
    for (let at: Met | null = one; at !== null; at = at.parent) {
      const owner = at;
      const group = at === one ? undefined : groups.find(([, folders]) => named(owner, ...folders));
      if (group !== undefined) return [{ one, group: group[0], names }];
      names.unshift(at.name);
    }
    return [];
  });
  if (inGroups.some(({ group }) => group === 'monitoring')) return inGroups;
  const others = met.flatMap((one): Candidate[] => {
    if (one.nodeClass !== 'Variable' || one.isProperty || inGroups.some((candidate) => candidate.one === one))
      return [];
    const names: string[] = [];
    for (let at: Met | null = one; at !== null; at = at.parent) {
      if (noMonitoring.has(at.name) || at.name === 'CurrentState' || at.name === 'LastTransition') return [];
      if (at.name !== 'MachineryBuildingBlocks') names.unshift(at.name);
    }
    return [{ one, group: 'monitoring', names }];
  });
  return [...inGroups, ...others];
}

/** Built-in types by their number in namespace 0 (OPC 10000-6, 5.1.2), and the abstract and derived ones that stand for them. */
const typeById: Readonly<Record<string, string>> = {
  'ns=0;i=1': 'Boolean',
  'ns=0;i=2': 'SByte',
  'ns=0;i=3': 'Byte',
  'ns=0;i=4': 'Int16',
  'ns=0;i=5': 'UInt16',
  'ns=0;i=6': 'Int32',
  'ns=0;i=7': 'UInt32',
  'ns=0;i=8': 'Int64',
  'ns=0;i=9': 'UInt64',
  'ns=0;i=10': 'Float',
  'ns=0;i=11': 'Double',
  'ns=0;i=12': 'String',
  'ns=0;i=21': 'LocalizedText',
  'ns=0;i=26': 'Double',
  'ns=0;i=27': 'Int64',
  'ns=0;i=28': 'UInt64',
  'ns=0;i=290': 'Double',
};

const about = ['EngineeringUnits', 'EURange', 'InstrumentRange', 'EnumStrings', 'EnumValues'] as const;

async function factsOf(
  library: OpcuaLibrary,
  space: AddressSpace,
  candidates: readonly Candidate[],
): Promise<VariableFacts[]> {
  const nodes = candidates.map(({ one }) => one.nodeId);
  const values = await space.readMany(nodes, 'Value');
  const declared = await space.readMany(nodes, 'DataType');
  const wanted: { index: number; name: string; nodeId: NodeId }[] = [];
  for (const [index, nodeId] of nodes.entries()) {
    const children = await space.childrenByName(nodeId);
    const own = about.flatMap((name) => {
      const child = children.get(name);
      return child === undefined ? [] : [{ index, name, nodeId: child }];
    });
    wanted.push(...own);
    const type: unknown = declared[index]?.value.value;
    const isEnumeration = isNode(library, type) && typeById[type.toString()] === undefined;
    if (!isEnumeration || own.some(({ name }) => name.startsWith('Enum'))) continue;
    // The words of an enumeration stand with its type.
    const ofType = await space.childrenByName(type);
    for (const name of ['EnumStrings', 'EnumValues']) {
      const child = ofType.get(name);
      if (child !== undefined) wanted.push({ index, name, nodeId: child });
    }
  }
  const properties = await space.readMany(
    wanted.map(({ nodeId }) => nodeId),
    'Value',
  );
  const byCandidate = nodes.map(() => new Map<string, unknown>());
  for (const [at, { index, name }] of wanted.entries()) byCandidate[index]?.set(name, properties[at]?.value.value);
  return candidates.map(({ one, group, names }, index) => {
    const more = byCandidate[index] ?? new Map<string, unknown>();
    return {
      path: one.path,
      names,
      group,
      type: typeOf(library, values[index], declared[index]),
      unit: unitOf(more.get('EngineeringUnits')),
      instrumentRange: rangeOf(more.get('InstrumentRange')),
      usualRange: rangeOf(more.get('EURange')),
      words: wordsOf(more.get('EnumStrings')) ?? wordsOf(more.get('EnumValues')),
    };
  });
}

function isNode(library: OpcuaLibrary, value: unknown): value is NodeId {
  return value instanceof library.NodeId;
}

/** Of the value where there is one, since a server knows best what it sends; arrays and structures are no signals. */
function typeOf(library: OpcuaLibrary, value: DataValue | undefined, declared: DataValue | undefined): string | null {
  const type = value === undefined ? 'Null' : library.DataType[value.value.dataType];
  if (type !== 'Null' && type !== undefined && value !== undefined) {
    return value.value.arrayType === library.VariantArrayType.Scalar ? type : null;
  }
  const id: unknown = declared?.value.value;
  if (!isNode(library, id)) return null;
  return typeById[id.toString()] ?? null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function textOf(value: unknown): string {
  const text = fieldOf(value, 'text') ?? value;
  return typeof text === 'string' ? text : '';
}

function unitOf(value: unknown): { unitId: number; displayName: string } | null {
  const unitId = fieldOf(value, 'unitId');
  if (typeof unitId !== 'number') return null;
  return { unitId, displayName: textOf(fieldOf(value, 'displayName')) };
}

function rangeOf(value: unknown): readonly [number, number] | null {
  const [low, high] = [fieldOf(value, 'low'), fieldOf(value, 'high')];
  return typeof low === 'number' && typeof high === 'number' && high > low ? [low, high] : null;
}

/** EnumStrings are LocalizedTexts in order from 0; EnumValues name their numbers. */
function wordsOf(value: unknown): Record<string, string> | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const found: Record<string, string> = {};
  for (const [index, one] of (value as readonly unknown[]).slice(0, 256).entries()) {
    const number = fieldOf(one, 'value');
    const word = textOf(fieldOf(one, 'displayName') ?? one).trim();
    const key = number === undefined ? index : Array.isArray(number) ? Number(number[1]) : Number(number);
    if (word !== '' && Number.isSafeInteger(key)) found[String(key)] = word.slice(0, 256);
  }
  return Object.keys(found).length === 0 ? null : found;
}
