/** Answers of the bridge, to batches and to chunks of files, as they come over the wire: well-formed, for this gateway and signed by the bridge, or nobody's. */
import type { KeyObject } from 'node:crypto';
import {
  ackMessage,
  ackSignatureHolds,
  blobAckMessage,
  blobAckSignatureHolds,
  type AckMessage,
  type BlobAckMessage,
} from '../../cloud-bridge/contract.ts';

export type BridgeAnswer =
  | { readonly to: 'batch'; readonly ack: AckMessage }
  | { readonly to: 'file'; readonly ack: BlobAckMessage };

const maxAckBytes = 4_096;

/** The answer, or null when it is to be ignored. Never throws, whatever the bytes. */
export function believedAnswer(payload: Buffer, gateway: string, bridgeKey: KeyObject): BridgeAnswer | null {
  if (payload.length > maxAckBytes) return null;
  try {
    const json: unknown = JSON.parse(payload.toString('utf8'));
    const file = blobAckMessage.safeParse(json).data;
    if (file !== undefined) {
      return file.gateway === gateway && blobAckSignatureHolds(file, bridgeKey) ? { to: 'file', ack: file } : null;
    }
    const { data } = ackMessage.safeParse(json);
    return data !== undefined && data.gateway === gateway && ackSignatureHolds(data, bridgeKey)
      ? { to: 'batch', ack: data }
      : null;
  } catch {
    return null;
  }
}
