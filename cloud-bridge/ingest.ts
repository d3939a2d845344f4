/**
 * From `up` payload to signed answer.
 *
 * Invariants (each has a test in `test/unit/bridge/ingest.test.ts`):
 *  I1  `stored` and `repeat` are answered only after the commit that made them true.
 *  I2  Every payload that names a batch of its sender gets exactly one answer, unless the process dies or stops.
 *  I3  While the store cannot be written every batch is answered `later`; none is refused for it.
 *  I4  At most `maxWaiting` batches wait; one more is answered `later`, code `busy`, and counted.
 *  I5  A batch that cannot be stored does not keep the others of its group from being stored.
 *  I6  A small batch, as alerts make them, is stored next, whatever waits; of two groups at most one is of small ones while others wait.
 */
import type { KeyObject } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { batchName, decodeUp, signAck, topicOf, type AckMessage, type BatchName } from './contract.ts';
import { BridgeError } from './errors.ts';
import { reasonOf } from './files.ts';
import { judge, type Verdict } from './judge.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { Gateway } from './registry.ts';
import type { BridgeStore, CheckedBatch, Fork } from './store/bridge-store.ts';

export const maxWaiting = 512;
/** In SQLite one transaction holds the event loop for as long as its batches take to write: some 20 ms at the size limit of one. */
const maxGroup = 16;
const maxGroupBytes = 64 * 1024;
/** Between two groups; each takes microseconds. */
const maxTurns = 8;
/** A batch of a few records. */
const smallBytes = 4 * 1024;
const retryAfterS = { busy: 2, damaged: 2, storeDown: 15, storeFull: 60, configuration: 60, version: 600 } as const;

export interface IngestParts {
  readonly store: Pick<BridgeStore, 'commit' | 'troubleOf'>;
  readonly find: (gateway: string) => Gateway | null;
  readonly key: KeyObject;
  readonly nowMs: () => number;
  /** Sends an answer; may fail, as the gateway sends the batch again and is then told `repeat`. */
  readonly publish: (topic: string, payload: Buffer) => Promise<void>;
  readonly metrics: BridgeMetrics;
  readonly onFork: (fork: Fork) => void;
  readonly report: (error: BridgeError) => void;
  /** A payload came that is not what its topic says, or not from whom; for the audit. */
  readonly onDoubt?: (from: { readonly site: string; readonly gateway: string }, why: string) => void;
}

interface Waiting {
  readonly payload: Buffer;
  readonly from: { readonly site: string; readonly gateway: string };
}

export class Ingest {
  readonly #parts: IngestParts;
  #waiting: Waiting[] = [];
  /** The last group was of small ones. */
  #wereSmall = false;
  #draining: Promise<void> | null = null;
  #stopped = false;
  readonly #sending = new Set<Promise<void>>();

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /** Takes a payload from an `up` topic. Judged and stored in a later turn, together with what arrives meanwhile. */
  accept(payload: Buffer, from: { readonly site: string; readonly gateway: string }): void {
    if (this.#stopped) return;
    const { metrics } = this.#parts;
    metrics.upMessages += 1;
    metrics.upBytes += payload.length;
    if (this.#waiting.length >= maxWaiting) {
      const decoded = decodeUp(payload);
      const name = 'header' in decoded ? batchName.strip().parse(decoded.header) : decoded.name;
      if (name?.gateway === from.gateway) this.#answer(from, name, 'later', 'busy', retryAfterS.busy);
      return;
    }
    this.#waiting.push({ payload, from });
    metrics.waiting = this.#waiting.length;
    this.#draining ??= this.#drain();
  }

  /** Stores and answers what waits, then takes nothing more. Resolves when the answers are with the broker. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#draining;
    await Promise.allSettled(this.#sending);
  }

  async #drain(): Promise<void> {
    // One group after another, each in a turn of its own: what arrives while one is stored makes the next.
    while (this.#waiting.length > 0) {
      await this.#arrivals();
      await this.#group();
    }
    this.#draining = null;
  }

  /** Turns go by until one brings nothing: what came while the last group was stored takes several to be read, and may be an alert. */
  async #arrivals(): Promise<void> {
    for (let turn = 0, before = -1; turn < maxTurns && before !== this.#waiting.length; turn += 1) {
      before = this.#waiting.length;
      await nextTurn();
    }
  }

  async #group(): Promise<void> {
    const group = this.#nextGroup();
    this.#parts.metrics.waiting = this.#waiting.length;
    const checked: { batch: CheckedBatch; from: Waiting['from'] }[] = [];
    for (const { payload, from } of group) {
      const verdict = judge(payload, from, this.#parts.find);
      if (verdict.verdict === 'commit') checked.push({ batch: verdict.batch, from });
      else this.#answerVerdict(verdict, from);
    }
    if (checked.length === 0) return;
    try {
      await this.#commit(checked);
    } catch (error) {
      if (checked.length === 1 || this.#parts.store.troubleOf(error) !== null) this.#postpone(checked, error);
      else for (const one of checked) await this.#commitAlone(one);
    }
  }

  /** The oldest of the small ones, or of the others; each in its order. */
  #nextGroup(): readonly Waiting[] {
    const isSmall = ({ payload }: Waiting) => payload.length <= smallBytes;
    const small = this.#waiting.filter(isSmall);
    const others = this.#waiting.filter((one) => !isSmall(one));
    this.#wereSmall = small.length > 0 && (others.length === 0 || !this.#wereSmall);
    const from = this.#wereSmall ? small : others;
    let bytes = 0;
    const fitting = from.findIndex(({ payload }, at) => at >= maxGroup || (bytes += payload.length) > maxGroupBytes);
    const group = new Set(from.slice(0, fitting < 0 ? from.length : Math.max(1, fitting)));
    this.#waiting = this.#waiting.filter((one) => !group.has(one));
    return [...group];
  }

  async #commitAlone(one: { batch: CheckedBatch; from: Waiting['from'] }): Promise<void> {
    try {
      await this.#commit([one]);
    } catch (error) {
      this.#postpone([one], error);
    }
  }

  async #commit(checked: readonly { batch: CheckedBatch; from: Waiting['from'] }[]): Promise<void> {
    const { store, metrics, nowMs, onFork } = this.#parts;
    const startedMs = performance.now();
    const result = await store.commit(
      checked.map(({ batch }) => batch),
      nowMs(),
    );
    metrics.commits += 1;
    metrics.commitMs += performance.now() - startedMs;
    metrics.recordsStored += result.fresh;
    metrics.recordsKnown += result.known;
    metrics.storeDown = false;
    for (const [at, { batch, from }] of checked.entries()) {
      const outcome = result.outcomes[at] ?? 'conflict';
      if (outcome === 'conflict') this.#answer(from, batch.name, 'refused', 'conflict', null);
      else this.#answer(from, batch.name, outcome, null, null);
    }
    for (const fork of result.forks) onFork(fork);
  }

  #postpone(checked: readonly { batch: CheckedBatch; from: Waiting['from'] }[], error: unknown): void {
    const full = this.#parts.store.troubleOf(error) === 'full';
    // Said once an outage, not once a batch.
    if (!this.#parts.metrics.storeDown) {
      this.#parts.report(
        new BridgeError('storeUnwritable', `a batch could not be stored: ${reasonOf(error)}`, { cause: error }),
      );
    }
    this.#parts.metrics.storeDown = true;
    for (const { batch, from } of checked) {
      if (full) this.#answer(from, batch.name, 'later', 'store-full', retryAfterS.storeFull);
      else this.#answer(from, batch.name, 'later', 'store-down', retryAfterS.storeDown);
    }
  }

  #answerVerdict(verdict: Verdict, from: Waiting['from']): void {
    if (verdict.verdict === 'drop') this.#parts.metrics.dropped[verdict.reason] += 1;
    const why = verdict.verdict === 'drop' ? verdict.reason : verdict.verdict === 'answer' ? verdict.code : null;
    if (why !== null) this.#parts.onDoubt?.(from, why);
    if (verdict.verdict !== 'answer') return;
    this.#answer(
      from,
      verdict.name,
      verdict.result,
      verdict.code,
      verdict.result === 'later' ? waitFor(verdict.code) : null,
    );
  }

  #answer(
    from: Waiting['from'],
    name: BatchName,
    result: AckMessage['result'],
    code: AckMessage['code'],
    retryAfterS: number | null,
  ): void {
    const { metrics, key, publish } = this.#parts;
    metrics.countAnswer(result, code);
    const ack = signAck({ v: 1, ...name, result, code, retryAfterS }, key);
    const sent = publish(topicOf(from.site, from.gateway, 'ack'), Buffer.from(JSON.stringify(ack))).catch(() => {
      metrics.answersUnsent += 1;
    });
    this.#sending.add(sent);
    void sent.finally(() => this.#sending.delete(sent));
  }
}

function waitFor(code: string): number {
  if (code === 'unknown-version') return retryAfterS.version;
  if (code === 'damaged') return retryAfterS.damaged;
  if (code === 'busy') return retryAfterS.busy;
  return retryAfterS.configuration;
}
