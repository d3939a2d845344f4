/**
 * Judging one `up` payload: everything that can be said of it without the store. Pure but for the CPU it takes.
 *
 * Order of the checks, and why: the signature is checked before anything is unpacked, so only a registered gateway can
 * make the bridge spend work; a signed name whose bytes do not hash to it was damaged on the way (or tampered with), and
 * the true bytes may still come, so it is `later`; what the gateway itself signed wrongly stays wrong, so it is `refused`.
 */
import { zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import {
  batchBody,
  batchSignatureHolds,
  contractVersion,
  decodeUp,
  maxBatchUnpackedBytes,
  maxBatchWireBytes,
  sha256Hex,
  type AckCode,
  type BatchName,
} from './contract.ts';
import type { Gateway } from './registry.ts';
import type { CheckedBatch } from './store/bridge-store.ts';

export type Verdict =
  | { readonly verdict: 'commit'; readonly batch: CheckedBatch }
  | {
      readonly verdict: 'answer';
      readonly name: BatchName;
      readonly result: 'later' | 'refused';
      readonly code: AckCode;
    }
  /** There is nothing an answer could name. */
  | { readonly verdict: 'drop'; readonly reason: 'unnamed' | 'foreign' };

/** Every record and the body carry their version; a newer one is kept by the gateway until the bridge is updated. */
const versions = z.object({ v: z.int(), records: z.array(z.object({ v: z.int() })) });

/**
 * @param from what the topic says: a broker that ties topics to users vouches for it
 * @param find the registration of a gateway id at this moment
 */
export function judge(
  payload: Buffer,
  from: { readonly site: string; readonly gateway: string },
  find: (gateway: string) => Gateway | null,
): Verdict {
  const decoded = decodeUp(payload);
  const name = 'header' in decoded ? nameOf(decoded.header) : decoded.name;
  if (name === null) return { verdict: 'drop', reason: 'unnamed' };
  // An answer goes out on the topic the batch came from: nobody gets one about another gateway's batch.
  if (name.gateway !== from.gateway) return { verdict: 'drop', reason: 'foreign' };
  const answer = (result: 'later' | 'refused', code: AckCode): Verdict => ({ verdict: 'answer', name, result, code });

  const gateway = find(name.gateway);
  if (gateway === null) return answer('later', 'unknown-gateway');
  if (gateway.revoked === true) return answer('later', 'revoked');
  if (gateway.site !== from.site) return answer('later', 'wrong-site');
  if ('error' in decoded) return answer(decoded.error === 'unknown-version' ? 'later' : 'refused', decoded.error);
  const keys = gateway.previousKey === undefined ? [gateway.key] : [gateway.key, gateway.previousKey];
  const { sig } = decoded.header;
  if (!keys.some((key) => batchSignatureHolds(name, sig, key))) return answer('refused', 'bad-signature');
  if (decoded.bytes.length > maxBatchWireBytes) return answer('refused', 'too-large');
  if (sha256Hex(decoded.bytes) !== name.sha256) return answer('later', 'damaged');

  let json: unknown;
  try {
    json = JSON.parse(zstdDecompressSync(decoded.bytes, { maxOutputLength: maxBatchUnpackedBytes }).toString('utf8'));
  } catch (error) {
    const tooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return answer('refused', tooLarge ? 'too-large' : 'malformed');
  }
  const versioned = versions.safeParse(json).data;
  if (versioned !== undefined && [versioned, ...versioned.records].some((part) => part.v > contractVersion)) {
    return answer('later', 'unknown-version');
  }
  const body = batchBody.safeParse(json).data;
  if (body === undefined) return answer('refused', 'malformed');
  if (body.gateway !== name.gateway || body.boot !== name.boot || body.seq !== name.seq) {
    return answer('refused', 'malformed');
  }
  if (body.site !== gateway.site) return answer('later', 'wrong-site');
  return { verdict: 'commit', batch: { name, body, wireBytes: decoded.bytes.length } };
}

function nameOf(header: BatchName): BatchName {
  return { gateway: header.gateway, boot: header.boot, seq: header.seq, sha256: header.sha256 };
}
