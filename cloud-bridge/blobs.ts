/**
 * From `blob` payload to signed answer: chunks of evidence files on their way to the store, one after another.
 *
 * Invariants (test/unit/bridge/blobs.test.ts):
 *  D1  An answer says what the store holds, after the commit that made it so.
 *  D2  A chunk whose signature does not hold with the key of its gateway changes nothing and gets no answer: a stranger cannot
 *      make the bridge refuse what a gateway has.
 *  D3  At most `maxChunks` wait; one more is answered `later`, code `busy`.
 *  D4  While the store cannot be written every chunk is answered `later`; none is refused for it.
 */
import type { KeyObject } from 'node:crypto';
import {
  chunkSignatureHolds,
  decodeBlob,
  signBlobAck,
  topicOf,
  type AckCode,
  type BlobAckMessage,
  type BlobHeader,
} from './contract.ts';
import { BridgeError } from './errors.ts';
import { reasonOf } from './files.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { Gateway } from './registry.ts';
import type { BridgeStore } from './store/bridge-store.ts';

export const maxChunks = 64;
const retryAfterS = { busy: 2, damaged: 2, storeDown: 15, storeFull: 60, configuration: 60 } as const;

export interface BlobParts {
  readonly store: Pick<BridgeStore, 'putChunk' | 'troubleOf'>;
  readonly find: (gateway: string) => Gateway | null;
  readonly key: KeyObject;
  readonly nowMs: () => number;
  /** Sends an answer; may fail, as the gateway sends the chunk again. */
  readonly publish: (topic: string, payload: Buffer) => Promise<void>;
  readonly metrics: BridgeMetrics;
  readonly report: (error: BridgeError) => void;
}

interface From {
  readonly site: string;
  readonly gateway: string;
}
interface Waiting {
  readonly header: BlobHeader;
  readonly bytes: Buffer;
  readonly from: From;
}
type Answer = Pick<BlobAckMessage, 'result' | 'held' | 'retryAfterS'> & { readonly code: AckCode | null };

const later = (code: AckCode, retryAfterS: number): Answer => ({ result: 'later', held: [], code, retryAfterS });

export class Blobs {
  readonly #parts: BlobParts;
  readonly #waiting: Waiting[] = [];
  readonly #sending = new Set<Promise<void>>();
  #draining: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: BlobParts) {
    this.#parts = parts;
  }

  /** Takes a payload from a `blob` topic. Judged at once, stored in its turn. */
  accept(payload: Buffer, from: From): void {
    if (this.#stopped) return;
    const { metrics, find } = this.#parts;
    metrics.chunks += 1;
    const decoded = decodeBlob(payload);
    const gateway = find(from.gateway);
    if (decoded === null || decoded.header.gateway !== from.gateway || gateway === null || gateway.revoked === true) {
      metrics.dropped.chunk += 1;
      return;
    }
    const { header, bytes } = decoded;
    const { v: _, ...signed } = header;
    const keys = gateway.previousKey === undefined ? [gateway.key] : [gateway.key, gateway.previousKey];
    if (!keys.some((key) => chunkSignatureHolds(signed, bytes, key))) {
      metrics.dropped.chunk += 1;
      return;
    }
    if (gateway.site !== from.site) this.#answer({ header, from }, later('wrong-site', retryAfterS.configuration));
    else if (this.#waiting.length >= maxChunks) this.#answer({ header, from }, later('busy', retryAfterS.busy));
    else {
      this.#waiting.push({ header, bytes, from });
      this.#draining ??= this.#drain();
    }
  }

  /** Stores and answers what waits, then takes nothing more. Resolves when the answers are with the broker. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#draining;
    await Promise.allSettled(this.#sending);
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      this.#answer(next, await this.#store(next));
      this.#waiting.shift();
    }
    this.#draining = null;
  }

  async #store({ header, bytes }: Waiting): Promise<Answer> {
    const { store, nowMs, metrics, report } = this.#parts;
    const { v: _, sig: _sig, ...name } = header;
    try {
      const found = await store.putChunk({ ...name, bytes }, nowMs());
      switch (found.state) {
        case 'stored':
          return { result: 'stored', held: [], code: null, retryAfterS: null };
        case 'part':
          return { result: 'part', held: [...found.held], code: null, retryAfterS: null };
        case 'damaged':
          return later('damaged', retryAfterS.damaged);
        case 'conflict':
          return { result: 'refused', held: [], code: 'conflict', retryAfterS: null };
      }
    } catch (error) {
      // Said once an outage, not once a chunk.
      if (!metrics.storeDown) {
        report(new BridgeError('storeUnwritable', `a chunk could not be stored: ${reasonOf(error)}`, { cause: error }));
      }
      metrics.storeDown = true;
      return store.troubleOf(error) === 'full'
        ? later('store-full', retryAfterS.storeFull)
        : later('store-down', retryAfterS.storeDown);
    }
  }

  #answer({ header, from }: Pick<Waiting, 'header' | 'from'>, answer: Answer): void {
    const { key, publish, metrics } = this.#parts;
    metrics.countChunk(answer.result);
    const ack = signBlobAck({ v: 1, gateway: header.gateway, blob: header.sha256, ...answer }, key);
    const sent = publish(topicOf(from.site, from.gateway, 'ack'), Buffer.from(JSON.stringify(ack))).catch(() => {
      metrics.answersUnsent += 1;
    });
    this.#sending.add(sent);
    void sent.finally(() => this.#sending.delete(sent));
  }
}
