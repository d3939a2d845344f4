/**
 * The wire contract between a gateway and the bridge, version 1. The agent imports this file and nothing else of this
 * room. `docs/CONTRACT.md`, the JSON Schemas and the AsyncAPI document are generated from it.
 *
 * Invariants:
 *  C1  A record has its identity (gateway, boot, n) from the moment it is made; it never changes afterwards.
 *  C2  A batch is immutable bytes named (gateway, boot, seq, sha256 of the zstd bytes) and signed by the gateway.
 *  C3  A batch is ≤ 64 KiB on the wire and ≤ 1 MiB unpacked.
 *  C4  Everything needed to judge a message is in its payload; topic, QoS and retain flags carry no meaning of their own.
 *  C5  An ack names the batch by all four parts and is signed by the bridge; `stored` and `repeat` alone release a batch.
 *  C6  A file is named by its SHA-256 and travels in chunks of one length but the last; a chunk is signed with its own hash, so
 *      nobody else can put a byte into it, and it may be sent in any order, by any connection, and again.
 *  C7  A command is signed by the bridge over all its fields, and its result by the gateway over all of its own; a result names the
 *      command by the hash of its payload.
 */
export { contractVersion, maxUpHeaderBytes, parseTopic, sha256Hex, topicOf, type Channel } from './contract/words.ts';
export * from './contract/records.ts';
export * from './contract/batches.ts';
export * from './contract/files.ts';
export * from './contract/statuses.ts';
export * from './contract/commands.ts';
export * from './contract/enrolment.ts';
