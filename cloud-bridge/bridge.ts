/**
 * The bridge, put together: broker link → topic → ingest or status → store, and the API beside it. Nothing else of this
 * room knows more than its own part.
 */
import type { KeyObject } from 'node:crypto';
import type { ApiParts } from './api/parts.ts';
import { ApiServer } from './api/server.ts';
import { Blobs } from './blobs.ts';
import type { BrokerLink, Incoming } from './broker/link.ts';
import type { AuditEntry } from './audit.ts';
import { parseTopic, topicOf, type Channel } from './contract.ts';
import { Ingest } from './ingest.ts';
import { judgeStatus } from './judge.ts';
import type { Log } from './log.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { Registry } from './registry.ts';
import type { CommandBook } from './remote/book.ts';
import { CommandDesk } from './remote/desk.ts';
import { Statuses } from './statuses.ts';
import type { BridgeStore, Fork } from './store/bridge-store.ts';

export interface BridgeParts {
  readonly store: BridgeStore;
  readonly registry: Pick<Registry, 'find'>;
  readonly link: BrokerLink;
  readonly metrics: BridgeMetrics;
  readonly signingKey: KeyObject;
  /** null: this bridge sends no commands. */
  readonly book: CommandBook | null;
  readonly api: Pick<ApiParts, 'bind' | 'port' | 'tls' | 'findKey'>;
  /** True when the broker starts with the bridge, so that nobody can be connected to it yet. */
  readonly brokerIsOwn: boolean;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Keeps what was tried that may not be. */
  readonly note: (entry: AuditEntry) => void;
}

export class Bridge {
  readonly #parts: BridgeParts;
  readonly #ingest: Ingest;
  readonly #blobs: Blobs;
  readonly #statuses: Statuses;
  readonly #commands: CommandDesk | null;
  readonly #api: ApiServer;

  constructor(parts: BridgeParts) {
    this.#parts = parts;
    const { store, registry, link, metrics, signingKey, nowMs, log } = parts;
    this.#ingest = new Ingest({
      store,
      find: (gateway) => registry.find(gateway),
      key: signingKey,
      nowMs,
      publish: (topic, payload) => link.publish(topic, payload),
      metrics,
      onFork: (fork) => this.#onFork(fork),
      report: (error) => log.error(error),
      onDoubt: (from, why) => this.#onDoubt('up', from, why),
    });
    this.#blobs = new Blobs({
      store,
      find: (gateway) => registry.find(gateway),
      key: signingKey,
      nowMs,
      publish: (topic, payload) => link.publish(topic, payload),
      metrics,
      report: (error) => log.error(error),
      onDoubt: (from, why) => this.#onDoubt('blob', from, why),
    });
    this.#statuses = new Statuses({
      store,
      metrics,
      nowMs,
      onFork: (fork) => this.#onFork(fork),
      onTaken: ({ gateway, online }) => {
        const known = online ? registry.find(gateway) : null;
        if (known !== null) void this.#commands?.onBirth(known);
      },
      report: (error) => log.error(error),
    });
    const { book } = parts;
    this.#commands =
      book === null
        ? null
        : new CommandDesk({
            book,
            store,
            find: (gateway) => registry.find(gateway),
            key: signingKey,
            publish: (topic, payload) => link.publish(topic, payload),
            metrics,
            nowMs,
            log,
          });
    const commands = this.#commands;
    const monotonicMs = () => performance.now();
    const mayConnect = (gateway: string) => {
      const known = registry.find(gateway);
      return known !== null && known.revoked !== true;
    };
    this.#api = new ApiServer({ store, metrics, link, commands, mayConnect, nowMs, monotonicMs, ...parts.api });
  }

  /** Listens. Rejects with a BridgeError, and has stopped what it had started, when it cannot. */
  async start(): Promise<void> {
    if (this.#parts.brokerIsOwn) await this.#parts.store.forgetConnections();
    try {
      await this.#api.start();
      await this.#parts.link.start((message) => this.#onMessage(message));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  get apiPort(): number {
    return this.#api.boundPort;
  }

  /** Stores and answers what has arrived, then closes everything but the store, which is its opener's to close. */
  async stop(): Promise<void> {
    this.#commands?.stop();
    await Promise.all([this.#ingest.stop(), this.#blobs.stop(), this.#statuses.stop()]);
    await Promise.all([this.#parts.link.stop(), this.#api.stop()]);
  }

  #onMessage({ topic, payload }: Incoming): void {
    const from = parseTopic(topic);
    switch (from?.channel) {
      case 'up':
        this.#ingest.accept(payload, from);
        return;
      case 'blob':
        this.#blobs.accept(payload, from);
        return;
      case 'status':
        this.#onStatus(payload, from);
        return;
      case 'res':
        void this.#commands?.onResult(payload, from);
        return;
      default:
        this.#parts.metrics.dropped.topic += 1;
    }
  }

  #onStatus(payload: Buffer, from: { readonly site: string; readonly gateway: string }): void {
    const { metrics, registry } = this.#parts;
    const verdict = judgeStatus(payload, from, (gateway) => registry.find(gateway), this.#parts.brokerIsOwn);
    if (verdict.verdict === 'drop') {
      metrics.dropped.status += 1;
      this.#onDoubt('status', from, verdict.reason);
      return;
    }
    this.#statuses.accept(verdict.site, verdict.status);
  }

  #onDoubt(channel: Channel, from: { readonly site: string; readonly gateway: string }, why: string): void {
    // The broker does not say who published; what it let through came on this topic.
    const on = topicOf(from.site, from.gateway, channel);
    const who = this.#parts.brokerIsOwn ? from.gateway : 'unknown';
    this.#parts.note({ event: 'refused', who, did: 'publish', on, why, from: null });
  }

  #onFork(fork: Fork): void {
    this.#parts.log.event('warn', 'fork', {
      gateway: fork.gateway,
      previousBoot: fork.previousBoot,
      boots: fork.boots.join(' '),
      text: 'cloned or restored gateway: several boots name one previous boot',
    });
  }
}
