/**
 * Judging what gateways send: everything that can be said of it without the store. Pure but for the CPU it takes.
 *
 *
 * Order of the checks, and why: the signature is checked before anything is unpacked, so only a registered gateway can
 * make the bridge spend work; a signed name whose bytes do not hash to it was damaged on the way (or tampered with), and
 * the true bytes may still come, so it is `later`; what the gateway itself signed wrongly stays wrong, so it is `refused`.
 *
 * Invariants (test/unit/bridge/judge.test.ts):
 *  J1  `refused` is said only of a name whose signature holds and of the bytes it names: nobody but the gateway itself can bring
 *      it about, whatever its broker lets others publish.
 *  J2  So is every `later` that makes a gateway hold back. What anybody can bring about is answered `bad-signature` or `damaged`,
 *      which a gateway takes as no answer; an unknown or revoked gateway is one whoever asks. A copy of a sound batch with another
 *      version before it is the exception: it is told `unknown-version`, which a gateway obeys once a send, and that send has its
 *      own answer.
 *  J3  No more is unpacked than a batch may hold, and with no more memory than 8 MiB beside it.
 */
import type { KeyObject } from 'node:crypto';
import { constants, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import {
  batchBody,
  batchSignatureHolds,
  contractVersion,
  decodeUp,
  maxBatchUnpackedBytes,
  maxBatchWireBytes,
  sha256Hex,
  statusMessage,
  statusSignatureHolds,
  type AckCode,
  type BatchName,
  type StatusMessage,
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

/** Beyond this nobody's bytes are looked at: no agent makes a batch that is longer on the wire than unpacked. */
const maxHashedBytes = maxBatchUnpackedBytes;
/** A zstd frame says how much the reader has to keep, up to 128 MiB. 8 MiB is what RFC 8878 (3.1.1.1.2) asks every reader for. */
const maxWindowLog = 23;

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
  const { bytes } = decoded;
  const sig = 'header' in decoded ? decoded.header.sig : decoded.sig;
  const signed = sig !== null && keysOf(gateway).some((key) => batchSignatureHolds(name, sig, key));
  if (!signed) return answer('later', 'bad-signature');
  if (bytes.length > maxHashedBytes || sha256Hex(bytes) !== name.sha256) return answer('later', 'damaged');
  if ('error' in decoded && decoded.error === 'unknown-version') return answer('later', 'unknown-version');
  // From here on it is the gateway itself that speaks, in the bytes. What else the header says is nobody's word, and makes a sound
  // batch no worse, or anybody could have it refused.
  if (bytes.length > maxBatchWireBytes) return answer('refused', 'too-large');

  let json: unknown;
  try {
    const limits = {
      maxOutputLength: maxBatchUnpackedBytes,
      params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
    };
    json = JSON.parse(zstdDecompressSync(bytes, limits).toString('utf8'));
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
  // A gateway has one site: on the topic of another one this is somebody's copy.
  if (from.site !== body.site) return { verdict: 'drop', reason: 'foreign' };
  return { verdict: 'commit', batch: { name, body, wireBytes: bytes.length } };
}

const maxStatusBytes = 4096;

export type StatusVerdict =
  | { readonly verdict: 'take'; readonly site: string; readonly status: StatusMessage }
  | {
      readonly verdict: 'drop';
      readonly reason: 'malformed' | 'foreign' | 'unknown-gateway' | 'wrong-site' | 'revoked' | 'bad-signature';
    };

/**
 * Judging one birth or death.
 * @param brokerVouches the broker is the bridge's own and ties topics to users: what a gateway before signed births sends counts
 */
export function judgeStatus(
  payload: Buffer,
  from: { readonly site: string; readonly gateway: string },
  find: (gateway: string) => Gateway | null,
  brokerVouches: boolean,
): StatusVerdict {
  const drop = (reason: Extract<StatusVerdict, { verdict: 'drop' }>['reason']): StatusVerdict => ({
    verdict: 'drop',
    reason,
  });
  const status = parseStatus(payload);
  if (status === null) return drop('malformed');
  if (status.gateway !== from.gateway) return drop('foreign');
  const gateway = find(from.gateway);
  if (gateway === null) return drop('unknown-gateway');
  if (gateway.site !== from.site) return drop('wrong-site');
  // Of a revoked gateway only its end is news.
  if (gateway.revoked === true && status.online) return drop('revoked');
  const unsigned = status.sig === undefined && brokerVouches;
  const holds = () => keysOf(gateway).some((key) => statusSignatureHolds(from.site, status, key));
  return unsigned || holds() ? { verdict: 'take', site: gateway.site, status } : drop('bad-signature');
}

function parseStatus(payload: Buffer): StatusMessage | null {
  if (payload.length > maxStatusBytes) return null;
  try {
    return statusMessage.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

/** Those that count at present: two while keys rotate. */
function keysOf({ key, previousKey }: Gateway): readonly KeyObject[] {
  return previousKey === undefined ? [key] : [key, previousKey];
}

function nameOf(header: BatchName): BatchName {
  return { gateway: header.gateway, boot: header.boot, seq: header.seq, sha256: header.sha256 };
}
