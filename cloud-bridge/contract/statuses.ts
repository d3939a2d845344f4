/** Birth and death of a gateway's connection. */
import { sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { boot, id, previousBoot, signature, utcMs } from './words.ts';

/** Retained birth and will on `status`. The will is written at connect time, so a death can be older than the next birth. */
export const statusMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  boot,
  previousBoot,
  connection: z.int().min(1).describe('Number of the connection within the boot'),
  online: z.boolean(),
  atMs: utcMs,
  agentVersion: z.string(),
  session: z.string().describe('Random challenge of this connection'),
  sig: signature
    .optional()
    .describe('Ed25519 of the gateway, base64. Absent it counts only at a broker that is the bridge’s own'),
});
export type StatusMessage = z.infer<typeof statusMessage>;

/** What the gateway signs of a birth or death; the site is the topic's. */
export const statusSigningText = (site: string, s: Omit<StatusMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/status\n${site}\n${s.gateway}\n${s.boot}\n${s.previousBoot ?? ''}\n${s.connection}\n${s.online}\n${s.atMs}\n${s.session}\n${s.agentVersion}`,
  );

export function signStatus(site: string, status: Omit<StatusMessage, 'sig'>, key: KeyObject): StatusMessage {
  return { ...status, sig: sign(null, statusSigningText(site, status), key).toString('base64') };
}
export function statusSignatureHolds(site: string, status: StatusMessage, key: KeyObject): boolean {
  const { sig, ...rest } = status;
  return sig !== undefined && verify(null, statusSigningText(site, rest), key, Buffer.from(sig, 'base64'));
}
