/**
 * Alarms and conditions of a machine (OPC 10000-9): events of the server to "holds" and "holds no longer".
 *
 * Invariants:
 *  - A condition is told by its name and the band of its severity, once when it begins and once when it ends.
 *  - After a refresh nothing holds that the server did not name in it.
 *  - Branches, which are the past of a condition, are not the condition.
 */
import type { ClientSession, EventFieldList, NodeId, Variant } from 'node-opcua-client';
import type { OpcuaLibrary } from './library.ts';
import { snake, words } from './names.ts';

/** Told outside; `MachineFeed.condition` is one. */
export type ConditionTeller = (name: string, active: boolean, text: string | null) => void;

const ids = {
  baseEvent: 'ns=0;i=2041',
  condition: 'ns=0;i=2782',
  alarm: 'ns=0;i=2915',
  refreshStart: 'ns=0;i=2787',
  refreshEnd: 'ns=0;i=2788',
  refreshRequired: 'ns=0;i=2789',
  conditionRefresh: 'ns=0;i=3875',
} as const;

/** In the order in which the server sends them: type that has the field, path. */
const fields = [
  [ids.baseEvent, 'EventType'],
  [ids.baseEvent, 'SourceName'],
  [ids.baseEvent, 'SourceNode'],
  [ids.baseEvent, 'Message'],
  [ids.baseEvent, 'Severity'],
  [ids.condition, 'ConditionName'],
  [ids.condition, 'Retain'],
  [ids.condition, 'BranchId'],
  [ids.condition, 'EnabledState/Id'],
  [ids.alarm, 'ActiveState/Id'],
  // The condition's own node has no path.
  [ids.condition, ''],
] as const;

export function conditionFilter(library: OpcuaLibrary) {
  const { AttributeIds } = library;
  return new library.EventFilter({
    selectClauses: fields.map(([typeDefinitionId, path]) => ({
      typeDefinitionId: library.coerceNodeId(typeDefinitionId),
      browsePath: path === '' ? [] : path.split('/').map((name) => ({ name })),
      attributeId: path === '' ? AttributeIds.NodeId : AttributeIds.Value,
    })),
  });
}

/** Asks the server to send all conditions that are in an interesting state. False when it does not do that. */
export async function refreshConditions(library: OpcuaLibrary, session: ClientSession, subscriptionId: number) {
  try {
    const { statusCode } = await session.call({
      objectId: library.coerceNodeId(ids.condition),
      methodId: library.coerceNodeId(ids.conditionRefresh),
      inputArguments: [{ dataType: library.DataType.UInt32, value: subscriptionId }],
    });
    return statusCode.name.startsWith('Good');
  } catch {
    return false;
  }
}

/** OPC 10000-9, 5.2: 1 … 1000; the bands are those of its Annex. */
function band(severity: number): 'low' | 'medium' | 'high' {
  return severity <= 333 ? 'low' : severity <= 666 ? 'medium' : 'high';
}

export class ConditionWatch {
  readonly #tell: ConditionTeller;
  /** Whether an event with this source is the machine's. */
  readonly #isOurs: (source: string) => boolean;
  /** Name by the condition's node. */
  readonly #holding = new Map<string, string>();
  /** Those a running refresh has not named yet. */
  #unnamed: Set<string> | null = null;

  constructor(tell: ConditionTeller, isOurs: (source: string) => boolean) {
    this.#tell = tell;
    this.#isOurs = isOurs;
  }

  /** @returns true when the server asks to be asked for a refresh */
  events(list: readonly EventFieldList[]): boolean {
    let wantsRefresh = false;
    for (const { eventFields } of list) {
      const values = (eventFields ?? []).map((variant: Variant): unknown => variant.value);
      const type = String(values[0]);
      if (type === ids.refreshStart || bare(type) === bare(ids.refreshStart))
        this.#unnamed = new Set(this.#holding.keys());
      else if (bare(type) === bare(ids.refreshEnd)) this.#refreshed();
      else if (bare(type) === bare(ids.refreshRequired)) wantsRefresh = true;
      else this.#event(values);
    }
    return wantsRefresh;
  }

  #refreshed(): void {
    for (const key of this.#unnamed ?? []) this.#end(key);
    this.#unnamed = null;
  }

  #event(values: readonly unknown[]): void {
    const [, sourceName, sourceNode, message, severity, conditionName, retain, branch, enabled, active, node] = values;
    const own = text(conditionName);
    // Other events say what happened, not what holds.
    if (own === null || !isNullNode(branch) || !this.#isOurs(String(sourceNode))) return;
    const source = text(sourceName);
    const key = isNullNode(node) ? `${source ?? ''} ${own}` : String(node);
    this.#unnamed?.delete(key);
    const holds = enabled !== false && (typeof active === 'boolean' ? active : retain === true);
    if (!holds) return this.#end(key);
    const name = `condition.${band(typeof severity === 'number' ? severity : 500)}.${nameOf(source, own)}`;
    if (this.#holding.get(key) !== name) this.#end(key);
    this.#holding.set(key, name);
    this.#tell(name, true, text(message) ?? own);
  }

  #end(key: string): void {
    const name = this.#holding.get(key);
    if (name === undefined) return;
    this.#holding.delete(key);
    if (![...this.#holding.values()].includes(name)) this.#tell(name, false, null);
  }

  /** The machine is watched no longer, or tells of no conditions any more. */
  endAll(): void {
    for (const key of this.#holding.keys()) this.#end(key);
  }
}

/** Source and condition, without saying twice what both say. */
function nameOf(source: string | null, own: string): string {
  const more = source === null || words(own).join(' ').includes(words(source).join(' ')) ? own : `${source} ${own}`;
  return snake(more);
}

function text(value: unknown): string | null {
  const plain = typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
  if (typeof plain !== 'string' || plain.trim() === '') return null;
  return plain
    .replaceAll(/[\p{Cc}\ufffd]/gu, ' ')
    .trim()
    .slice(0, 256);
}

/** `i=2787` and `ns=0;i=2787` are the same. */
const bare = (node: string) => node.replace(/^ns=0;/, '');

function isNullNode(node: unknown): boolean {
  return node === null || node === undefined || ['i=0', ''].includes(bare((node as NodeId).toString()));
}

/** Which node tells of a machine's conditions: the machine itself where it sends events, else the server. */
export async function eventSource(
  library: OpcuaLibrary,
  session: ClientSession,
  machine: NodeId,
): Promise<{ readonly nodeId: NodeId; readonly isMachine: boolean }> {
  const answer = await session.read({ nodeId: machine, attributeId: library.AttributeIds.EventNotifier });
  const notifier: unknown = answer.value.value;
  const isMachine = typeof notifier === 'number' && (notifier & 1) === 1;
  return { nodeId: isMachine ? machine : library.resolveNodeId('Server'), isMachine };
}
