/**
 * Takes stored records from the queue to a stream that other platforms read. Exactly once in the store; on the stream at least once, each under
 * its identity and revision, by which the stream drops what comes again within its window and readers drop the rest.
 *
 * Invariants (test/unit/bridge/fan-out.test.ts):
 *  N1  A row leaves the queue only when the stream has confirmed every record of it.
 *  N2  At most `maxInFlight` records are with the stream and not confirmed.
 *  N3  While stream or queue is away nothing is dropped; the queue is let go, so that another worker may try.
 *  N4  A record that the stream can never take, because it is too large, holds up nothing: it is counted and told.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import type { BridgeMetrics } from '../metrics.ts';

/** The records of one batch that were new. */
export interface Outgoing {
  readonly id: number;
  readonly site: string;
  readonly gateway: string;
  readonly boot: string;
  readonly receivedMs: number;
  /** JSON array of records. */
  readonly records: string;
}

export interface OutgoingQueue {
  /** True while this worker is the one that publishes; tries to become it. */
  hold(): Promise<boolean>;
  /** The oldest rows. */
  take(limit: number): Promise<readonly Outgoing[]>;
  drop(ids: readonly number[]): Promise<void>;
  /** Lets another worker publish. */
  release(): void;
  close(): Promise<void>;
}

export interface Stream {
  /** Connects, and makes the stream where there is none. */
  ready(): Promise<void>;
  /** Resolves when the stream has it durably; true: it had it already. */
  publish(subject: string, id: string, data: Buffer): Promise<boolean>;
  /** Bytes of one message, id and all. */
  readonly maxBytes: number;
  close(): Promise<void>;
}

export interface FanOutParts {
  readonly queue: OutgoingQueue;
  readonly stream: Stream;
  readonly metrics: BridgeMetrics;
  readonly nowMs: () => number;
  readonly report: (error: BridgeError) => void;
  /** Resolves after that many milliseconds, or at once when the signal says stop. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const maxInFlight = 256;
const rowsAtOnce = 16;
const waitMs = { empty: 200, other: 2_000, first: 500, most: 15_000 } as const;
/** Subject and headers of a message, generously. */
const overheadBytes = 512;

const record = z.looseObject({ n: z.int(), kind: z.string(), revision: z.int().default(0) });
const sleep = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal, ref: false }).catch(() => undefined);

interface Message {
  readonly subject: string;
  readonly id: string;
  readonly data: Buffer;
}

/** What goes on the stream for a row: one message a record. */
export function messagesOf({ site, gateway, boot, records }: Outgoing): Message[] {
  return z
    .array(record)
    .parse(JSON.parse(records))
    .map((one) => {
      const { revision, ...fields } = one;
      const whole = { site, gateway, boot, ...fields, ...(one.kind.includes('summary') ? { revision } : {}) };
      return {
        subject: `selvedge.v1.${site}.${gateway}.${one.kind}`,
        id: `${gateway}/${boot}/${one.n}/${revision}`,
        data: Buffer.from(JSON.stringify(whole)),
      };
    });
}

export class FanOut {
  readonly #parts: FanOutParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #away = false;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after what is with the stream at this moment. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.allSettled([this.#parts.queue.close(), this.#parts.stream.close()]);
  }

  async #run(): Promise<void> {
    const { queue, stream, report, metrics } = this.#parts;
    const { signal } = this.#stop;
    const pause = this.#parts.wait ?? sleep;
    let delayMs: number = waitMs.first;
    while (!signal.aborted) {
      try {
        if (!(await queue.hold())) {
          metrics.fanOut.oldestS = 0;
          await pause(waitMs.other, signal);
          continue;
        }
        await stream.ready();
        while (!signal.aborted && (await this.#some()));
        this.#away = false;
        delayMs = waitMs.first;
        await pause(waitMs.empty, signal);
      } catch (error) {
        // Said once an outage.
        if (!this.#away)
          report(
            error instanceof BridgeError ? error : new BridgeError('fanOutAway', reasonOf(error), { cause: error }),
          );
        this.#away = true;
        queue.release();
        await pause(delayMs, signal);
        delayMs = Math.min(waitMs.most, delayMs * 2);
      }
    }
  }

  /** Publishes the oldest rows; false when there are none. */
  async #some(): Promise<boolean> {
    const { queue, metrics, nowMs } = this.#parts;
    const rows = await queue.take(rowsAtOnce);
    metrics.fanOut.oldestS = Math.max(0, nowMs() - (rows[0]?.receivedMs ?? nowMs())) / 1000;
    if (rows.length === 0) return false;
    const messages = rows.flatMap(messagesOf);
    for (let at = 0; at < messages.length; at += maxInFlight) {
      await Promise.all(messages.slice(at, at + maxInFlight).map((message) => this.#publish(message)));
    }
    await queue.drop(rows.map(({ id }) => id));
    return true;
  }

  async #publish({ subject, id, data }: Message): Promise<void> {
    const { stream, metrics, report } = this.#parts;
    if (data.length + overheadBytes > stream.maxBytes) {
      metrics.fanOut.tooLarge += 1;
      report(new BridgeError('fanOutTooLarge', `${id} has ${data.length} bytes`));
      return;
    }
    const had = await stream.publish(subject, id, data);
    metrics.fanOut[had ? 'repeated' : 'published'] += 1;
  }
}
