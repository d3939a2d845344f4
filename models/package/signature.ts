/**
 * The detached signature of a manifest, `manifest.sig`: one line `ed25519 KEY SIGNATURE`, where KEY is the SHA-256 of the public key
 * (SPKI DER) in hexadecimal and SIGNATURE is base64. Signed are the words `selvedge model manifest v1`, a line end, and the canonical
 * bytes of the manifest, so that the signature is good for nothing else. Pure.
 *
 * Invariant (test/unit/models/signature.test.ts): a key counts only for the kind of signer it is listed for. The site's key signs no
 * release.
 */
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { ModelError } from '../errors.ts';
import type { Signer } from './manifest.ts';

/** Public keys (Ed25519) by what they may sign. */
export type TrustedKeys = Readonly<Record<Signer, readonly KeyObject[]>>;

const context = Buffer.from('selvedge model manifest v1\n', 'utf8');
const linePattern = /^ed25519 ([0-9a-f]{64}) ([A-Za-z0-9+/]{86}==)\n$/;
export const maxSignatureBytes = 256;

/** SHA-256 of a public key, lower-case hexadecimal. */
export function fingerprintOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** The text of `manifest.sig`. */
export function signManifest(bytes: Uint8Array, privateKey: KeyObject): string {
  const signature = sign(null, Buffer.concat([context, bytes]), privateKey);
  return `ed25519 ${fingerprintOf(createPublicKey(privateKey))} ${signature.toString('base64')}\n`;
}

/**
 * Holds a signature against the keys that may sign so. Returns the fingerprint of the key.
 * @throws ModelError `signatureWrong`, `keyUnknown`
 */
export function checkSignature(
  bytes: Uint8Array,
  signatureText: string,
  signedBy: Signer,
  trusted: TrustedKeys,
): string {
  const [, key = '', base64 = ''] = linePattern.exec(signatureText) ?? [];
  const signature = Buffer.from(base64, 'base64');
  // One signature has one spelling: base64 has bits at its end that nobody reads.
  if (key === '' || signature.toString('base64') !== base64) {
    throw new ModelError('signatureWrong', 'manifest.sig is no signature');
  }
  const known = trusted[signedBy].find((one) => fingerprintOf(one) === key);
  if (known === undefined) {
    throw new ModelError(
      'keyUnknown',
      `it says signedBy ${signedBy}, and its key ${key.slice(0, 16)}… is none of those`,
    );
  }
  if (!verify(null, Buffer.concat([context, bytes]), known, signature)) {
    throw new ModelError('signatureWrong', `the signature by ${key.slice(0, 16)}… does not hold`);
  }
  return key;
}
