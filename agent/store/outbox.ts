/** What the uplink asks of the store. Times are UTC ms, given by the caller. */
import type { ackResults, BatchBody, Lane } from '../../cloud-bridge/contract.ts';

export type AckResult = (typeof ackResults)[number];

/** A batch within its gateway. */
/** What the contract lets a batch be, in bytes. */
export interface BatchLimits {
  readonly unpackedBytes: number;
  readonly wireBytes: number;
}

export interface BatchKey {
  readonly boot: string;
  readonly seq: number;
}
/** A sealed batch: immutable from here on. */
export interface SealedBatch extends BatchKey {
  readonly sha256: string;
  readonly lane: Lane;
  readonly records: number;
  /** Sends before this one, of this process and earlier ones. */
  readonly sends: number;
  readonly bytes: Uint8Array;
}
/** What a batch says about its sender; it is part of the sealed bytes. */
export interface SealContext {
  readonly site: string;
  readonly gateway: string;
  readonly clock: BatchBody['clock'];
  readonly nowMs: number;
}
export interface TakeRequest {
  readonly lane: Lane;
  readonly limit: number;
  /** Batches in flight: they are not given again. */
  readonly exclude: readonly BatchKey[];
  readonly seal: SealContext;
  /** Live records wait this long for company before they are sealed. */
  readonly lingerMs: number;
  /** The minutes of a gateway with few signals wait this long for the next minute, if nothing else is with them; 0 when not given. */
  readonly minuteLingerMs?: number;
  /** Live records older than this go by the backlog lane, so that fresh ones never wait behind them. */
  readonly backlogAfterMs: number;
}
export interface OutboxCounts {
  /** Records not yet acked: those waiting to be sealed and those in unacked batches. Dead letters apart. */
  readonly records: number;
  readonly batches: number;
  readonly unsealed: { readonly alerts: number; readonly other: number };
  readonly oldestMs: number | null;
  readonly dead: number;
  /** Evidence files that wait for the bridge. */
  readonly files: number;
  /** Totals over the life of the database. */
  readonly sealed: number;
  readonly acked: number;
  readonly redelivered: number;
  /** Dead letters whose bytes were dropped because there were too many. */
  readonly deadDropped: number;
}
export interface BatchRow extends BatchKey {
  readonly sha256: string;
  readonly lane: Lane;
  readonly state: 'pending' | 'acked' | 'dead';
  readonly records: number;
  readonly wireBytes: number;
  readonly sealedMs: number;
  readonly sends: number;
  readonly result: AckResult | null;
  readonly code: string | null;
}
export interface Settlement extends BatchKey {
  readonly sha256: string;
  readonly result: AckResult;
  readonly code: string | null;
  readonly atMs: number;
}

/** An evidence file that waits for the bridge. */
export interface WaitingFile {
  readonly sha256: string;
  readonly bytes: number;
}
export interface FileSettlement {
  readonly sha256: string;
  /** `gone`: it can no longer be read here. */
  readonly result: 'stored' | 'refused' | 'gone';
  readonly code: string | null;
  readonly atMs: number;
}

export interface OutboxStore {
  /** Oldest batches of a lane that wait for an ack, sealing new ones where fewer than `limit` are there. Durable before it resolves. */
  take(request: TakeRequest): Promise<readonly SealedBatch[]>;
  /**
   * Seals all records older than `backlogAfterMs`, for the time without uplink: sealed they take a tenth of the room.
   * Resolves with the number of batches made.
   */
  sealBacklog(request: Omit<TakeRequest, 'lane' | 'exclude' | 'limit'>): Promise<number>;
  /** One batch per boot with the newest record of every open occurrence, ahead of all history. They are repeats to a bridge that has them. */
  sealSnapshot(seal: SealContext): Promise<readonly SealedBatch[]>;
  /** Records an answer: stored and repeat release the batch, refused makes it a dead letter. False when it changed nothing (already settled, or another hash). */
  settle(settlement: Settlement): Promise<boolean>;
  /** The oldest evidence file whose records the bridge has; null when none waits. */
  nextFile(): Promise<WaitingFile | null>;
  /** The bytes of a file; null when it is gone or damaged. */
  readFile(sha256: string): Promise<Buffer | null>;
  /** Lets go of a file: it is stored, refused or gone. False when it changed nothing. */
  settleFile(settlement: FileSettlement): Promise<boolean>;
  /** Counts one send of each batch. */
  noteSent(batches: readonly BatchKey[], atMs: number): Promise<void>;
  outboxCounts(): Promise<OutboxCounts>;
  /** Calls `listener` after each commit that put records into the outbox. Returns the unsubscribe. */
  onCommitted(listener: () => void): () => void;
}
