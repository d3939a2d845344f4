/**
 * The bridge, put together: broker link → topic → ingest or status → store, and the API beside it. Nothing else of this
 * room knows more than its own part.
 */
import type { KeyObject } from 'node:crypto';
import type { ApiParts } from './api/parts.ts';
import { ApiServer } from './api/server.ts';
import { Blobs } from './blobs.ts';
import type { BrokerLink, Incoming } from './broker/link.ts';
import { parseTopic, statusMessage } from './contract.ts';
import { Ingest } from './ingest.ts';
import type { Log } from './log.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { Registry } from './registry.ts';
import { Statuses } from './statuses.ts';
import type { BridgeStore, Fork } from './store/bridge-store.ts';

const maxStatusBytes = 4096;

export interface BridgeParts {
  readonly store: BridgeStore;
  readonly registry: Pick<Registry, 'find'>;
  readonly link: BrokerLink;
  readonly metrics: BridgeMetrics;
  readonly signingKey: KeyObject;
  readonly api: Pick<ApiParts, 'bind' | 'port' | 'tls' | 'findKey'>;
  /** True when the broker starts with the bridge, so that nobody can be connected to it yet. */
  readonly brokerIsOwn: boolean;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class Bridge {
  readonly #parts: BridgeParts;
  readonly #ingest: Ingest;
  readonly #blobs: Blobs;
  readonly #statuses: Statuses;
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
    });
    this.#blobs = new Blobs({
      store,
      find: (gateway) => registry.find(gateway),
      key: signingKey,
      nowMs,
      publish: (topic, payload) => link.publish(topic, payload),
      metrics,
      report: (error) => log.error(error),
    });
    this.#statuses = new Statuses({
      store,
      metrics,
      nowMs,
      onFork: (fork) => this.#onFork(fork),
      report: (error) => log.error(error),
    });
    this.#api = new ApiServer({ store, metrics, link, nowMs, monotonicMs: () => performance.now(), ...parts.api });
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
      default:
        // Answers to commands: this version sends none.
        this.#parts.metrics.dropped.topic += 1;
    }
  }

  #onStatus(payload: Buffer, from: { readonly site: string; readonly gateway: string }): void {
    const { metrics, registry } = this.#parts;
    const status = parseStatus(payload);
    const gateway = registry.find(from.gateway);
    if (status === null || status.gateway !== from.gateway || gateway === null || gateway.site !== from.site) {
      metrics.dropped.status += 1;
      return;
    }
    // Of a revoked gateway only its end is news.
    if (gateway.revoked === true && status.online) {
      metrics.dropped.status += 1;
      return;
    }
    this.#statuses.accept(gateway.site, status);
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

function parseStatus(payload: Buffer) {
  if (payload.length > maxStatusBytes) return null;
  try {
    return statusMessage.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
