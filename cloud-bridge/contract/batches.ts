/** Batches of records and their answers: C2, C3 and C5. */
import { sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { boot, contractVersion, id, maxUpHeaderBytes, previousBoot, seq, sha256, signature, utcMs } from './words.ts';
import { wireRecord } from './records.ts';

export const maxBatchWireBytes = 64 * 1024;
export const maxBatchUnpackedBytes = 1024 * 1024;

export const maxUpBytes = maxBatchWireBytes + maxUpHeaderBytes;

export const lanes = ['alerts', 'live', 'backlog', 'evidence'] as const;
export type Lane = (typeof lanes)[number];

/** The unpacked body of a batch: what the zstd bytes hold as JSON. All records are of the batch's own boot. */
export const batchBody = z.strictObject({
  v: z.literal(1),
  site: id,
  gateway: id,
  boot,
  previousBoot,
  seq,
  lane: z.enum(lanes).describe("Which of the gateway's queues it came by"),
  sealedMs: utcMs.describe("When it was sealed, UTC milliseconds on the gateway's clock"),
  clock: z
    .enum(['unsynced', 'synced', 'stepped'])
    .describe(
      "The gateway's clock when it was sealed; unsynced also where the times of its records are those of a clock that was never set and that nobody could put right",
    ),
  records: z.array(wireRecord).min(1),
});
export type BatchBody = z.infer<typeof batchBody>;

export const batchName = z.strictObject({ gateway: id, boot, seq, sha256 });
export type BatchName = z.infer<typeof batchName>;

/** First line of an `up` payload; then "\n" and the zstd bytes. */
export const upHeader = z.strictObject({
  v: z.int().min(1),
  ...batchName.shape,
  bytes: z.int().min(1).describe('Number of the zstd bytes'),
  sig: signature,
});
export type UpHeader = z.infer<typeof upHeader>;

export const ackResults = ['stored', 'repeat', 'later', 'refused'] as const;
/** Why a batch is not stored. A reader must take an unknown code as it takes the result it comes with. */
export const ackCodes = {
  conflict: 'refused: another batch with this gateway, boot and number is stored, with another hash',
  'bad-signature':
    'later: the signature does not hold with the key the gateway is registered with. Anybody may have sent it, so the answer says nothing about the batch of this name',
  malformed: 'refused: the signed bytes are no batch of this contract',
  'too-large': 'refused: over the size on the wire or the size unpacked',
  'unknown-version': 'later: a newer contract than this bridge knows; update the bridge',
  'unknown-gateway': 'later: the bridge has no registration of this gateway',
  revoked: 'later: the gateway was revoked; it may be enrolled again, and what it holds is kept until then',
  'wrong-site': 'later: the gateway is registered at another site than it sends as',
  damaged:
    'later: signed name and bytes do not belong together. Anybody may have changed them, so the answer says nothing about the batch of this name',
  busy: 'later: the bridge has as many batches waiting as it can hold',
  'store-down': 'later: the database cannot be written',
  'store-full': 'later: the disk under the database is full',
} as const;
export type AckCode = keyof typeof ackCodes;
export const ackMessage = z.strictObject({
  v: z.literal(1),
  ...batchName.shape,
  result: z.enum(ackResults),
  code: z.string().nullable().describe('For later and refused: why'),
  retryAfterS: z.number().min(0).nullable(),
  sig: signature,
});
export type AckMessage = z.infer<typeof ackMessage>;

/** What the gateway signs: the batch by its name, and by the hash all its bytes. */
export const batchSigningText = (n: BatchName): Buffer =>
  Buffer.from(`selvedge/v1/batch\n${n.gateway}\n${n.boot}\n${n.seq}\n${n.sha256}`);
/** What the bridge signs; an absent code or wait is an empty line. */
export const ackSigningText = (a: Omit<AckMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/ack\n${a.gateway}\n${a.boot}\n${a.seq}\n${a.sha256}\n${a.result}\n${a.code ?? ''}\n${a.retryAfterS ?? ''}`,
  );

export function signBatch(name: BatchName, key: KeyObject): string {
  return sign(null, batchSigningText(name), key).toString('base64');
}
export function batchSignatureHolds(name: BatchName, sig: string, key: KeyObject): boolean {
  return verify(null, batchSigningText(name), key, Buffer.from(sig, 'base64'));
}
export function signAck(ack: Omit<AckMessage, 'sig'>, key: KeyObject): AckMessage {
  return { ...ack, sig: sign(null, ackSigningText(ack), key).toString('base64') };
}
export function ackSignatureHolds(ack: AckMessage, key: KeyObject): boolean {
  return verify(null, ackSigningText(ack), key, Buffer.from(ack.sig, 'base64'));
}

/** Puts the header line before the bytes. */
export function encodeUp(header: UpHeader, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(header) + '\n'), bytes]);
}
export type UpDecoded =
  | { readonly header: UpHeader; readonly bytes: Buffer }
  | {
      readonly error: 'malformed' | 'unknown-version' | 'too-large';
      /** The batch it calls itself, where that much can be read: what an answer must name. Nothing vouches for it but `sig`. */
      readonly name: BatchName | null;
      readonly sig: string | null;
      readonly bytes: Buffer;
    };
/** Splits an `up` payload, or says why it is none. The hash and the signature are the caller's to check. */
export function decodeUp(payload: Buffer): UpDecoded {
  const end = payload.subarray(0, maxUpHeaderBytes).indexOf(0x0a);
  let json: unknown = null;
  try {
    json = end < 0 ? null : JSON.parse(payload.toString('utf8', 0, end));
  } catch {
    // `json` stays null: no header.
  }
  // A later version may add fields to the header; name and signature stay what they are, so that it can be answered.
  const name = z.object(batchName.shape).safeParse(json).data ?? null;
  const sig = z.object({ sig: signature }).safeParse(json).data?.sig ?? null;
  const bytes = payload.subarray(end + 1);
  const failed = (error: 'malformed' | 'unknown-version' | 'too-large') => ({ error, name, sig, bytes });
  const version = z.object({ v: z.int().min(1) }).safeParse(json).data?.v ?? contractVersion;
  if (version !== contractVersion) return failed('unknown-version');
  if (payload.length > maxUpBytes) return failed('too-large');
  const header = upHeader.safeParse(json);
  if (!header.success || bytes.length !== header.data.bytes) return failed('malformed');
  return { header: header.data, bytes };
}
