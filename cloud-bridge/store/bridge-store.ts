/**
 * What ingest and API need of a store. SQLite keeps it for one machine, PostgreSQL for many workers at once; both pass
 * `test/contract/bridge-store.ts`, which is what these promises mean:
 *
 *  B1  A batch, its records and its ledger numbers are durable together when `commit` resolves, or none of them is.
 *  B2  A record is stored once, however often and in whatever batches it arrives: by its identity (gateway, boot, n).
 *  B3  Of the summaries of one key the highest (revision, record boot, n) stays, in whatever order they arrive.
 *  B4  A batch name is (gateway, boot, seq); another hash under a known name stores nothing.
 *  B5  Any order, repetition or interleaving of the same batches, by any number of workers, gives the same rows, receive
 *      times aside.
 *  F1  A chunk is durable when `putChunk` resolves. `stored` is said of a file only when all of it is there and hashes to its
 *      name; what does not is forgotten whole, so that it can be sent again.
 *  F2  Only whole files are read.
 */
import type { BatchBody, BatchName, ChunkName, ChunkRange, StatusMessage } from '../contract.ts';
import type { Quarantine } from './open.ts';

/** SQLite has its answer at once and PostgreSQL later; whoever awaits serves both. */
export type Awaitable<T> = T | Promise<T>;

/** A batch that has passed every check but those against the store. */
export interface CheckedBatch {
  readonly name: BatchName;
  readonly body: BatchBody;
  readonly wireBytes: number;
}

export type CommitOutcome = 'stored' | 'repeat' | 'conflict';

/** Two boots of a gateway that name one previous boot. */
export interface Fork {
  readonly gateway: string;
  readonly previousBoot: string;
  readonly boots: readonly string[];
}

export interface CommitResult {
  readonly outcomes: readonly CommitOutcome[];
  /** Records stored and records that were known already. */
  readonly fresh: number;
  readonly known: number;
  readonly forks: readonly Fork[];
}

export interface StatusResult {
  readonly taken: boolean;
  readonly forks: readonly Fork[];
}

export type Scalar = string | number;
export type Row = Record<string, string | number | boolean | null>;

/** A chunk that has passed every check but that of the whole file. */
export interface Chunk extends ChunkName {
  readonly bytes: Buffer;
}

/** What the store has of a file after a chunk. `conflict`: another length is known of it; `damaged`: the whole is not what its name says. */
export type FileState =
  | { readonly state: 'stored' | 'damaged' | 'conflict' }
  | { readonly state: 'part'; readonly held: readonly ChunkRange[] };

/** Reads with SQL that every store understands, from the tables and views of `docs/bridge-store.md`. */
export interface StoreReader {
  /** `values` are the `@name`s of `sql`. JSON columns come as text, truth as a boolean or 0 and 1. */
  rows<T = Row>(sql: string, values?: Readonly<Record<string, Scalar>>): Awaitable<T[]>;
}

/** Why a call failed, where the store is the reason: out of room, or not to be written at present. */
export type Trouble = 'full' | 'down';

export interface BridgeStore extends StoreReader {
  /** Stores the batches in one transaction. Rejects with nothing stored where one of them cannot be. */
  commit(batches: readonly CheckedBatch[], receivedMs: number): Awaitable<CommitResult>;
  /** Keeps the newest birth or death of the gateway; `site` is the registered one. */
  applyStatus(site: string, status: StatusMessage, receivedMs: number): Awaitable<StatusResult>;
  /** Keeps a chunk of an evidence file. */
  putChunk(chunk: Chunk, receivedMs: number): Awaitable<FileState>;
  /** A whole evidence file, or null. */
  readFile(gateway: string, sha256: string): Awaitable<Buffer | null>;
  /** For a start with the embedded broker: nobody is connected to it yet, whatever the last run saw. */
  forgetConnections(): Awaitable<void>;
  /** Of an error this store threw; null: the store is well, and what it was given is at fault. */
  troubleOf(error: unknown): Trouble | null;
  /** What was set aside as damaged at this start. */
  readonly quarantine: Quarantine | null;
  close(): Awaitable<void>;
}
