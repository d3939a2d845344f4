/** Where the packages lie that come with this version, and the public key they are verified with. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ModelError } from '../errors.ts';

export const shippedPackages = fileURLToPath(new URL('../packages/', import.meta.url));
export const releaseKeyFile = fileURLToPath(new URL('../keys/release.pub.pem', import.meta.url));

/** The public key of releases. @throws ModelError `keyUnknown` where it is not there */
export function releasePublicKey(): KeyObject {
  return publicKeyIn(releaseKeyFile);
}

/** An Ed25519 public key (SPKI PEM). @throws ModelError `keyUnknown` */
export function publicKeyIn(path: string): KeyObject {
  try {
    const key = createPublicKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw new ModelError('keyUnknown', `${path} holds no public key that can be read`, { cause: error });
  }
  throw new ModelError('keyUnknown', `${path} holds a key of another kind than Ed25519`);
}
