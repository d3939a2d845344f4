/**
 * One subscription with its monitored items: made, or taken over from a session that was lost (OPC 10000-4, 5.14.7), so that
 * what the server kept for us while we were away is still delivered.
 *
 * Invariant: a subscription is taken over only when its items are those wanted now and the server says that it still has it.
 */
import type { MonitoredItemNotification, EventFieldList, MonitoringParametersOptions, NodeId } from 'node-opcua-client';
import type { OpcuaLibrary, OpcuaSession } from './library.ts';
import type { MessageSink, Publishing } from './publishing.ts';
import { SequenceWatch } from './sequence.ts';

export interface SubscriptionWish {
  readonly publishingIntervalMs: number;
  readonly samplingIntervalMs: number;
  readonly queueSize: number;
  /** A message at least this often, ms. */
  readonly keepAliveMs: number;
}

export interface WantedItem {
  readonly handle: number;
  readonly nodeId: NodeId;
  /** Events of the node in place of its value. */
  readonly filter?: MonitoringParametersOptions['filter'];
}

/** What another session needs to take a subscription over. */
export interface LeftSubscription {
  readonly id: number;
  /** Its items, in words. */
  readonly items: string;
  readonly publishingIntervalMs: number;
  readonly keepAliveMs: number;
  readonly sequence: SequenceWatch;
}

/** What a session offers for it. */
export interface SessionParts {
  readonly library: OpcuaLibrary;
  readonly session: OpcuaSession;
  readonly publishing: Publishing;
}

const itemsPerRequest = 100;
const lifetimeMs = 60_000;
/** Events the server keeps between two sendings; a refresh brings all that hold at once. */
const eventQueueSize = 1_000;

export class Subscription {
  readonly id: number;
  readonly #parts: SessionParts;
  readonly #left: LeftSubscription;
  #lastSignMs: number;
  readonly #madeMs: number;
  #isEnded = false;
  #publishedMs: number | null = null;

  private constructor(parts: SessionParts, left: LeftSubscription, nowMs: number) {
    this.#parts = parts;
    this.#left = left;
    this.id = left.id;
    this.#lastSignMs = nowMs;
    this.#madeMs = nowMs;
  }

  /** Makes a new one. Throws what the session throws. */
  static async make(
    parts: SessionParts,
    wish: SubscriptionWish,
    items: readonly WantedItem[],
    sink: SubscriptionSink,
  ): Promise<Subscription> {
    const { session } = parts;
    const made = await session.createSubscription({
      requestedPublishingInterval: wish.publishingIntervalMs,
      // A server that forgets us when we are gone for a minute.
      requestedMaxKeepAliveCount: Math.max(1, Math.ceil(wish.keepAliveMs / wish.publishingIntervalMs)),
      requestedLifetimeCount: Math.max(10, Math.ceil(lifetimeMs / wish.publishingIntervalMs)),
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
      priority: 0,
    });
    // What the server made of our wishes counts, not what we asked for.
    const publishingIntervalMs = made.revisedPublishingInterval;
    const left: LeftSubscription = {
      id: made.subscriptionId,
      items: inWords(items),
      publishingIntervalMs,
      keepAliveMs: publishingIntervalMs * made.revisedMaxKeepAliveCount,
      sequence: new SequenceWatch(),
    };
    const subscription = new Subscription(parts, left, sink.nowMs());
    parts.publishing.add(left.id, left.keepAliveMs, subscription.#sink(sink), left.sequence);
    await monitor(parts, left.id, wish, items);
    return subscription;
  }

  /** Takes over what an earlier session left; null when the server no longer has it, or it is not what is wanted now. */
  static async takeOver(
    parts: SessionParts,
    left: LeftSubscription,
    items: readonly WantedItem[],
    sink: SubscriptionSink,
  ): Promise<Subscription | null> {
    if (left.items !== inWords(items)) return null;
    const available = await transferred(parts.session, left.id);
    if (available === null) return null;
    const kept = available.filter((number) => number >= left.sequence.next).sort((a, b) => a - b);
    const next = (kept.at(-1) ?? left.sequence.next - 1) + 1;
    const goingOn = { ...left, sequence: new SequenceWatch(next) };
    const subscription = new Subscription(parts, goingOn, sink.nowMs());
    parts.publishing.add(left.id, left.keepAliveMs, subscription.#sink(sink), goingOn.sequence);
    await parts.publishing.recover(left.id, kept);
    return subscription;
  }

  get publishingIntervalMs(): number {
    return this.#left.publishingIntervalMs;
  }

  /** Neither data nor keep-alive for three keep-alive intervals and a second, or ended by the server. */
  isSilent(nowMs: number): boolean {
    return this.#isEnded || nowMs - this.#lastSignMs > this.#silenceMs;
  }

  /** It has brought messages for longer than a silent one would have been noticed. */
  get isProven(): boolean {
    return !this.#isEnded && this.#lastSignMs - this.#madeMs > this.#silenceMs;
  }

  /**
   * Whether everything that changed before an instant of the server's clock has come: a later message is here, or none is due
   * yet. A server that does not say when it sends is believed to be in time.
   */
  hasCaughtUpTo(serverMs: number): boolean {
    if (this.#publishedMs === null) return true;
    return this.#publishedMs + this.#left.keepAliveMs + 2 * this.#left.publishingIntervalMs >= serverMs;
  }

  /** A message was sent after an instant of the server's clock, late enough to have had in it what changed before. */
  hasPublishedAfter(serverMs: number): boolean {
    return this.#publishedMs === null || this.#publishedMs > serverMs + 2 * this.#left.publishingIntervalMs;
  }

  get #silenceMs(): number {
    return 3 * this.#left.keepAliveMs + 1_000;
  }

  /** For the next session; null when the server has ended it. */
  leave(): LeftSubscription | null {
    this.#parts.publishing.remove(this.id);
    return this.#isEnded ? null : this.#left;
  }

  /** Deletes it at the server; never rejects. */
  async end(): Promise<void> {
    this.#parts.publishing.remove(this.id);
    const subscriptionIds = [this.id];
    await new Promise<void>((resolve) => {
      this.#parts.session.deleteSubscriptions({ subscriptionIds }, () => resolve());
    });
  }

  #sink(sink: SubscriptionSink): MessageSink {
    return {
      alive: (publishedMs) => {
        this.#lastSignMs = sink.nowMs();
        this.#publishedMs = publishedMs;
        sink.alive();
      },
      values: (items) => sink.values(items),
      events: (list) => sink.events(list),
      lost: (count) => sink.lost(count),
      ended: () => {
        this.#isEnded = true;
      },
    };
  }
}

/** Who takes what a subscription brings. */
export interface SubscriptionSink {
  /** Monotonic ms. */
  nowMs(): number;
  alive(): void;
  values(items: readonly MonitoredItemNotification[]): void;
  events(list: readonly EventFieldList[]): void;
  lost(count: number): void;
}

function inWords(items: readonly WantedItem[]): string {
  return items.map(({ handle, nodeId }) => `${handle} ${nodeId.toString()}`).join('\n');
}

async function monitor(
  { library, session }: SessionParts,
  subscriptionId: number,
  wish: SubscriptionWish,
  items: readonly WantedItem[],
): Promise<void> {
  const { AttributeIds, MonitoringMode, TimestampsToReturn } = library;
  for (let at = 0; at < items.length; at += itemsPerRequest) {
    // Items the server does not want to monitor are read by the heartbeat all the same.
    await session.createMonitoredItems({
      subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate: items.slice(at, at + itemsPerRequest).map(({ handle, nodeId, filter }) => ({
        itemToMonitor: { nodeId, attributeId: filter === undefined ? AttributeIds.Value : AttributeIds.EventNotifier },
        monitoringMode: MonitoringMode.Reporting,
        requestedParameters: {
          clientHandle: handle,
          samplingInterval: filter === undefined ? wish.samplingIntervalMs : 0,
          queueSize: filter === undefined ? wish.queueSize : eventQueueSize,
          discardOldest: true,
          ...(filter === undefined ? {} : { filter }),
        },
      })),
    });
  }
}

/** Numbers of the messages the server still has; null when it does not hand the subscription over, or knows no such service. */
function transferred(session: OpcuaSession, id: number): Promise<readonly number[] | null> {
  return new Promise((resolve) => {
    session.transferSubscriptions({ subscriptionIds: [id], sendInitialValues: false }, (error, response) => {
      const result = error === null ? response?.results?.[0] : undefined;
      const isTaken = result?.statusCode.name.startsWith('Good') === true;
      resolve(isTaken ? [...(result.availableSequenceNumbers ?? [])] : null);
    });
  });
}
