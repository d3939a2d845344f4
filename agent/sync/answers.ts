/** Answers of the bridge as they come over the wire: well-formed, for this gateway and signed by the bridge, or nobody's. */
import type { KeyObject } from 'node:crypto';
import { ackMessage, ackSignatureHolds, type AckMessage } from '../../cloud-bridge/contract.ts';

const maxAckBytes = 4_096;

/** The answer, or null when it is to be ignored. Never throws, whatever the bytes. */
export function believedAnswer(payload: Buffer, gateway: string, bridgeKey: KeyObject): AckMessage | null {
  if (payload.length > maxAckBytes) return null;
  try {
    const { data } = ackMessage.safeParse(JSON.parse(payload.toString('utf8')));
    return data !== undefined && data.gateway === gateway && ackSignatureHolds(data, bridgeKey) ? data : null;
  } catch {
    return null;
  }
}
