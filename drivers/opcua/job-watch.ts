/** The job lists of one machine in one session, read every few seconds: they are structures, and change seldom. */
import type { ClientSession, NodeId } from 'node-opcua-client';
import { bad } from '../decoded.ts';
import type { MachineFeed } from '../feed.ts';
import { currentJob, decodeJob, jobSignals } from './jobs.ts';
import type { OpcuaLibrary } from './library.ts';

const everyMs = 2_000;

export class JobWatch {
  readonly #library: OpcuaLibrary;
  readonly #session: ClientSession;
  readonly #feed: MachineFeed;
  readonly #orders: NodeId | null;
  readonly #responses: NodeId | null;
  #readMonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(
    library: OpcuaLibrary,
    session: ClientSession,
    feed: MachineFeed,
    orders: NodeId | null,
    responses: NodeId | null,
  ) {
    this.#library = library;
    this.#session = session;
    this.#feed = feed;
    this.#orders = orders;
    this.#responses = responses;
  }

  /** Does nothing before it is due. */
  async read(): Promise<void> {
    const { monotonicMs } = this.#feed.now();
    if (monotonicMs - this.#readMonotonicMs < everyMs) return;
    this.#readMonotonicMs = monotonicMs;
    const [orders, responses] = [await this.#list(this.#orders), await this.#list(this.#responses)];
    const at = this.#feed.now();
    const isUnreadable = orders === 'unreadable' || responses === 'unreadable';
    const decoded = isUnreadable ? null : decodeJob(currentJob(orders, responses));
    this.#feed.deliver(
      Object.keys(jobSignals).map((signal) =>
        this.#feed.reading(signal, decoded?.[signal] ?? bad('unexpected-type'), at),
      ),
      at,
    );
  }

  /** The structures of a list, decoded by the types the server describes. */
  async #list(nodeId: NodeId | null): Promise<unknown> {
    if (nodeId === null) return [];
    const { AttributeIds } = this.#library;
    const answer = await this.#session.read({ nodeId, attributeId: AttributeIds.Value });
    if (answer.statusCode.name.startsWith('Bad')) return 'unreadable';
    try {
      await this.#library.promoteOpaqueStructure(this.#session, [answer]);
    } catch {
      return 'unreadable';
    }
    return answer.value.value ?? [];
  }
}
