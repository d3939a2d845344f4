/**
 * The one connection to a broker that the uplink sends by: the brokers are tried in their order, again and again, and the first is gone back to
 * when it has been well for a while (`brokers.ts` has the times).
 *
 * Invariants (test/integration/sync-brokers.test.ts, sync.test.ts):
 *  L1  At any moment one connection counts. Another one to the first broker takes its place only when it stands.
 *  L2  Each connection has a number that rises and a session nobody can guess; its birth and its will carry both.
 *  L3  After `stop` nothing is connected again, and no timer is left.
 */
import { randomBytes } from 'node:crypto';
import { signStatus, topicOf, type StatusMessage } from '../../cloud-bridge/contract.ts';
import type { BackoffOptions } from '../../drivers/contract.ts';
import type { SealedBatch } from '../store/outbox.ts';
import { nextBroker, reconnectMs, returnMs } from './brokers.ts';
import { openLink, type Link } from './link.ts';
import type { Identity, UplinkOptions } from './uplink-ports.ts';

/** Doubling would notice the bridge late by the whole outage; 1.3 keeps it to about a sixth, and the tries of a day to some thousands. */
const defaultReconnect: BackoffOptions = { minMs: 500, maxMs: 30_000, factor: 1.3 };
const connectTimeoutMs = 10_000;
const goodbyeMs = 400;

export interface ConnectionClosed {
  readonly reason: string;
  /** The broker said no; it takes a person to change that. */
  readonly refused: boolean;
  /** It had stood until now. */
  readonly wasReady: boolean;
}

export interface ConnectionHandlers {
  /** What goes ahead of everything; asked when a connection stands, before it counts as ready. */
  prepare(): Promise<readonly SealedBatch[]>;
  onReady(first: readonly SealedBatch[]): void;
  onAck(payload: Buffer): void;
  /** The connection was left for one to the first broker; what is in flight may be answered by neither. */
  onMoved(): void;
  onClosed(closed: ConnectionClosed): void;
}

export class Connection {
  readonly #o: UplinkOptions;
  readonly #h: ConnectionHandlers;
  readonly #urls: readonly string[];
  #identity: Identity;
  #running = false;
  #ready = false;
  #link: Link | null = null;
  /** Index of the broker that is connected, or tried. */
  #at = 0;
  /** Tries since one stood. */
  #attempt = 0;
  #made = 0;
  /** Of each connection, while it is used. */
  readonly #numbers = new WeakMap<Link, number>();
  #retry: NodeJS.Timeout | null = null;
  /** A connection to the first broker while another one still works. */
  #candidate: Link | null = null;
  #returning: NodeJS.Timeout | null = null;

  constructor(options: UplinkOptions, handlers: ConnectionHandlers) {
    this.#o = options;
    this.#h = handlers;
    this.#urls = [options.url, ...(options.moreUrls ?? [])];
    this.#identity = { gatewayKey: options.gatewayKey, certificate: null };
  }

  /** It stands, and what goes ahead of everything has been prepared. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** One is there, if not ready. */
  get isThere(): boolean {
    return this.#link !== null;
  }

  /** Connections of this process, begun ones included. */
  get made(): number {
    return this.#made;
  }

  /** What the connection signs with: read anew at each, because the renewal replaces it. */
  get gatewayKey(): Identity['gatewayKey'] {
    return this.#identity.gatewayKey;
  }

  start(): void {
    this.#running = true;
    this.#connect();
  }

  /** Says goodbye for at most 400 ms. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of [this.#retry, this.#returning]) if (timer !== null) clearTimeout(timer);
    this.#candidate?.drop('stopped');
    this.#candidate = null;
    const link = this.#link;
    this.#link = null;
    if (link === null) return;
    if (this.#ready) this.#sayGoodbye(link);
    this.#ready = false;
    await link.end(goodbyeMs);
  }

  /** Into nothing while there is no connection: the store has it. */
  publish(channel: 'up' | 'blob', payload: Buffer): void {
    this.#link?.publish(this.#topic(channel), payload, false);
  }

  /** Closed at once, to be made anew. */
  drop(reason: string): void {
    this.#link?.drop(reason);
  }

  #connect(): void {
    this.#retry = null;
    if (!this.#readIdentity()) {
      this.#onClosed({ reason: 'key-unusable', refused: true });
      return;
    }
    this.#link = this.#open(this.#at);
  }

  #open(at: number): Link {
    const number = ++this.#made;
    const session = randomBytes(16).toString('hex');
    const sinceMs = this.#o.clock.monotonicMs();
    const link = openLink(
      {
        url: this.#urls[at] ?? this.#o.url,
        gateway: this.#o.gateway,
        password: this.#o.password,
        ca: this.#o.ca ?? null,
        certificate: this.#identity.certificate,
        keepaliveS: this.#o.keepaliveS ?? 15,
        connectTimeoutMs,
        will: { topic: this.#topic('status'), payload: JSON.stringify(this.#status(number, false, session)) },
        subscribeTo: this.#o.onCommand === undefined ? [this.#topic('ack')] : [this.#topic('ack'), this.#topic('cmd')],
      },
      {
        onReady: () => {
          if (link === this.#candidate) this.#moveTo(link);
          void this.#onReady(link, number, session);
        },
        onMessage: (topic, payload) => {
          if (topic === this.#topic('cmd')) void this.#onCommand(link, payload, { id: session, sinceMs });
          else this.#h.onAck(payload);
        },
        onClosed: (closed) => {
          if (link === this.#candidate) {
            this.#candidate = null;
            this.#returnLater();
          } else if (link === this.#link || this.#link === null) this.#onClosed(closed);
        },
      },
    );
    this.#numbers.set(link, number);
    return link;
  }

  #readIdentity(): boolean {
    try {
      if (this.#o.identity !== undefined) this.#identity = this.#o.identity();
      return true;
    } catch (error) {
      this.#o.log('error', 'the key or certificate of the uplink cannot be used', {
        error: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
  }

  /** The first broker is tried beside the one that works, which is left only for a connection that stands. */
  #returnLater(): void {
    if (this.#returning !== null) clearTimeout(this.#returning);
    this.#returning = null;
    if (this.#at === 0 || !this.#running) return;
    this.#returning = setTimeout(
      () => {
        this.#returning = null;
        if (this.#ready && this.#candidate === null) this.#candidate = this.#open(0);
      },
      this.#o.returnMs?.(this.#o.random()) ?? returnMs(this.#o.random()),
    );
  }

  #moveTo(link: Link): void {
    const old = this.#link;
    this.#candidate = null;
    this.#link = link;
    this.#at = 0;
    this.#ready = false;
    this.#h.onMoved();
    if (old === null) return;
    this.#sayGoodbye(old);
    void old.end(goodbyeMs);
  }

  async #onReady(link: Link, number: number, session: string): Promise<void> {
    link.publish(this.#topic('status'), JSON.stringify(this.#status(number, true, session)), true);
    const first = await this.#h.prepare();
    if (this.#link !== link || !this.#running) return;
    this.#ready = true;
    this.#attempt = 0;
    this.#returnLater();
    this.#h.onReady(first);
  }

  #onClosed({ reason, refused }: Omit<ConnectionClosed, 'wasReady'>): void {
    this.#link = null;
    if (!this.#running) return;
    const wasReady = this.#ready;
    this.#ready = false;
    if (this.#returning !== null) clearTimeout(this.#returning);
    this.#returning = null;
    this.#candidate?.drop('broker-lost');
    this.#candidate = null;
    this.#h.onClosed({ reason, refused, wasReady });
    const reconnect = this.#o.reconnect ?? defaultReconnect;
    // A refusal needs a person: asking fast would only fill the broker's log.
    const minMs = refused ? reconnect.maxMs : reconnect.minMs;
    this.#at = nextBroker(this.#at, this.#urls.length);
    const delayMs = reconnectMs({ ...reconnect, minMs }, ++this.#attempt, this.#urls.length, this.#o.random);
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  async #onCommand(link: Link, payload: Buffer, session: { id: string; sinceMs: number }): Promise<void> {
    const reply = await this.#o.onCommand?.(payload, session);
    // By another connection the bridge asks again, and is given the stored answer.
    if (reply === undefined || this.#link !== link) return;
    if (reply.answer !== null) {
      link.publish(this.#topic('res'), reply.answer, false, () => {
        if (reply.renewSession) link.drop('session-renewed');
      });
    }
  }

  /** Under the connection's own number: the death of an older one says nothing of the one that took its place. */
  #sayGoodbye(link: Link): void {
    const status = this.#status(this.#numbers.get(link) ?? this.#made, false, '');
    link.publish(this.#topic('status'), JSON.stringify(status), true);
  }

  #status(connection: number, online: boolean, session: string): StatusMessage {
    const { gateway, boot, previousBoot, agentVersion } = this.#o;
    const atMs = this.#o.clock.wallMs();
    const said = { v: 1, gateway, boot, previousBoot, connection, online, atMs, agentVersion, session } as const;
    return signStatus(this.#o.site, said, this.#identity.gatewayKey);
  }

  #topic(channel: 'up' | 'ack' | 'status' | 'blob' | 'cmd' | 'res'): string {
    return topicOf(this.#o.site, this.#o.gateway, channel);
  }
}
