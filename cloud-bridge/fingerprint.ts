/** Certificates by their fingerprint, in one spelling. */
import { X509Certificate } from 'node:crypto';

/** SHA-256 of the first certificate in `pem`, lower-case hex without colons. Throws what Node says when there is none. */
export function fingerprintOf(pem: string): string {
  return plainFingerprint(new X509Certificate(pem).fingerprint256);
}

/** `AB:CD…` as `abcd…`. */
export function plainFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}
