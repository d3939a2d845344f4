/**
 * The publish requests of one session and the messages they bring (OPC 10000-4, 5.14.5 and 5.14.6). The library's own
 * subscriptions neither notice a missing message nor can be handed from one session to the next; these do.
 *
 * Invariants:
 *  - The messages of a subscription are delivered in the order of their numbers, each once; one that is missing is asked for
 *    again before those behind it are delivered, and told as lost where the server no longer has it.
 *  - A few requests are always with the server; a server that answers each of them with an error is asked no faster than
 *    every `retryMs`.
 *  - After `stop` nothing is sent or delivered.
 */
import type { EventFieldList, MonitoredItemNotification, NotificationMessage } from 'node-opcua-client';
import type { OpcuaLibrary, OpcuaSession } from './library.ts';
import { SequenceWatch } from './sequence.ts';

export interface MessageSink {
  /**
   * Any message came, be it a keep-alive: the subscription lives.
   * @param publishedMs when the server sent it, by the server's clock, UTC ms; null where it did not say
   */
  alive(publishedMs: number | null): void;
  values(items: readonly MonitoredItemNotification[]): void;
  events(list: readonly EventFieldList[]): void;
  /** So many messages are gone for good. */
  lost(count: number): void;
  /** The server has ended the subscription. */
  ended(): void;
}

interface Subscribed {
  readonly id: number;
  readonly sink: MessageSink;
  readonly sequence: SequenceWatch;
  /** The longest a publish request may wait for an answer, ms. */
  readonly patienceMs: number;
  /** Messages that wait for missing ones; null while none is missing. */
  waiting: NotificationMessage[] | null;
}

/** Requests with the server beyond one for each subscription: the next is there before the last one's answer is handled. */
const spareRequests = 2;
const retryMs = 250;
/** While missing messages are asked for; more than a minute of a server that sends ten a second. */
const maxWaiting = 600;

export class Publishing {
  readonly #library: OpcuaLibrary;
  readonly #session: OpcuaSession;
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #acknowledged: { subscriptionId: number; sequenceNumber: number }[] = [];
  #pending = 0;
  /** What the server takes; lowered when it says so. */
  #mostPending = 64;
  #stopped = false;

  constructor(library: OpcuaLibrary, session: OpcuaSession) {
    this.#library = library;
    this.#session = session;
  }

  /** @param sequence goes on where another session's left off */
  add(id: number, keepAliveMs: number, sink: MessageSink, sequence = new SequenceWatch()): void {
    this.#subscribed.set(id, { id, sink, sequence, patienceMs: 2 * keepAliveMs + 10_000, waiting: null });
    this.#replenish();
  }

  remove(id: number): void {
    this.#subscribed.delete(id);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#retries) clearTimeout(timer);
    this.#subscribed.clear();
  }

  /** Asks for messages that were sent and not received; resolves when what the server still had is delivered. */
  async recover(id: number, sequenceNumbers: readonly number[]): Promise<void> {
    const subscribed = this.#subscribed.get(id);
    if (subscribed === undefined) return;
    subscribed.waiting ??= [];
    await this.#republish(subscribed, sequenceNumbers);
  }

  #replenish(): void {
    if (this.#stopped || this.#subscribed.size === 0) return;
    const wanted = Math.min(this.#subscribed.size + spareRequests, this.#mostPending);
    while (this.#pending < wanted) this.#request();
  }

  #request(): void {
    this.#pending += 1;
    const subscriptionAcknowledgements = this.#acknowledged;
    this.#acknowledged = [];
    const patienceMs = Math.max(...[...this.#subscribed.values()].map((one) => one.patienceMs));
    const request = new this.#library.PublishRequest({
      requestHeader: { timeoutHint: patienceMs * this.#pending },
      subscriptionAcknowledgements,
    });
    this.#session.publish(request, (error, response) => {
      this.#pending -= 1;
      if (this.#stopped) return;
      if (error !== null || response === undefined) return this.#failed(error);
      this.#message(response.subscriptionId, response.notificationMessage);
      this.#replenish();
    });
  }

  #failed(error: Error | null): void {
    const text = error?.message ?? '';
    if (text.includes('BadTooManyPublishRequests')) this.#mostPending = Math.max(1, this.#pending);
    if (text.includes('BadNoSubscription')) {
      // A subscription that was just made is known to the server before its answer is to us, so these are gone.
      for (const { id, sink } of this.#subscribed.values()) {
        this.#subscribed.delete(id);
        sink.ended();
      }
    }
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      this.#replenish();
    }, retryMs);
    this.#retries.add(timer);
  }

  #message(id: number, message: NotificationMessage): void {
    const subscribed = this.#subscribed.get(id);
    if (subscribed === undefined) return;
    const published = message.publishTime?.getTime() ?? 0;
    subscribed.sink.alive(published > 0 ? published : null);
    const isKeepAlive = (message.notificationData ?? []).length === 0;
    const { missing, lost, isNew } = subscribed.sequence.arrived(message.sequenceNumber, isKeepAlive);
    if (!isKeepAlive) this.#acknowledged.push({ subscriptionId: id, sequenceNumber: message.sequenceNumber });
    if (lost > 0) subscribed.sink.lost(lost);
    if (!isNew) return;
    if (subscribed.waiting === null && missing.length === 0) return this.#deliver(subscribed, message);
    if (subscribed.waiting === null) {
      subscribed.waiting = [message];
      void this.#republish(subscribed, missing);
      return;
    }
    // What goes missing while others are asked for is not waited for a second time.
    if (missing.length > 0) subscribed.sink.lost(missing.length);
    subscribed.waiting.push(message);
    if (subscribed.waiting.length > maxWaiting) {
      subscribed.waiting.shift();
      subscribed.sink.lost(1);
    }
  }

  async #republish(subscribed: Subscribed, sequenceNumbers: readonly number[]): Promise<void> {
    let lost = 0;
    for (const sequenceNumber of sequenceNumbers) {
      const message = await this.#republished(subscribed.id, sequenceNumber);
      if (this.#stopped || this.#subscribed.get(subscribed.id) !== subscribed) return;
      if (message === null) lost += 1;
      else {
        this.#acknowledged.push({ subscriptionId: subscribed.id, sequenceNumber });
        this.#deliver(subscribed, message);
      }
    }
    if (lost > 0) subscribed.sink.lost(lost);
    const waiting = subscribed.waiting ?? [];
    subscribed.waiting = null;
    for (const message of waiting) this.#deliver(subscribed, message);
  }

  /** Null when the server no longer has it, or knows no Republish. */
  #republished(subscriptionId: number, retransmitSequenceNumber: number): Promise<NotificationMessage | null> {
    const request = new this.#library.RepublishRequest({ subscriptionId, retransmitSequenceNumber });
    return new Promise((resolve) => {
      this.#session.republish(request, (error, response) => {
        resolve(error === null ? (response?.notificationMessage ?? null) : null);
      });
    });
  }

  #deliver({ id, sink }: Subscribed, message: NotificationMessage): void {
    const { DataChangeNotification, EventNotificationList, StatusChangeNotification } = this.#library;
    for (const part of message.notificationData ?? []) {
      if (part instanceof DataChangeNotification) sink.values(part.monitoredItems ?? []);
      else if (part instanceof EventNotificationList) sink.events(part.events ?? []);
      else if (part instanceof StatusChangeNotification && !part.status.name.startsWith('Good')) {
        this.#subscribed.delete(id);
        sink.ended();
      }
    }
  }
}
