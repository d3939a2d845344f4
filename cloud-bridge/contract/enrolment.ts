/** How a gateway comes by its certificate, over HTTPS. */
import { z } from 'zod';
import { id, sha256Hex, signature, utcMs } from './words.ts';

const pem = z.string().min(1).max(16_384);
const joinFields = {
  v: z.literal(1),
  gateway: id,
  site: id,
  enrolment: z.url({ protocol: /^https$/ }).describe('Where the certificate is fetched and renewed'),
  brokers: z.array(z.string().min(1)).min(1).max(8).describe('MQTT brokers of the bridge, in order'),
  ca: pem.describe('Certificate of the bridge’s authority; nobody else is believed'),
  caFingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of that certificate, in hex'),
  secret: z.string().min(40).max(100).describe('Good once'),
  expiresMs: utcMs,
};
/** What `bridge enrol` writes and `join` reads. */
export const joinFile = z.strictObject({
  ...joinFields,
  check: z.string().describe('SHA-256 of the fields before it'),
});
export type JoinFile = z.infer<typeof joinFile>;
/** Finds a file that was changed by mistake. Who changes it on purpose finds the bridge's own record in the way. */
export function joinCheck(file: Omit<JoinFile, 'check'>): string {
  const fields = Object.keys(joinFields) as (keyof typeof joinFields)[];
  return sha256Hex(Buffer.from(JSON.stringify(fields.map((field) => file[field]))));
}

const certificateRequest = pem.describe('PKCS 10 in PEM, for a P-256 key');
/** `POST /v1/join` */
export const joinRequest = z.strictObject({
  v: z.literal(1),
  gateway: id,
  site: id,
  secret: z.string().max(100),
  request: certificateRequest,
  publicKey: pem.describe('Ed25519, SPKI in PEM: batches are signed with it'),
  sig: signature.describe('By that key'),
});
export type JoinRequest = z.infer<typeof joinRequest>;
/** `POST /v1/renew`, over a connection with the certificate that is to be renewed. */
export const renewRequest = z.strictObject({
  v: z.literal(1),
  gateway: id,
  request: certificateRequest,
  publicKey: pem.describe('The key batches are signed with from now on'),
  sig: signature.describe('By that key'),
  previousSig: signature.describe('By the key before'),
});
export type RenewRequest = z.infer<typeof renewRequest>;
export const enrolAnswer = z.strictObject({
  v: z.literal(1),
  gateway: id,
  site: id,
  certificate: pem,
  bridgeKey: pem.describe('Answers are signed with its private half'),
  notAfterMs: utcMs,
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;
/** Why there is no certificate; HTTP status 403. */
export const enrolRefusals = ['unknown', 'used', 'expired', 'mismatch', 'revoked', 'malformed'] as const;
export type EnrolRefusalCode = (typeof enrolRefusals)[number];
export const enrolRefusal = z.object({ v: z.literal(1), refused: z.enum(enrolRefusals) });

/** What both signatures of a request for a certificate are over. */
export const enrolSigningText = (r: { gateway: string; request: string; publicKey: string }): Buffer =>
  Buffer.from(
    `selvedge/v1/enrol\n${r.gateway}\n${sha256Hex(Buffer.from(r.request))}\n${sha256Hex(Buffer.from(r.publicKey))}`,
  );
