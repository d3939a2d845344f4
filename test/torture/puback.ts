/** The agent's connection and judge of answers with a fault: what the broker has taken counts as stored. See `broken-agent.ts`. */
import type { KeyObject } from 'node:crypto';
import { believedAnswer as believed, type BridgeAnswer } from '../../agent/sync/answers.ts';
import { openLink as open, type Link, type LinkHandlers, type LinkOptions } from '../../agent/sync/link.ts';
import { ackMessage, type AckMessage } from '../../cloud-bridge/contract.ts';

export { checkUplinkUrl } from '../../agent/sync/link.ts';

const mark = 'puback';

export function openLink(options: LinkOptions, handlers: LinkHandlers): Link {
  const link = open(options, handlers);
  return {
    ...link,
    publish: (topic, payload, retain, done) =>
      link.publish(topic, payload, retain, () => {
        done?.();
        if (!topic.endsWith('/up') || typeof payload === 'string') return;
        const { gateway, boot, seq, sha256 } = JSON.parse(
          payload.toString('utf8', 0, payload.indexOf(0x0a)),
        ) as AckMessage;
        const answer = { v: 1, gateway, boot, seq, sha256, result: 'stored', code: null, retryAfterS: null, sig: mark };
        handlers.onMessage(topic.replace(/up$/, 'ack'), Buffer.from(JSON.stringify(answer)));
      }),
  };
}

export function believedAnswer(payload: Buffer, gateway: string, bridgeKey: KeyObject): BridgeAnswer | null {
  const { data } = ackMessage.safeParse(JSON.parse(payload.toString('utf8')));
  return data?.sig === mark ? { to: 'batch', ack: data } : believed(payload, gateway, bridgeKey);
}
