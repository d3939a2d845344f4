/**
 * From names to nodes: the machine below Objects/Machines (OPC 40001-1, 5.2) and the signal paths below the machine. Node ids
 * and namespace indexes are the server's private matter and may change with every restart, so nothing of them outlives a
 * session.
 */
import type {
  AttributeIds,
  BrowseResult,
  ClientSession,
  DataValue,
  NodeId,
  ReferenceDescription,
} from 'node-opcua-client';
import type { Profile } from '../profiles/schema.ts';
import { inNamespaces, parseExpandedNode } from './expanded-node.ts';
import { toServerValue, type OpcuaLibrary } from './library.ts';
import { OpcuaTrouble } from './trouble.ts';

export const machineryNamespace = 'http://opcfoundation.org/UA/Machinery/';

/** Names as OPC 40001-1, 8.3 MachineIdentificationType and 7.3; absent where the server has no such node or no text. */
export type MachineIdentification = Readonly<Record<string, string>>;

const identificationNames = new Set([
  'Manufacturer',
  'ManufacturerUri',
  'Model',
  'ProductCode',
  'ProductInstanceUri',
  'SerialNumber',
  'SoftwareRevision',
  'HardwareRevision',
  'DeviceClass',
  'AssetId',
  'ComponentName',
  'Location',
  'YearOfConstruction',
]);

/** A server with wider folders than this gets the rest cut off; ours have a dozen children. */
const maxReferencesPerNode = 4_000;
/** What every server takes at once, though it may say less in its limits. */
const readsPerRequest = 100;
/** ReferenceType HasProperty (OPC 10000-5). */
const hasProperty = 'ns=0;i=46';

/** A node met on the way down from a machine. */
export interface Met {
  readonly nodeId: NodeId;
  /** BrowseName without its namespace. */
  readonly name: string;
  /** From the machine down to it, as a profile writes it. */
  readonly path: readonly string[];
  readonly nodeClass: 'Object' | 'Variable';
  readonly isProperty: boolean;
  readonly typeDefinition: NodeId;
  readonly parent: Met | null;
}

/** How far down and how wide a machine is looked through. */
const maxDepth = 8;
const maxMet = 4_000;
const browsesPerRequest = 50;

/** Children by browsing, each node once, for the time of one resolution. */
export class AddressSpace {
  readonly #library: OpcuaLibrary;
  readonly #session: ClientSession;
  readonly #children = new Map<string, Promise<readonly ReferenceDescription[]>>();
  #namespaces: readonly string[] = [];

  constructor(library: OpcuaLibrary, session: ClientSession) {
    this.#library = library;
    this.#session = session;
  }

  async readNamespaces(): Promise<void> {
    this.#namespaces = await this.#session.readNamespaceArray();
  }

  /** The object of the machine. Throws OpcuaTrouble when it is not there or when there are several to choose from. */
  async findMachine(browseName: string | undefined): Promise<NodeId> {
    const objects = this.#library.resolveNodeId('ObjectsFolder');
    const machines =
      (await this.#child(objects, `${machineryNamespace}#Machines`)) ?? (await this.#child(objects, 'Machines'));
    if (machines === null) throw new OpcuaTrouble('machine-not-found', 'the server has no Objects/Machines');
    if (browseName !== undefined) {
      const machine = await this.#child(machines, browseName);
      if (machine === null)
        throw new OpcuaTrouble('machine-not-found', `no machine ${browseName} below Objects/Machines`);
      return machine;
    }
    const all = (await this.#childrenOf(machines)).filter(
      (reference) => this.#library.NodeClass[reference.nodeClass] === 'Object',
    );
    const [first, ...others] = all;
    if (first === undefined) throw new OpcuaTrouble('machine-not-found', 'Objects/Machines is empty');
    if (others.length > 0) {
      const names = all.map((reference) => reference.browseName.name).join(', ');
      throw new OpcuaTrouble('machine-ambiguous', `name one of ${names} in the profile (opcua.machineBrowseName)`);
    }
    return first.nodeId;
  }

  /**
   * Everything below the machine, level by level, each node once; what lies beyond the bounds is left out.
   * @returns the nodes met, and whether the bounds cut something off
   */
  async walk(machine: NodeId): Promise<{ readonly met: readonly Met[]; readonly isCut: boolean }> {
    const met: Met[] = [];
    const seen = new Set([machine.toString()]);
    let level: readonly (Met | null)[] = [null];
    for (let depth = 0; depth < maxDepth && level.length > 0; depth += 1) {
      const next: Met[] = [];
      const lists = await this.#childrenOfMany(level.map((one) => one?.nodeId ?? machine));
      for (const [index, references] of lists.entries()) {
        const parent = level[index] ?? null;
        for (const reference of references) {
          const key = reference.nodeId.toString();
          const nodeClass = this.#library.NodeClass[reference.nodeClass];
          if (seen.has(key) || (nodeClass !== 'Object' && nodeClass !== 'Variable')) continue;
          if (met.length >= maxMet) return { met, isCut: true };
          seen.add(key);
          const name = reference.browseName.name ?? '';
          const uri = this.#namespaces[reference.browseName.namespaceIndex];
          const step = uri === undefined || reference.browseName.namespaceIndex === 0 ? name : `${uri}#${name}`;
          const one: Met = {
            nodeId: reference.nodeId,
            name,
            path: [...(parent?.path ?? []), step],
            nodeClass,
            isProperty: reference.referenceTypeId.toString() === hasProperty,
            typeDefinition: reference.typeDefinition,
            parent,
          };
          met.push(one);
          // A property has nothing below it, and of a variable only what it consists of.
          if (!one.isProperty) next.push(one);
        }
      }
      level = next;
    }
    return { met, isCut: level.length > 0 };
  }

  async #childrenOfMany(nodes: readonly NodeId[]): Promise<(readonly ReferenceDescription[])[]> {
    const lists: (readonly ReferenceDescription[])[] = [];
    for (let at = 0; at < nodes.length; at += browsesPerRequest) {
      const some = nodes.slice(at, at + browsesPerRequest);
      const results = await this.#session.browse(some.map((nodeId) => this.#browseOf(nodeId)));
      for (const [index, nodeId] of some.entries()) {
        const result = results[index];
        const whole = result === undefined ? [] : await this.#whole(result);
        this.#children.set(nodeId.toString(), Promise.resolve(whole));
        lists.push(whole);
      }
    }
    return lists;
  }

  /** The children of a node by BrowseName; the first of each name. */
  async childrenByName(node: NodeId): Promise<ReadonlyMap<string, NodeId>> {
    const byName = new Map<string, NodeId>();
    for (const { browseName, nodeId } of await this.#childrenOf(node)) {
      const name = browseName.name ?? '';
      if (!byName.has(name)) byName.set(name, nodeId);
    }
    return byName;
  }

  /** BrowseNames of nodes, '' where a node has none. */
  async namesOf(nodes: readonly NodeId[]): Promise<string[]> {
    const values = await this.readMany(nodes, 'BrowseName');
    return values.map(({ value }) => {
      const qualified: unknown = value.value;
      return typeof qualified === 'object' && qualified !== null && 'name' in qualified ? String(qualified.name) : '';
    });
  }

  async readMany(nodes: readonly NodeId[], attribute: keyof typeof AttributeIds): Promise<DataValue[]> {
    const attributeId = this.#library.AttributeIds[attribute];
    const values: DataValue[] = [];
    for (let at = 0; at < nodes.length; at += readsPerRequest) {
      const some = nodes.slice(at, at + readsPerRequest).map((nodeId) => ({ nodeId, attributeId }));
      values.push(...(await this.#session.read(some)));
    }
    return values;
  }

  /** A node that is named with its namespace's URI, in this session's numbering. */
  node(text: string): NodeId | 'unknown-namespace' {
    const found = inNamespaces(parseExpandedNode(text), this.#namespaces);
    return found === null ? 'unknown-namespace' : this.#library.coerceNodeId(found);
  }

  /** The node at the end of the path, or null when a step of it is not there. */
  async findPath(from: NodeId, path: readonly string[]): Promise<NodeId | null> {
    let node: NodeId | null = from;
    for (const step of path) {
      if (node === null) return null;
      node = await this.#child(node, step);
    }
    return node;
  }

  /** What the machine says of itself; empty when it has no Identification. */
  async identification(machine: NodeId): Promise<MachineIdentification> {
    const object = await this.#child(machine, 'Identification');
    if (object === null) return {};
    const named = (await this.#childrenOf(object)).flatMap((reference) => {
      const name = reference.browseName.name ?? '';
      return identificationNames.has(name) ? [{ name, nodeId: reference.nodeId }] : [];
    });
    if (named.length === 0) return {};
    const values = await this.#session.read(
      named.map(({ nodeId }) => ({ nodeId, attributeId: this.#library.AttributeIds.Value })),
    );
    const found: Record<string, string> = {};
    for (const [index, { name }] of named.entries()) {
      const received = values[index];
      const value = received === undefined ? null : toServerValue(this.#library, received).value;
      if (value !== null && String(value) !== '') found[name] = String(value).slice(0, 256);
    }
    return found;
  }

  /** `step` is a BrowseName of any namespace, or `namespace-uri#name`. */
  async #child(node: NodeId, step: string): Promise<NodeId | null> {
    const hash = step.lastIndexOf('#');
    const uri = hash === -1 ? null : step.slice(0, hash);
    const name = step.slice(hash + 1);
    const index = uri === null ? null : this.#namespaces.indexOf(uri);
    const found = (await this.#childrenOf(node)).find(
      ({ browseName }) => browseName.name === name && (index === null || browseName.namespaceIndex === index),
    );
    return found?.nodeId ?? null;
  }

  #childrenOf(node: NodeId): Promise<readonly ReferenceDescription[]> {
    const key = node.toString();
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const fresh = this.#browse(node);
    this.#children.set(key, fresh);
    return fresh;
  }

  async #browse(node: NodeId): Promise<readonly ReferenceDescription[]> {
    return this.#whole(await this.#session.browse(this.#browseOf(node)));
  }

  #browseOf(nodeId: NodeId) {
    const { BrowseDirection, ResultMask } = this.#library;
    return {
      nodeId,
      referenceTypeId: 'HierarchicalReferences',
      includeSubtypes: true,
      browseDirection: BrowseDirection.Forward,
      nodeClassMask: 0,
      resultMask: ResultMask.BrowseName | ResultMask.NodeClass | ResultMask.TypeDefinition | ResultMask.ReferenceType,
    };
  }

  async #whole(first: BrowseResult): Promise<readonly ReferenceDescription[]> {
    let result = first;
    const references = [...(result.references ?? [])];
    while (result.continuationPoint !== null && result.continuationPoint?.length > 0) {
      const release = references.length >= maxReferencesPerNode;
      result = await this.#session.browseNext(result.continuationPoint, release);
      if (release) break;
      references.push(...(result.references ?? []));
    }
    return references;
  }
}

/** Where a signal is in this session, or why it is nowhere. */
export type Place = NodeId | 'unknown-node' | 'unknown-namespace';

/** The nodes of a profile's signals. A node that is named itself is looked at, so that one that is not there is told as such. */
export async function resolveSignals(
  space: AddressSpace,
  machine: NodeId,
  profile: Profile,
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  const named: { signal: string; nodeId: NodeId }[] = [];
  for (const [signal, { from }] of Object.entries(profile.signals)) {
    if ('path' in from) places.set(signal, (await space.findPath(machine, from.path)) ?? 'unknown-node');
    else if ('node' in from) {
      const place = space.node(from.node);
      places.set(signal, place);
      if (typeof place !== 'string') named.push({ signal, nodeId: place });
    }
  }
  const classes = await space.readMany(
    named.map(({ nodeId }) => nodeId),
    'NodeClass',
  );
  for (const [index, { signal }] of named.entries()) {
    if (classes[index]?.statusCode.name.startsWith('Bad') !== false) places.set(signal, 'unknown-node');
  }
  return places;
}
