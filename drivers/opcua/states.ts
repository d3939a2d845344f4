/**
 * The state of a state machine by the name of its state: the number of a state means something else in every server, and its
 * text is in the language of the server (OPC 10000-5, B.4.3 FiniteStateVariableType).
 */
import type { ClientSession, DataValue, NodeId } from 'node-opcua-client';
import type { ServerValue } from './decode.ts';
import type { StateMachine } from './discover.ts';
import { toServerValue, type OpcuaLibrary } from './library.ts';
import { words } from './names.ts';

/** Names of OPC 40001-1, 10.2 and 11.2, as they are written there. */
const known = [
  'NotAvailable',
  'OutOfService',
  'NotExecuting',
  'Executing',
  'None',
  'Maintenance',
  'Setup',
  'Processing',
];
const byWords = new Map(known.map((name) => [words(name).join(''), name]));

export interface StateReader {
  /** The variable to watch: CurrentState.Id where it can be understood, else CurrentState. */
  readonly nodeId: NodeId;
  readonly convert: (received: DataValue) => ServerValue;
}

export async function stateReader(
  library: OpcuaLibrary,
  session: ClientSession,
  currentState: NodeId,
  { idNode, nameOf }: StateMachine,
): Promise<StateReader> {
  const byText: StateReader = {
    nodeId: currentState,
    convert: (received) => {
      const plain = toServerValue(library, received);
      return typeof plain.value === 'string' ? { ...plain, value: canonical(plain.value) } : plain;
    },
  };
  if (idNode === null) return byText;
  const answer = await session.read({ nodeId: idNode, attributeId: library.AttributeIds.Value });
  if (nameIn(library, answer, nameOf) === null) return byText;
  return {
    nodeId: idNode,
    convert: (received) => {
      const plain = toServerValue(library, received);
      if (received.value.value === null) return plain;
      const name = nameIn(library, received, nameOf);
      return name === null ? plain : { ...plain, value: canonical(name), isOtherType: false };
    },
  };
}

function nameIn(library: OpcuaLibrary, received: DataValue, nameOf: ReadonlyMap<string, string>): string | null {
  const id: unknown = received.value.value;
  return id instanceof library.NodeId ? (nameOf.get(id.toString()) ?? null) : null;
}

/** `Not executing` and `NOT_EXECUTING` are `NotExecuting`; what is not known stays as it is. */
function canonical(name: string): string {
  return byWords.get(words(name).join('')) ?? name;
}
