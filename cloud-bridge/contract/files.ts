/** Evidence files and their chunks: C6. */
import { sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { contractVersion, id, maxUpHeaderBytes, sha256, sha256Hex, signature } from './words.ts';

/** A picture is some 24 KiB; a window of raw readings may be more. */
export const maxEvidenceBytes = 4 * 1024 * 1024;
export const evidenceChunkBytes = 48 * 1024;
export const maxBlobBytes = evidenceChunkBytes + maxUpHeaderBytes;

/**
 * `data` of an event `evidence`: a file that shows why, kept by the gateway under its hash. Its bytes follow on `blob` when
 * this record is stored.
 */
export const evidenceData = z.strictObject({
  sha256: sha256.describe('Of the file, in hex'),
  bytes: z.int().min(1).max(maxEvidenceBytes),
  mediaType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]{1,80}$/),
  role: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/)
    .describe('What it shows: crop, heat_map, spectrogram, window …'),
  occurrence: z.string().nullable().describe('The alert it belongs to'),
});
export type EvidenceData = z.infer<typeof evidenceData>;

/** First line of a `blob` payload; then "\n" and the bytes of the chunk. */
export const blobHeader = z.strictObject({
  v: z.int().min(1),
  gateway: id,
  sha256: sha256.describe('Of the whole file, in hex'),
  size: z.int().min(1).max(maxEvidenceBytes).describe('Bytes of the whole file'),
  chunk: z
    .int()
    .min(0)
    .describe(`From 0; every chunk has ${evidenceChunkBytes} bytes, but the last, which has the rest`),
  sig: signature,
});
export type BlobHeader = z.infer<typeof blobHeader>;
/** A chunk without its bytes: what is signed, with the hash of the bytes. */
export type ChunkName = Omit<BlobHeader, 'v' | 'sig'>;

/** A closed range of chunk numbers. */
export const chunkRange = z.tuple([z.int().min(0), z.int().min(0)]);
export type ChunkRange = z.infer<typeof chunkRange>;
export const blobResults = ['stored', 'part', 'later', 'refused'] as const;
/** Answer to a chunk, on `ack`. `stored`: the bridge has the whole file. `part`: it has what `held` says, and wants the rest. */
export const blobAckMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  blob: sha256.describe('Of the whole file, in hex'),
  held: z.array(chunkRange).max(64).describe('Chunks the bridge has, in order; empty when it has the whole file'),
  result: z.enum(blobResults),
  code: z.string().nullable().describe('For later and refused: why'),
  retryAfterS: z.number().min(0).nullable(),
  sig: signature,
});
export type BlobAckMessage = z.infer<typeof blobAckMessage>;

/** Chunks of a file of `size` bytes. */
export const chunkCount = (size: number): number => Math.ceil(size / evidenceChunkBytes);
/** Bytes of one of its chunks. */
export const chunkLength = (size: number, chunk: number): number =>
  Math.min(evidenceChunkBytes, size - chunk * evidenceChunkBytes);

/** What the gateway signs of a chunk: where it belongs, and by the hash all its bytes. */
export const chunkSigningText = (c: ChunkName, bytes: Uint8Array): Buffer =>
  Buffer.from(`selvedge/v1/blob\n${c.gateway}\n${c.sha256}\n${c.size}\n${c.chunk}\n${sha256Hex(bytes)}`);
export const blobAckSigningText = (a: Omit<BlobAckMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/blob-ack\n${a.gateway}\n${a.blob}\n${a.held.map((range) => range.join('-')).join(',')}\n` +
      `${a.result}\n${a.code ?? ''}\n${a.retryAfterS ?? ''}`,
  );
export function signBlobAck(ack: Omit<BlobAckMessage, 'sig'>, key: KeyObject): BlobAckMessage {
  return { ...ack, sig: sign(null, blobAckSigningText(ack), key).toString('base64') };
}
export function blobAckSignatureHolds(ack: BlobAckMessage, key: KeyObject): boolean {
  return verify(null, blobAckSigningText(ack), key, Buffer.from(ack.sig, 'base64'));
}
export function chunkSignatureHolds(
  { sig, ...name }: Omit<BlobHeader, 'v'>,
  bytes: Uint8Array,
  key: KeyObject,
): boolean {
  return verify(null, chunkSigningText(name, bytes), key, Buffer.from(sig, 'base64'));
}

/** A `blob` payload: the signed header line before the bytes. */
export function encodeBlob(name: ChunkName, bytes: Uint8Array, key: KeyObject): Buffer {
  const sig = sign(null, chunkSigningText(name, bytes), key).toString('base64');
  return Buffer.concat([Buffer.from(JSON.stringify({ v: contractVersion, ...name, sig }) + '\n'), bytes]);
}
/** Splits a `blob` payload, or gives null when it is none of this version. The signature is the caller's to check. */
export function decodeBlob(payload: Buffer): { readonly header: BlobHeader; readonly bytes: Buffer } | null {
  if (payload.length > maxBlobBytes) return null;
  const end = payload.subarray(0, maxUpHeaderBytes).indexOf(0x0a);
  if (end < 0) return null;
  try {
    const { data } = blobHeader.safeParse(JSON.parse(payload.toString('utf8', 0, end)));
    if (data === undefined || data.v !== contractVersion || data.chunk >= chunkCount(data.size)) return null;
    const bytes = payload.subarray(end + 1);
    return bytes.length === chunkLength(data.size, data.chunk) ? { header: data, bytes } : null;
  } catch {
    return null;
  }
}
