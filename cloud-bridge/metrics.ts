/** What the bridge counts of itself, since its start. Plain numbers; `api/metrics.ts` writes them as Prometheus text. */
import type { AckMessage, BlobAckMessage } from './contract.ts';

export class BridgeMetrics {
  upMessages = 0;
  upBytes = 0;
  /** Batches that wait to be judged and stored. */
  waiting = 0;
  commits = 0;
  commitMs = 0;
  recordsStored = 0;
  recordsKnown = 0;
  storeDown = false;
  /** Answers the broker did not take: the gateway sends again and is told `repeat`. */
  answersUnsent = 0;
  /** Chunks of evidence files that came, and what was answered. */
  chunks = 0;
  readonly chunkAnswers = { stored: 0, part: 0, later: 0, refused: 0 };
  /** Payloads that cannot be answered. */
  readonly dropped = { unnamed: 0, foreign: 0, topic: 0, status: 0, chunk: 0, result: 0 };
  readonly statuses = { taken: 0, older: 0 };
  /** What the embedded broker refused. */
  readonly refused = { connect: 0, publish: 0, subscribe: 0, size: 0, revoked: 0 };
  readonly enrolment = { joined: 0, renewed: 0, refused: 0 };
  readonly #answers = new Map<string, { result: string; code: string; count: number }>();

  countChunk(result: BlobAckMessage['result']): void {
    this.chunkAnswers[result] += 1;
  }

  countAnswer(result: AckMessage['result'], code: AckMessage['code']): void {
    const key = `${result} ${code ?? ''}`;
    const entry = this.#answers.get(key) ?? { result, code: code ?? '', count: 0 };
    entry.count += 1;
    this.#answers.set(key, entry);
  }

  answers(): readonly { readonly result: string; readonly code: string; readonly count: number }[] {
    return [...this.#answers.values()];
  }
}
