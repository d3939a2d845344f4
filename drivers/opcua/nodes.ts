/**
 * From names to nodes: the machine below Objects/Machines (OPC 40001-1, 5.2) and the signal paths below the machine. Node ids
 * and namespace indexes are the server's private matter and may change with every restart, so nothing of them outlives a
 * session.
 */
import type { ClientSession, NodeId, ReferenceDescription } from 'node-opcua-client';
import type { Profile } from '../profiles/schema.ts';
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
const maxReferencesPerNode = 1_000;

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
    const { BrowseDirection, ResultMask } = this.#library;
    let result = await this.#session.browse({
      nodeId: node,
      referenceTypeId: 'HierarchicalReferences',
      includeSubtypes: true,
      browseDirection: BrowseDirection.Forward,
      nodeClassMask: 0,
      resultMask: ResultMask.BrowseName | ResultMask.NodeClass,
    });
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

/** The nodes of a profile's signals, in its order; null where the path leads nowhere. */
export async function resolveSignals(
  space: AddressSpace,
  machine: NodeId,
  profile: Profile,
): Promise<ReadonlyMap<string, NodeId | null>> {
  const nodes = new Map<string, NodeId | null>();
  for (const [signal, spec] of Object.entries(profile.signals)) {
    if ('path' in spec.from) nodes.set(signal, await space.findPath(machine, spec.from.path));
  }
  return nodes;
}
